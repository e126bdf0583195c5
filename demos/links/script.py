"""A run as a Python file and as a notebook, which repeat it by the command line's own function."""

from __future__ import annotations

import json
import re
from typing import Any

from demos.text import links as texts
from sfr_core.asked import words_of
from sfr_core.plan import RunPlan

SWITCHES = {"data": {"data-free": "--data-free"}}
"""Words that are an option without a value."""


def arguments(run: RunPlan) -> list[str]:
    """What the command `run` is given, without its folder."""
    out = []
    for name, value in words_of(run.config, run.card.kind):
        out += [SWITCHES[name][value]] if name in SWITCHES else [f"--{name}", value]
    return out


def file_name(run: RunPlan) -> str:
    """A plain name that says what the run forgets: "sfr-on-sneaker"."""
    what = run.forget.spec.text.partition(":")[2]
    return re.sub(r"[^a-z0-9]+", "-", f"{run.config.method} {what}".casefold()).strip("-")[:60]


def script(run: RunPlan, title: str) -> str:
    """The Python file; `title`: the run in one line."""
    name = file_name(run)
    return texts.SCRIPT.format(title=_plain(title), name=f"{name}.py", folder=name, run=_listed(run))


def notebook(run: RunPlan, title: str) -> str:
    """The notebook, nbformat 4."""
    name = file_name(run)
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "markdown",
            "id": "what",
            "metadata": {},
            "source": texts.NOTEBOOK_HEAD.format(title=_plain(title)),
        },
        _code("run", texts.NOTEBOOK_RUN.format(run=_listed(run), folder=name)),
        _code("result", texts.NOTEBOOK_RESULT.format(folder=name)),
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def _code(name: str, source: str) -> dict[str, Any]:
    return {"cell_type": "code", "id": name, "metadata": {}, "execution_count": None, "outputs": [], "source": source}


def _plain(title: str) -> str:
    """What a docstring can hold: a concept is a visitor's own text."""
    return re.sub(r"[^\w %,.()-]+", " ", title)


def _listed(run: RunPlan) -> str:
    """A list of texts, one option a line."""
    words = arguments(run)
    lines: list[list[str]] = []
    for word in words:
        if word.startswith("--") or not lines:
            lines.append([])
        lines[-1].append(repr(word))
    return "[\n" + "".join(f"    {', '.join(line)},\n" for line in lines) + "]"
