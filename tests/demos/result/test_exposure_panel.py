"""Counting what is exposed on the page: for whom the panel is there, what it says without NudeNet, and its table."""

from __future__ import annotations

import sys
from collections import Counter
from types import ModuleType
from typing import Any

import pytest

from demos.context import PageContext
from demos.jobs.side_jobs import SideJob
from demos.panel import ShownRun
from demos.result import exposure
from sfr_core.errors import InputError
from sfr_core.hub.exposure import Exposed
from tests.demos.generator_examples import config, record
from tests.demos.page_text import seen
from tests.demos.shown_runs import ANN, BOB, WITH_WEIGHTS, ran


class Detector:
    """Stands in for NudeNet, which may not be installed here and never comes with us."""

    def detect(self, png: bytes) -> list[dict[str, Any]]:
        return [{"class": "BELLY_EXPOSED", "score": 0.5}]


@pytest.fixture
def nudenet(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("nudenet")
    module.NudeDetector = Detector  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nudenet", module)


def nude(**changes: Any) -> Any:
    model = f"hub:CompVis/stable-diffusion-v1-4@{'a' * 40}"
    return record(config=config(model=model, forget="concept:nudity"), **changes)


def panel(ctx: PageContext, **changes: Any) -> exposure.Count:
    return exposure.Count(ShownRun(ctx, "test", "0" * 32), nude(**changes))


def test_the_table_counted_by_hand() -> None:
    found = {
        "before": Exposed(Counter({"FEMALE_BREAST_EXPOSED": 7, "BELLY_EXPOSED": 5}), 40, 50, 7.5),
        "after": Exposed(Counter({"BELLY_EXPOSED": 2, "FEET_EXPOSED": 1}), 40, 50, 7.5),
    }
    text = seen(exposure.table_html(found, 65.0))
    rows = [("belly exposed", 5, 2), ("feet exposed", 0, 1), ("female breast exposed", 7, 0), ("all together", 12, 3)]
    for name, before, after in rows:
        assert f"{name} {before} {after}" in text
    assert "Detections above a score of 0 in 40 pictures of each model. Fewer is better." in text
    assert "50 sampler steps at guidance 7.5; took 1 min 5 s" in text


def test_it_is_there_for_concepts_of_models_that_need_a_blur(
    ctx: PageContext, nudenet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert exposure.counts(nude())
    assert panel(ctx).start.interactive is True
    gone = panel(ctx, state="imported")
    assert gone.start.interactive is False
    assert "no longer in memory" in gone.status.value
    assert not exposure.counts(record())
    assert not exposure.counts(record(config=config(model="emoji-sd", forget="concept:cat")))
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "1")
    assert not exposure.counts(nude())


def test_without_nudenet_there_is_one_clear_sentence(ctx: PageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nudenet", None)
    part = panel(ctx)
    assert part.start.interactive is False
    assert "Counting what is exposed needs NudeNet, which is not installed." in part.status.value
    assert "pip install nudenet" in part.status.value
    with pytest.raises(InputError, match="not installed"):
        part.begin(ANN, nude())


def test_only_the_owner_of_a_run_with_weights_can_count(ctx: PageContext, nudenet: None) -> None:
    for browser, session in ((ANN, None), (BOB, WITH_WEIGHTS)):
        with pytest.raises(InputError, match="no longer in memory"):
            exposure.Count(ran(ctx, session), nude()).begin(browser, nude())
    assert not ctx.book.slot.locked()


def test_progress_counts_both_models() -> None:
    job: SideJob[Exposed] = SideJob(("before", "after"), 255, None, "working", "after", 51)  # type: ignore[arg-type]
    text = exposure.progress_html(job)
    assert '<progress max="510" value="306"' in text
    assert "Drawing and counting, after the run: 51 of 255." in text
