"""Tables, notes and alerts as HTML; everything foreign is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    caption: str,
    text_columns: frozenset[int] = frozenset(),
) -> str:
    """A table whose first column names the row. Cells are plain text and are escaped here; the box scrolls sideways."""
    heads = "".join(
        f'<th scope="col" class="{"txt" if i in text_columns else ""}">{escape(h)}</th>' for i, h in enumerate(head)
    )
    body = "".join(
        "<tr>"
        + f'<th scope="row">{escape(row[0])}</th>'
        + "".join(
            f'<td class="{"txt" if i in text_columns else ""}">{minus_cell(cell)}</td>'
            for i, cell in enumerate(row[1:], start=1)
        )
        + "</tr>"
        for row in rows
    )
    return (
        # Not a <caption>: that would be as wide as the table and scroll away with it.
        f'<p class="cmp-muted">{escape(caption)}</p>'
        f'<div class="cmp-scroll" tabindex="0" role="region" aria-label="{escape(caption, quote=True)}"><table class="cmp">'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def unbroken(text: str) -> str:
    """Keeps a number and its unit on one line."""
    return re.sub(r"(?<=\d) (?=%|s\b)", "\u00a0", text)


def minus_cell(cell: str) -> str:
    """Escapes a cell; a leading hyphen of a number becomes a minus sign."""
    return escape("\u2212" + cell[1:] if cell[:1] == "-" and cell[1:2].isdigit() else cell)


def details(summary: str, inner: str) -> str:
    """A closed section that the keyboard opens; `inner` is HTML already."""
    return f'<details class="cmp"><summary>{escape(summary)}</summary>{inner}</details>'


def note(text: str) -> str:
    """A quiet sentence."""
    return f'<p class="cmp-muted">{escape(text)}</p>'


def alert(text: str) -> str:
    """A sentence on what went wrong, read aloud at once; the page around it stays as it is."""
    return f'<p class="cmp-alert" role="alert"><b>!</b> {escape(text)}</p>'
