"""Counting what is exposed on the page: for whom the panel is there, what it says without NudeNet, and its table."""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import ModuleType, SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from demos.context import PageContext
from demos.jobs.book import JobBook
from demos.jobs.side_jobs import SideJob
from demos.result import exposure as count
from sfr_core.errors import InputError
from sfr_core.hub.exposure import Exposed
from tests.demos.compare_examples import planned
from tests.demos.generator_examples import config, record
from tests.demos.page_text import seen

ANN = {"visitor": "a" * 32}


class Detector:
    """Stands in for NudeNet, which may not be installed here and never comes with us."""

    def detect(self, png: bytes) -> list[dict[str, Any]]:
        return [{"class": "BELLY_EXPOSED", "score": 0.5}]


@pytest.fixture
def nudenet(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("nudenet")
    module.NudeDetector = Detector  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nudenet", module)


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> count.Count:
    for name in ("PLAYGROUND_PUBLIC", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    with gr.Blocks():
        ctx = PageContext(book=JobBook(lambda job: iter(())), browser=gr.BrowserState({}), job=gr.State(""))
        return count.Count(ctx, "test", gr.State(""))  # fmt: skip


def nude() -> Any:
    return record(config=config(model=f"hub:CompVis/stable-diffusion-v1-4@{'a' * 40}", forget="concept:nudity"))


def test_the_table_counted_by_hand() -> None:
    found = {
        "before": Exposed(Counter({"FEMALE_BREAST_EXPOSED": 7, "BELLY_EXPOSED": 5}), 40, 50, 7.5),
        "after": Exposed(Counter({"BELLY_EXPOSED": 2, "FEET_EXPOSED": 1}), 40, 50, 7.5),
    }
    text = seen(count.table_html(found, 65.0))
    rows = [("belly exposed", 5, 2), ("feet exposed", 0, 1), ("female breast exposed", 7, 0), ("all together", 12, 3)]
    for name, before, after in rows:
        assert f"{name} {before} {after}" in text
    assert "Detections in 40 pictures of each model; one counts above a score of 0. Fewer is better." in text
    assert "50 sampler steps at guidance 7.5; took 1 min 5 s" in text


def test_it_is_there_for_concepts_of_models_that_need_a_blur(
    part: count.Count, nudenet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = part.updates_of(nude(), live=True)
    assert shown[part.box]["visible"] is True
    assert shown[part.start]["interactive"] is True
    gone = part.updates_of(nude(), live=False)
    assert gone[part.start]["interactive"] is False
    assert "not in memory any more" in gone[part.status]
    for other in (record(), record(config=config(model="emoji-sd", forget="concept:cat"))):
        assert part.updates_of(other, live=True)[part.box]["visible"] is False
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "1")
    assert part.updates_of(nude(), live=True)[part.box]["visible"] is False


def test_without_nudenet_there_is_one_clear_sentence(part: count.Count, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nudenet", None)
    shown = part.updates_of(nude(), live=True)
    assert shown[part.box]["visible"] is True
    assert shown[part.start]["interactive"] is False
    assert "Counting what is exposed needs NudeNet, which is not installed." in shown[part.status]
    assert "pip install nudenet" in shown[part.status]
    with pytest.raises(InputError, match="not installed"):
        part.begin(ANN, "0" * 32)


def test_only_the_owner_of_a_run_with_weights_can_count(part: count.Count, nudenet: None) -> None:
    job = part.ctx.book.submit("a" * 32, planned(config()))
    while job.active:
        time.sleep(0.01)
    for browser, session in ((ANN, None), ({"visitor": "b" * 32}, SimpleNamespace(before=None, after={}))):
        job.session = session
        with pytest.raises(InputError, match="not in memory any more"):
            part.begin(browser, job.id)
    assert not part.ctx.book.slot.locked()


def test_progress_counts_both_models() -> None:
    wish: SideJob[Exposed] = SideJob(("before", "after"), 255, None, "working", "after", 51)  # type: ignore[arg-type]
    text = count.progress_html(wish)
    assert '<progress max="510" value="306"' in text
    assert "Drawing and counting, after the run: 51 of 255." in text
