"""The box below the form that passes its run on (static/share.js)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from demos.links.share import files as files_of
from demos.links.share import qr_svg
from demos.live.payload import title
from demos.render import render
from demos.static_files import mounting
from demos.text import links as texts
from sfr_core.plan import RunPlan


def share_box(model: str, begins: Callable[[str], RunPlan]) -> gr.HTML:
    """Draws the box; its value is {"query": the address's part of the run that the form describes}.

    Args:
        model, begins: see `linked`.
    """

    # Gradio gives what the browser sends, if it sends anything.
    def qr(address: Any = None) -> dict[str, str]:
        return qr_svg(address)

    def files(query: Any = None) -> dict[str, Any]:
        return {**files_of(query, model, begins, lambda run: title(run.config, run.forget))}

    return gr.HTML(
        {"query": ""},
        html_template=render("share.html", T=texts.SHARE),
        js_on_load=mounting("share"),
        apply_default_css=False,
        elem_id="pass-on",
        server_functions=[qr, files],
        texts=texts.SHARE,
    )
