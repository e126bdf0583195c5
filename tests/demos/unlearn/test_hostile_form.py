"""Whatever a browser sends in a field of the form: a run, or a short sentence; never another exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest

from demos.unlearn import layout
from demos.unlearn.form import Form
from sfr_core.errors import PlaygroundError

LONG, WORDS = "x" * 10_000, "x " * 5_000
HOSTILE: tuple[Any, ...] = (
    LONG, WORDS, None, [], {}, float("nan"), float("inf"), 1e30, 1.5, -1, True, 10**400, "1e30", "\0",
    {"selected": [LONG]}, {"selected": [WORDS]}, {"selected": ["²"]}, {"selected": ["9" * 5000]}, {"selected": [["a"]]},
)  # fmt: skip
SETTINGS = tuple(
    {"model": "fashion-mnist-resnet", "method": "sfr-on", part: {name: value}}
    for part, names in (
        ("changed", ("lr", "batch_size", "optimizer", "mask", LONG)),
        ("run", ("seed", "device", "memory")),
    )
    for name in names
    for value in HOSTILE
)
CHOICES = tuple({"model": "fashion-mnist-resnet", name: LONG} for name in ("method", "preset", "variant", "model"))


@pytest.fixture(scope="module")
def form() -> Form:
    with gr.Blocks():
        return layout.build("fashion-mnist-resnet")


def said_shortly(read: Callable[[Any], Any], values: dict[Any, Any]) -> bool:
    """True where there is an answer, or a sentence that repeats little."""
    try:
        read(values)
    except PlaygroundError as error:
        said = str(error)
        return len(said) < 3000 and not any(long in said for long in ("x" * 81, "x " * 41, "9" * 81))
    return True


@pytest.mark.parametrize(("model", "kind"), [("fashion-mnist-resnet", k) for k in ("class", "random", "samples")] + [("emoji-sd", "concept")])  # fmt: skip
def test_every_field(form: Form, model: str, kind: str) -> None:
    begins = {part: part.value for part in form.inputs} | {form.model: {"selected": [model]}, form.kind: kind}
    begins[form.settings] = {}
    for part in form.inputs:
        for value in HOSTILE:
            for read in (form.read, form.offered):
                assert said_shortly(read, {**begins, part: value})


def test_every_setting(form: Form) -> None:
    begins = {part: part.value for part in form.inputs}
    for value in (*SETTINGS, *CHOICES):
        assert said_shortly(form.read, {**begins, form.settings: value})


@pytest.mark.parametrize("seed", [1e30, 1.5, -1, True, "3", float("nan"), 10**400])
def test_a_seed_is_refused_and_not_rounded(form: Form, seed: Any) -> None:
    begins = {part: part.value for part in form.inputs} | {form.kind: "random"}
    chosen = {"model": "fashion-mnist-resnet", "method": "sfr-on", "run": {"seed": seed}}
    for changed in ({form.share_seed: seed}, {form.settings: chosen}):
        with pytest.raises(PlaygroundError, match="must be a whole number between 0 and 2,147,483,647"):
            form.read({**begins, **changed})
