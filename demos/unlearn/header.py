"""Title, one sentence, the machine, the expected time, and what "approximate" means."""

from __future__ import annotations

import gradio as gr

from demos.jobs import hardware
from demos.jobs.estimate import Estimate
from demos.render import render
from demos.text import unlearn as copy


def head_html() -> str:
    """The part that stands still while the page is open."""
    return render("header.html", T=copy)


def badges_html(machine: hardware.Hardware, expected: Estimate | None, trained_on: str = "") -> str:
    """The machine and the expected time of the chosen run."""
    time, why = copy.EXPECT_UNKNOWN, copy.EXPECT_UNKNOWN_WHY
    if expected is not None:
        time, why = copy.EXPECT.format(time=copy.about(expected.seconds)), copy.EXPECT_FROM[expected.source]
    source = copy.EXPECT_CARD_MACHINE.format(machine=trained_on) if trained_on else ""
    return render("badges.html", T=copy, machine=machine.name, expected=time, trained_on=source, why=why)


def build(machine: hardware.Hardware) -> gr.HTML:
    """Draws the header; returns the badges, which change with the form."""
    with gr.Row(elem_id="head"):
        gr.HTML(head_html(), elem_id="header")
        return gr.HTML(badges_html(machine, None), elem_id="badges")
