"""Tab Compare methods: drawn and loaded when it is first opened; what it shows, a browser fetches by model."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demos import page_data
from demos.compare import recorded
from demos.compare.live import LiveRaces, offer
from demos.context import PageContext, drawn_once
from demos.render import alert, render
from demos.static_files import mounting
from demos.text import compare as texts
from sfr_core.errors import AssetError
from sfr_core.zoo.shipped import card


def build(ctx: PageContext, tab: gr.Tab) -> None:
    """Wires the tab."""
    races = LiveRaces(ctx)

    def drawn() -> None:
        view = draw(races)
        if view.value == "":  # there is something to choose from
            races.wire(view)

    drawn_once(tab.select, drawn)


def draw(races: LiveRaces) -> gr.HTML:
    """The recorded tables and the race; a sentence where the tables cannot be read."""
    try:
        models = [
            {
                "model": model,
                "title": card(model).title,
                "fetch": page_data.address({**recorded.page_value(model), "race": offer(model, race.rows)}),
            }
            for model, race in recorded.races().items()
        ]
    except AssetError as error:
        return gr.HTML(alert(str(error)), elem_id="compare-methods")

    # Gradio marks what it calls, which it cannot do to methods.
    def expect(choice: Any = None) -> dict[str, str]:
        return races.expect(choice)

    async def poll(have: Any = None) -> dict[str, Any]:
        return await races.poll(have)

    return gr.HTML(
        "",
        html_template=render("compare.html", T=texts.COMPARE),
        js_on_load=mounting("compare"),
        apply_default_css=False,
        elem_id="compare-methods",
        server_functions=[expect, poll],
        texts=texts.COMPARE,
        models=models,
    )
