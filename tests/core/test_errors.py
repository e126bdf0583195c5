"""Errors: one sentence, a hint, the exit code of docs/contracts.md, and the nearest name."""

from __future__ import annotations

import pytest

from sfr_core import errors
from sfr_core.errors import InputError, PlaygroundError, RunError, UnknownName, quoted, reason


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


def test_what_is_repeated_is_short_and_on_one_line() -> None:
    assert quoted("a cat") == "a cat"
    assert quoted("x" * 80) == "x" * 80
    assert quoted("x" * 81) == "x" * 79 + "…"
    assert quoted("a\n\x1b[31mb\0") == "a  [31mb "
    assert quoted([1, "a"]) == "[1, 'a']"
    assert quoted(10**5000) == "a int that is too large to be shown"
    error = UnknownName("class", "x" * 10_000, ["y" * 10_000])
    assert str(error) == f"Unknown class '{'x' * 79}…'. Known: {'y' * 79}…."
    assert len(PlaygroundError("x" * 10_000).message) == 500


def test_what_a_library_says_is_one_line_without_the_path_again() -> None:
    assert reason(FileNotFoundError(2, "No such file", "/a/secret/path")) == "No such file"
    assert reason(ValueError("first\nsecond")) == "first"
    assert reason(ValueError()) == "ValueError"
    assert reason(ValueError("no " + "x" * 1000)) == f"no {'x' * 79}…"
