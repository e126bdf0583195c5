"""Title, one sentence, the machine, and what "approximate" means."""

from __future__ import annotations

import gradio as gr

from demos.jobs import hardware
from demos.render import render
from demos.text import unlearn as copy


def head_html() -> str:
    """The header's text."""
    return render("header.html", T=copy)


def badges_html(machine: hardware.Hardware) -> str:
    """The machine."""
    return render("badges.html", T=copy, machine=machine.name)


def build(machine: hardware.Hardware) -> None:
    """Draws the header."""
    with gr.Row(elem_id="head"):
        gr.HTML(head_html(), elem_id="header")
        gr.HTML(badges_html(machine), elem_id="badges")
