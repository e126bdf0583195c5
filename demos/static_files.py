"""What the browser fetches: the modules of demos/static and Plotly, from this server alone, under an address that changes with them."""

from __future__ import annotations

import hashlib
import importlib.util
from importlib.metadata import version
from pathlib import Path

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from demos.render import render
from demos.text.unlearn import FAILED

STATIC = Path(__file__).parent / "static"
PLOTLY = "plotly.min.js"
FIRST = ("live", "curves", "grid", "lib", "phases", "predictions", "series", "blur", "now", "picker", "settings")
"""Modules that the page needs at once."""
LATER = "learn"
"""Module that the browser loads when the page stands: its tab then opens without a wait."""


def read(name: str) -> str:
    """A file of demos/static as text."""
    return (STATIC / name).read_text(encoding="utf-8")


def plotly_file() -> Path:
    """plotly.min.js inside the installed plotly wheel; served from here, never from a CDN."""
    spec = importlib.util.find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("plotly is not installed; run: pip install -r requirements.txt")
    return Path(spec.origin).parent / "package_data" / PLOTLY


def _address() -> str:
    contents = "".join(path.name + read(path.name) for path in sorted(STATIC.glob("*.js"))) + version("plotly")
    return "page-" + hashlib.sha256(contents.encode()).hexdigest()[:12]


ADDRESS = _address()
"""Folder of the modules, relative to the page so that it works behind a proxy. A browser may keep what it holds for ever."""


def mounting(name: str) -> str:
    """The js_on_load of a gr.HTML whose behaviour is the module demos/static/NAME.js (its export `mount`)."""
    # Gradio makes a function of this text inside a module of its own, to which a plain relative import would be relative.
    return (
        f"import(new URL('{ADDRESS}/{name}.js', document.baseURI))"
        ".then(({ mount }) => mount({ element, props, trigger, server, watch }));"
    )


def early_head() -> str:
    """What stands first in the page's head: the scripts of demos/frames.py, of a class's view (classroom.js) and of what Gradio does not
    show (failed.js), and links by which the browser fetches the first modules beside Gradio's own, not after them."""
    return render(
        "head.html",
        script=Markup(read("frames.js")),
        classroom=Markup(read("classroom.js")),
        failed=Markup(read("failed.js")),
        sentence=FAILED,
        address=ADDRESS,
        modules=FIRST,
        later=LATER,
    )


def route() -> Route:
    """Serves the scripts to the page, to be kept by the browser."""
    files = {path.name: path for path in STATIC.glob("*.js")} | {PLOTLY: plotly_file()}

    async def serve(request: Request) -> FileResponse:
        path = files.get(request.path_params["name"])
        if path is None:
            raise HTTPException(404)
        return FileResponse(
            path, media_type="text/javascript", headers={"cache-control": "public, max-age=31536000, immutable"}
        )

    return Route(f"/{ADDRESS}/{{name}}", serve)
