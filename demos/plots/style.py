"""One look for every figure: the same model or set has the same colour, dash and marker everywhere."""

from __future__ import annotations

from typing import Any

from demos.colours import token

FORGET, REMAIN = token("forget"), token("remain")
MODEL_COLOURS = {name: token(name) for name in ("before", "after", "retrained")}
MODEL_PATTERNS = {"before": "", "after": "/", "retrained": "x"}
RUN_COLOURS = tuple(token(f"run-{k}") for k in range(1, 7))
RUN_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
RUN_MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "star")

GRID = "rgba(128,128,128,0.25)"


def layout(title: str, *, height: int, **more: Any) -> dict[str, Any]:
    """Layout shared by the Plotly figures; transparent, so that it stands on light and dark pages (page CSS tints the text)."""
    return {
        "template": "none",
        "title": {
            "text": title,
            "font": {"size": 14},
            "x": 0.0,
            "xref": "container",
            "xanchor": "left",
            "pad": {"l": 8},
        },
        "height": height,
        "margin": {"l": 52, "r": 12, "t": 42, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12, "color": token("figure-text"), "family": "system-ui, sans-serif"},
        "legend": {"orientation": "h", "x": 0, "y": -0.22, "xanchor": "left", "yanchor": "top"},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": token("figure-quiet"), "activecolor": REMAIN},
        "autosize": True,
        **more,
    }


def axis(title: str, **more: Any) -> dict[str, Any]:
    """A quiet axis with a title."""
    return {
        "title": {"text": title, "standoff": 8},
        "gridcolor": GRID,
        "zerolinecolor": GRID,
        "automargin": True,
        **more,
    }
