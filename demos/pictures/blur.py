"""Pictures that are blurred until somebody asks for them (static/blur.js): which. The blur is a class of the style sheet (page.css)."""

from __future__ import annotations

from markupsafe import Markup

from demos.render import render
from sfr_core.hub.concepts import shown_blurred

__all__ = ["behind_blur", "shown_blurred"]


def behind_blur(html: Markup, blurred: bool) -> Markup:
    """HTML with pictures, blurred or as it is."""
    return render("blurred.html", inner=html) if blurred and html else html
