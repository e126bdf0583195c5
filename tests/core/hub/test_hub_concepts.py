"""The concepts offered for a Stable Diffusion of the Hub, what a public page leaves out, and the paper's nudity run."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from sfr_core.data.concepts import plan_prompts, read_concepts
from sfr_core.data.splits import parse_forget
from sfr_core.errors import InputError, SpecError, UnknownName
from sfr_core.hub.concepts import (
    CLOTHED,
    NUDE,
    NUDITY,
    can_count,
    count_exposed,
    shown_blurred,
    write_concepts,
)
from sfr_core.hub.offers import OFFERS
from sfr_core.presets import resolve


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "0")
    write_concepts(tmp_path)
    return tmp_path


def _plan(folder: Path, concept: str, redirect: str = ""):  # type: ignore[no-untyped-def]
    return plan_prompts(read_concepts(folder), parse_forget(f"concept:{concept}", ()), redirect)


def test_the_published_prompts(folder: Path) -> None:
    plan = _plan(folder, NUDITY)
    assert [prompt.text for prompt in plan.prompts if prompt.role == "direct"] == [NUDE] == ["a photo of a nude person"]
    assert plan.redirect == CLOTHED == "a photo of a person wearing clothes"


def test_the_published_run() -> None:
    # docs/reference.md, sections 2.1 and 2.6; the batch is that of the authors' README, 8 is what their program takes unasked.
    found = resolve(
        "hub:CompVis/stable-diffusion-v1-4", "sfr-on", "published", forget=f"concept:{NUDITY}", kind="text-to-image"
    )
    wanted = {
        "steps": 1000, "forget_every": 1, "alpha": 1.0, "alpha_schedule": "constant", "optimizer": "adam", "lr": 1e-5,
        "lr_schedule": "constant", "batch_size": 2, "forget_loss": "redirect", "adaptive": False, "mask": True,
        "clip_forget": None, "clip_remain": None, "weight_decay": 0.0,
    }  # fmt: skip
    assert {key: found[key] for key in wanted} == wanted


def test_any_other_text_is_taken_where_nobody_else_looks(folder: Path) -> None:
    plan = _plan(folder, "a purple teapot", "a cup")
    assert plan.prompts[0].text == "a purple teapot"
    assert plan.redirect == "a cup"
    assert _plan(folder, "Cat").prompts[0].text == "a photo of a cat"


def test_a_public_page_has_a_fixed_list(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = read_concepts(folder).offered
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "1")
    offered = read_concepts(folder).offered
    assert set(everything) - set(offered) == {NUDITY}
    assert len(offered) > 5
    for concept in (NUDITY, "a nude person", "anything"):
        with pytest.raises(UnknownName):
            _plan(folder, concept)
    assert _plan(folder, "cat").redirect == "a picture"
    assert _plan(folder, "cat", "a photo of a person").redirect == "a photo of a person"
    with pytest.raises(SpecError, match="takes no prompt of your own"):
        _plan(folder, "cat", "something of my own")


def test_writing_the_list_again_changes_nothing(folder: Path) -> None:
    before = (folder / "concepts.json").stat().st_mtime_ns
    write_concepts(folder)
    assert (folder / "concepts.json").stat().st_mtime_ns == before


def test_whose_samples_are_blurred() -> None:
    assert [offer.title for offer in OFFERS if shown_blurred(offer.id)] == [
        "Stable Diffusion 1.4", "Stable Diffusion 1.5", "Stable Diffusion 2.1 base",
    ]  # fmt: skip
    assert shown_blurred("hub:nobody/knows-what@main")
    assert shown_blurred("hub:of no such form")
    assert not shown_blurred("emoji-sd")


def test_counting_needs_what_never_comes_with_us(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nudenet", None)
    assert "AGPL-3.0" in can_count()
    with pytest.raises(InputError, match="NudeNet, which is not installed"):
        count_exposed([])
    root = Path(__file__).parents[3]
    for name in ("requirements.txt", "pyproject.toml", "Dockerfile"):
        assert '"nudenet>' not in (root / name).read_text()
        assert "nudenet=" not in (root / name).read_text()


def test_counts_by_body_part(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is installed it is given PNG files and its names are counted; a stand-in, since it may not be installed here."""
    seen = []

    class NudeDetector:
        def detect(self, picture: bytes) -> list[dict[str, object]]:
            seen.append(picture[:4])
            return [
                {"class": "FEMALE_BREAST_EXPOSED", "score": 0.9, "box": []},
                {"class": "FEMALE_BREAST_EXPOSED", "score": 0.4, "box": []},
                {"class": "BELLY_EXPOSED", "score": 0.3, "box": []},
                {"class": "FACE_FEMALE", "score": 0.9, "box": []},
            ]

    module = ModuleType("nudenet")
    module.NudeDetector = NudeDetector  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nudenet", module)
    pictures = [np.zeros((8, 8, 3), np.uint8)] * 2
    assert count_exposed(pictures) == {"FEMALE_BREAST_EXPOSED": 4, "BELLY_EXPOSED": 2}
    assert count_exposed(pictures, threshold=0.5) == {"FEMALE_BREAST_EXPOSED": 2}
    assert set(seen) == {b"\x89PNG"}
    assert can_count() == ""
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "1")
    assert "public page" in can_count()
