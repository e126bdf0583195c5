"""Pictures that are blurred until somebody asks for them (static/veil.js): which. The blur is a class of the style sheet (page.css)."""

from __future__ import annotations

from markupsafe import Markup

from demos.render import render
from sfr_core.hub.concepts import shown_blurred

__all__ = ["shown_blurred", "veiled"]


def veiled(html: Markup, blurred: bool) -> Markup:
    """HTML with pictures, blurred or as it is."""
    return render("blurred.html", inner=html) if blurred and html else html
