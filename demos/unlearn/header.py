"""Title, one sentence, the machine, the expected time, and what "approximate" means."""

from __future__ import annotations

from html import escape

import gradio as gr

from demos.jobs import hardware
from demos.jobs.estimate import Estimate
from demos.text import unlearn as copy


def head_html() -> str:
    """The part that stands still while the page is open."""
    return (
        '<header class="pg-header">'
        f"<div><h1>{escape(copy.TITLE)}</h1><p>{escape(copy.SENTENCE)}</p></div>"
        f'<details class="pg-honest"><summary>{escape(copy.HONEST)}</summary><p>{escape(copy.HONEST_WHY)}</p></details>'
        "</header>"
    )


def badges_html(machine: hardware.Hardware, expected: Estimate | None, trained_on: str = "") -> str:
    """The machine and the expected time of the chosen run."""
    if expected is None:
        time, why = copy.EXPECT_UNKNOWN, copy.EXPECT_UNKNOWN_WHY
    else:
        time = copy.EXPECT.format(time=copy.about(expected.seconds))
        why = copy.EXPECT_FROM[expected.source]
    return (
        '<div class="pg-badges">'
        f'<span class="pg-badge" id="badge-hardware"><span class="sr">{copy.HARDWARE}: </span>{escape(machine.name)}</span>'
        f'<span class="pg-badge" id="badge-time" title="{escape(copy.EXPECT_CARD_MACHINE.format(machine=trained_on) if trained_on else "")}"><span class="sr">{copy.TIME}: </span>{escape(time)}</span>'
        f'<span class="pg-note">{escape(why)}</span></div>'
    )


def build(machine: hardware.Hardware) -> gr.HTML:
    """Draws the header; returns the badges, which change with the form."""
    with gr.Row(elem_id="head"):
        gr.HTML(head_html(), elem_id="header")
        return gr.HTML(badges_html(machine, None), elem_id="badges")
