"""Tab Compare methods: drawn and loaded when it is first opened; what it shows, a browser fetches by model."""

from __future__ import annotations

import gradio as gr

from demos import page_data
from demos.compare import recorded
from demos.context import drawn_once
from demos.render import alert, render
from demos.static_files import mounting
from demos.text import compare as texts
from sfr_core.errors import AssetError
from sfr_core.zoo.shipped import card


def build(tab: gr.Tab) -> None:
    """Wires the tab."""
    drawn_once(tab.select, draw)


def draw() -> gr.HTML:
    """The recorded tables; a sentence where they cannot be read."""
    try:
        models = [
            {"model": model, "title": card(model).title, "fetch": page_data.address(recorded.page_value(model))}
            for model in recorded.races()
        ]
    except AssetError as error:
        return gr.HTML(alert(str(error)), elem_id="compare-methods")
    return gr.HTML(
        "",
        html_template=render("compare.html", T=texts.COMPARE),
        js_on_load=mounting("compare"),
        apply_default_css=False,
        elem_id="compare-methods",
        texts=texts.COMPARE,
        models=models,
    )
