"""Pictures that are blurred until somebody asks for them: which, and the switch. The blur is a class of the style sheet (page.css)."""

from __future__ import annotations

from html import escape

from demos.text import live as live_text
from sfr_core.hub.concepts import shown_blurred

__all__ = ["shown_blurred", "switch_html", "veiled"]


def veiled(html: str, blurred: bool) -> str:
    """HTML with pictures, blurred or as it is."""
    return f'<div class="veiled">{html}</div>' if blurred and html else html


def switch_html() -> str:
    """The switch that shows all blurred pictures of the page, until it is loaded again (static/veil.js wires it)."""
    return (
        f'<label class="veil-switch"><input type="checkbox"> <span>{escape(live_text.LIVE["showPictures"])}</span></label>'
        f'<span class="veil-why">{escape(live_text.LIVE["whyBlurred"])}</span>'
    )
