"""What the page's share box asks of the server: a QR code, a script, a notebook. They answer what is in the address they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import segno

from demos.links.address import linked
from demos.links.script import file_name, notebook, script
from demos.text import links as texts
from sfr_core.errors import PlaygroundError
from sfr_core.plan import RunPlan

MOST = 2000
"""Characters of a link in a QR code; it would get too fine to be read from a projector."""


def qr_svg(address: Any) -> dict[str, str]:
    """The QR code of a link as an SVG, under "svg", or why there is none, under "error"."""
    if not isinstance(address, str) or len(address) > MOST or urlsplit(address).scheme not in ("http", "https"):
        return {"error": texts.QR_FAILED}
    return {"svg": segno.make(address, error="m").svg_inline(scale=5, border=4, light="#fff", dark="#000")}


def files(
    query: Any, model: str, begins: Callable[[str], RunPlan], title: Callable[[RunPlan], str]
) -> dict[str, list[str]] | dict[str, str]:
    """Name and content of the run's "script" and "notebook", or an "error".

    Args:
        query: as `query_of` made it. model, begins: see `linked`. title: a run in one line.
    """
    try:
        run = linked(parse_qsl(query[1:]) if isinstance(query, str) else [], model, begins)
    except PlaygroundError as error:
        return {"error": str(error)}
    if run is None:
        return {"error": texts.SHARE["none"]}
    name = file_name(run)
    return {
        "script": [f"{name}.py", script(run, title(run))],
        "notebook": [f"{name}.ipynb", notebook(run, title(run))],
    }
