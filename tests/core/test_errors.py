"""Errors: one sentence, a hint, the exit code of docs/contracts.md, and the nearest name."""

from __future__ import annotations

import pytest

from sfr_core import errors
from sfr_core.errors import InputError, PlaygroundError, RunError, UnknownName


def test_text_is_sentence_and_hint() -> None:
    assert str(PlaygroundError("It broke.", hint="Mend it.")) == "It broke. Mend it."
    assert str(PlaygroundError("It broke.")) == "It broke."


@pytest.mark.parametrize("name", ["UnknownName", "ConfigError", "SpecError", "AssetError", "Busy"])
def test_bad_input_exits_with_two(name: str) -> None:
    assert issubclass(getattr(errors, name), InputError)
    assert getattr(errors, name).exit_code == 2


@pytest.mark.parametrize("name", ["Diverged", "OutOfMemory"])
def test_a_failed_run_exits_with_one(name: str) -> None:
    assert issubclass(getattr(errors, name), RunError)
    assert getattr(errors, name).exit_code == 1


@pytest.mark.parametrize(("name", "nearest"), [("snekaer", "Sneaker"), ("BAG", "Bag"), ("boot", "Ankle boot")])
def test_nearest_name_whatever_its_case(name: str, nearest: str) -> None:
    error = UnknownName("class", name, ["Sneaker", "Bag", "Ankle boot"])
    assert error.message == f"Unknown class '{name}'."
    assert error.hint == f"Did you mean '{nearest}'? Known: Ankle boot, Bag, Sneaker."


def test_nothing_known() -> None:
    assert str(UnknownName("model", "x", [])).startswith("Unknown model 'x'.")
