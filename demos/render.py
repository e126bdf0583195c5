"""HTML from the templates of demos/templates. They escape every value, and a value that is missing is an error."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


def minus(cell: str) -> str:
    """A leading hyphen of a number becomes a minus sign."""
    return "\u2212" + cell[1:] if cell[:1] == "-" and cell[1:2].isdigit() else cell


def unbroken(text: str) -> str:
    """Keeps a number and its unit on one line."""
    return re.sub(r"(?<=\d) (?=%|s\b)", "\N{NO-BREAK SPACE}", text)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.filters |= {"minus": minus, "unbroken": unbroken}
    return found


def render(template: str, **values: Any) -> Markup:
    """A template filled in.

    Args:
        values: plain text is escaped; what `render` returned stands as it is.

    Raises:
        UndefinedError: the template asks for a value that is not given.
    """
    return Markup(_environment().get_template(template).render(values))


def _macro(name: str, *values: Any) -> Markup:
    found: Markup = getattr(_environment().get_template("macros.html").module, name)(*values)
    return found


def joined(parts: Iterable[Markup]) -> Markup:
    """Parts after each other; as `"".join`, whose result would be text that is escaped where it goes on."""
    return Markup().join(parts)


def behind_blur(html: Markup, blurred: bool) -> Markup:
    """HTML with pictures, blurred until somebody asks for them (static/blur.js and page.css) or as it is."""
    return render("blurred.html", inner=html) if blurred and html else html


def note(text: str) -> Markup:
    """A quiet sentence."""
    return _macro("note", text)


def alert(text: str) -> Markup:
    """A sentence on what went wrong, read aloud at once; the page around it stays as it is."""
    return _macro("alert", text)


def plain(text: str) -> Markup:
    """A sentence."""
    return _macro("plain", text)


def status(text: str) -> Markup:
    """A sentence that is read aloud when it comes."""
    return _macro("status", text)


def step_title(text: str) -> Markup:
    """The title of a step of the form."""
    return _macro("step_title", text)


def form_alert(text: str) -> Markup:
    """A sentence of a panel of the form on what went wrong, read aloud at once."""
    return _macro("form_alert", text)


def form_note(text: str, *, status: bool = False) -> Markup:
    """A quiet sentence of the form; a `status` is read aloud."""
    return _macro("form_note", text, status)


def folded_note(question: str, text: str) -> Markup:
    """A quiet answer of the form, folded under its question."""
    return _macro("folded_note", question, text)


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str, text_columns: Collection[int] = ()
) -> Markup:
    """A table whose first column names the row; the box scrolls sideways."""
    return _macro("table", head, rows, caption, text_columns)


def folded_table(summary: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str) -> Markup:
    """A table in a closed section that the keyboard opens."""
    return _macro("folded_table", summary, head, rows, caption)


def bar(title: str, done: int, total: int) -> Markup:
    """How far some work is."""
    return _macro("bar", title, done, total)
