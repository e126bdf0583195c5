"""Pictures that may not be for everybody: blurred wherever they stand, from the first moment, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
from markupsafe import Markup

from demos import static_files
from demos.live import payload as live
from demos.panel import ShownRun
from demos.render import behind_blur, render
from demos.result.page import Compare, sections
from demos.text import live as live_text
from sfr_core.plan import plan
from sfr_core.zoo import shipped as zoo
from tests.core.tiny_sd import sd_folder
from tests.demos import compare_examples
from tests.demos.generator_examples import config, record
from tests.demos.shown_runs import context

ADULT = "hub:CompVis/stable-diffusion-v1-4@133a221b8aa7292a167afc5127cb63fb5005638b"


@pytest.mark.parametrize(
    ("model", "blurred"), [(ADULT, True), ("hub:nobody/knows@main", True), ("emoji-sd", False), ("no-such-generator", False)]
)  # fmt: skip
def test_compare_blurs_every_picture_of_such_a_model(model: str, blurred: bool) -> None:
    run = record(config=config(model=model), state="imported")
    with gr.Blocks() as page:
        shown = ShownRun(context(), "test", "")
        part = Compare(shown, run)
        for section in sections(run):
            section.draw(shown, run)
    blocks = {block.elem_id: block for block in page.blocks.values()}
    assert ("test-blur" in blocks) is blurred
    for name in ("pictures", "strips"):
        assert blocks[f"test-{name}"].value.startswith('<div class="blurred">') is blurred
    assert part.pictures.value.count("<img") == 9
    assert blocks["test-pair"].value["blurred"] is blurred
    assert blocks["test-moment-sheet"].value["blurred"] is blurred


def test_pictures_of_a_classifier_are_its_owners() -> None:
    run = compare_examples.record()
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
    assert behind_blur(Markup(), True) == ""
    assert behind_blur(Markup("<img>"), False) == "<img>"
