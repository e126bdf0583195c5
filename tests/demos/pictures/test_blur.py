"""Pictures that may not be for everybody: blurred wherever they stand, from the first moment, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from demos import static_files
from demos.context import PageContext
from demos.jobs.book import JobBook
from demos.live import payload as live
from demos.pictures import blur
from demos.records.record import RunRecord
from demos.render import render
from demos.result import page as compare
from demos.text import live as live_text
from sfr_core.plan import plan
from sfr_core.zoo import shipped as zoo
from tests.core.tiny_sd import sd_folder
from tests.demos.generator_examples import config, record

ADULT = "hub:CompVis/stable-diffusion-v1-4@133a221b8aa7292a167afc5127cb63fb5005638b"


@pytest.fixture(scope="module")
def part() -> compare.Compare:
    with gr.Blocks():
        ctx = PageContext(book=JobBook(), browser=gr.BrowserState({}), job=gr.State(""))
        return compare.build(ctx)


def of(model: str) -> RunRecord:
    return record(config=config(model=model))


@pytest.mark.parametrize(
    ("model", "blurred"), [(ADULT, True), ("hub:nobody/knows@main", True), ("emoji-sd", False), ("no-such-generator", False)]
)  # fmt: skip
def test_compare_blurs_every_picture_of_such_a_model(part: compare.Compare, model: str, blurred: bool) -> None:
    shown: dict[Any, Any] = part.updates_of(of(model), live=False)
    assert shown[part.blur_box]["visible"] is blurred
    assert shown[part.generator.strips].startswith('<div class="blurred">') is blurred
    assert shown[part.generator.pair]["blurred"] is blurred
    assert shown[part.moment_sheet]["blurred"] is blurred
    assert part.cleared()[part.blur_box]["visible"] is False


def test_pictures_of_a_classifier_are_its_owners() -> None:
    from compare_examples import record as classified

    run = classified()
    assert not replace(run, config=replace(run.config, model="hub:nobody/knows@main")).blurred


def test_the_live_view_says_so_before_it_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "_of_hub", {})
    card = sd_folder(tmp_path, judge=None, id=ADULT)
    zoo.take_in_hub(card)
    run = replace(config(model=ADULT), forget="concept:cat")
    assert live.of_record(plan(run), [], "CPU", [])["blurred"] is True
    script = static_files.read("live.js")
    assert script.index("blur(Boolean(value.blurred))") < script.index("draw(value, value.view, true)")


def test_the_switch_is_a_labelled_checkbox_and_the_blur_a_rule_of_the_style_sheet() -> None:
    assert '<label class="blur-switch"><input type="checkbox"> <span>Show the pictures</span></label>' in render(
        "blur_switch.html", T=live_text.LIVE
    )
    assert "body:not(.pictures-shown) .blurred :is(img, canvas) { filter: blur(" in static_files.read("page.css")
    assert blur.behind_blur("", True) == ""
    assert blur.behind_blur("<img>", False) == "<img>"
