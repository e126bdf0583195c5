"""Templates: every value is escaped in each of them, a missing one is an error, and no Python file builds HTML beside them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from demos import render
from demos.render import TEMPLATES
from demos.text import compare, edition, hub, learn, links, live, result, unlearn

EVIL = "\"><img src=x onerror=alert(1)>'<script>alert(2)</script>{{ 7 * 7 }}"
Values = dict[str, Any]


class Texts:
    """Any text by its name, all of them alike."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __getattr__(self, name: str) -> Any:
        if name == "dataKey":
            return [(self.text, self.text)]
        return (self.text, self.text) if name.endswith("_HEAD") else self.text


def strips(x: str) -> list[Values]:
    line = ("data:,", x, [("own", x, x)])
    return [{"model": x, "title": x, "count": x, "lines": [line, line]}]


PICTURE = {"uri": "data:,", "where": "training", "row": 3}
CASES: dict[str, Callable[[str], Values]] = {
    "brief.html": lambda x: {"rows": [(x, x)], "caption": x},
    "attack.html": lambda x: {"strips": strips(x), "columns": 8},
    "badges.html": lambda x: {"T": Texts(x), "machine": x},
    "blur_box.html": lambda x: {"T": Texts(x)},
    "blur_switch.html": lambda x: {"T": Texts(x)},
    "blurred.html": lambda x: {"inner": x},
    "report.html": lambda x: {
        "T": Texts(x),
        "title": x,
        "css": "",
        "about": x,
        "summary": x,
        "pictures": x,
        "rows": [(x, x)],
        "metrics": x,
        "figures": [(x, x)],
        "config": x,
        "versions": [(x, x)],
    },
    "share.html": lambda x: {"T": Texts(x)},
    "compare.html": lambda x: {"T": Texts(x)},
    "what_now.html": lambda x: {"T": Texts(x), "rows": [(x, [(0, x, ""), (1, x, x)])]},
    "edition.html": lambda x: {
        "T": Texts(x),
        "tabs": {"learn": x},
        "css": Markup("a {}"),
        "modules": Markup("{}"),
        "given": Markup("{}"),
        **dict.fromkeys(("header", "learn", "live", "results"), x),
        "sources": [(x, x, x)],
    },
    "expected.html": lambda x: {"T": Texts(x), "time": x, "why": x, "long": x},
    "found.html": lambda x: {
        "name": x,
        "help": x,
        "found": SimpleNamespace(total=2000, out_of=3000, samples=(1,)),
    },
    "head.html": lambda x: {
        "script": Markup("early()"),
        "classroom": Markup("hide()"),
        "failed": Markup("late()"),
        "sentence": x,
        "address": x,
        "modules": [x],
        "later": x,
    },
    "header.html": lambda x: {"T": Texts(x)},
    "hub_found.html": lambda x: {"title": x, "about": x, "facts": [(x, x)], "hindrance": x, "command": x},
    "layers.html": lambda x: {
        "layers": [SimpleNamespace(name=x, shape=(1, 2), size=2000, kept=1, share=0.5)],
        "kept": 1,
        "size": 2000,
        "share": 0.5,
        "threshold": None,
        "own": 0.1,
    },
    "learn.html": lambda x: {"T": Texts(x)},
    "live.html": lambda x: {"T": Texts(x)},
    "method_note.html": lambda x: {
        "T": Texts(x),
        "summary": x,
        "paper": x,
        "losses": [x],
        "source": x,
        "cannot": [x],
    },
    "metrics.html": lambda x: {
        "rows": [SimpleNamespace(title=x, sentence=x)],
        "cells": [[x] * 8],
        "caption": x,
        "notes": [x],
        "few": False,
        "definitions": x,
    },
    "moment.html": lambda x: {
        "numbers": [(x, x, x)],
        "predictions": [{"picture": PICTURE, "right": True, "truth": x, "said": x, "percent": 5.0}],
    },
    "pair.html": lambda x: {"T": Texts(x)},
    "picker.html": lambda x: {},
    "sample.html": lambda x: {"picture": PICTURE, "truth": x, "rows": [(x, x, x, x)]},
    "settings.html": lambda x: {"T": Texts(x)},
    "shares.html": lambda x: {
        "T": Texts(x),
        "rows": [(x, x)],
        "unmeasured": True,
        "prompts": [(x, x)],
        "prompts_caption": x,
    },
    "sheet.html": lambda x: {},
    "strips.html": lambda x: {
        "undrawn": x,
        "legend": x,
        "many": True,
        "smooth": True,
        "models": 2,
        "columns": 3,
        "rows": [{"label": 1, "name": x, "role": x, "forgotten": True, "strips": strips(x)}],
    },
    "summary.html": lambda x: {"tone": "open", "sign": x, "word": x, "text": x, "basis": x},
}
MACROS = {"macros.html", "strip.html"}
PARTS: dict[str, Callable[[str], Markup]] = {
    "note": render.note,
    "alert": render.alert,
    "plain": render.plain,
    "status": render.status,
    "step_title": render.step_title,
    "form_alert": render.form_alert,
    "form_note": lambda x: render.form_note(x, status=True),
    "folded_note": lambda x: render.folded_note(x, x),
    "bar": lambda x: render.bar(x, 1, 2),
    "table": lambda x: render.table((x, x), [(x, x)], caption=x, text_columns=(1,)),
    "folded_table": lambda x: render.folded_table(x, (x, x), [(x, x)], caption=x),
}


class Elements(HTMLParser):
    """The elements of some HTML in order, each with its attributes' names, and all of its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.values: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.values.append(data)


def test_every_template_has_a_case() -> None:
    assert set(CASES) | MACROS == {path.name for path in TEMPLATES.iterdir()}
    named = re.findall(r"macro (\w+)", (TEMPLATES / "macros.html").read_text())
    assert set(named) - {"details"} == set(PARTS)


@pytest.mark.parametrize("name", [*CASES, *PARTS])
def test_hostile_values_are_text_and_nothing_else(name: str) -> None:
    def filled(text: str) -> Elements:
        return Elements(PARTS[name](text) if name in PARTS else render.render(name, **CASES[name](text)))

    harmless, hostile = filled("x"), filled(EVIL)
    assert hostile.found == harmless.found
    assert len(hostile.values) >= len(harmless.values)
    if harmless.values != hostile.values:
        assert any(EVIL in value for value in hostile.values)  # shown as it was written


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case("x")])
def test_a_missing_value_is_an_error(name: str) -> None:
    with pytest.raises(UndefinedError):
        render.render(name)


def test_what_was_rendered_stands_as_it_is_in_another_template() -> None:
    assert "<b>!</b> a &amp; b" in render.render("blurred.html", inner=render.alert("a & b"))
    assert render.note("a") + render.note("b") == Markup("").join([render.note("a"), render.note("b")])


def test_numbers_keep_their_sign_and_their_unit() -> None:
    assert [render.minus(cell) for cell in ("-0.5", "-x", "sfr-on", "")] == ["\u22120.5", "-x", "sfr-on", ""]
    assert render.unbroken("5 % in 3 s, 3 steps") == "5\u00a0% in 3\u00a0s, 3 steps"


def test_texts_are_plain() -> None:
    """A template escapes them: what looked like a tag there would be seen as one."""
    for words in (compare, edition, hub, learn, links, live, result, unlearn):
        for name, text in vars(words).items():
            assert not (name.isupper() and isinstance(text, str) and re.search(r"<\w|&\w+;", text)), name


def test_python_writes_no_html() -> None:
    found = []
    for path in TEMPLATES.parent.rglob("*.py"):
        if path.parent.name == "plots":  # Plotly's own markup of a tooltip
            continue
        source = path.read_text(encoding="utf-8")
        found += [f"{path.name}: escape" for _ in re.finditer(r"\bescape\(|from html import", source)]
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and re.search(r"</?[a-z][a-z0-9]*[ >/]", node.value)
            ):
                found.append(f"{path.name}:{node.lineno} {node.value[:60]}")
    assert found == []
