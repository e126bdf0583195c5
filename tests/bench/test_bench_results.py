"""The tables of docs/results.md are what their commands print."""

import pytest

from bench.results import COMMANDS, DOCUMENT, generated


def test_the_document_has_every_table_as_it_is_printed_today() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert generated(text) == text, "run python -m bench.results"
    assert all(f"<!-- {command} -->\n" in text for command in COMMANDS)


def test_a_table_is_replaced_and_nothing_else() -> None:
    old = "before\n<!-- python -m bench.page --table -->\nold\n<!-- end -->\nafter\n"
    new = generated(old)
    assert new.startswith("before\n<!-- python -m bench.page --table -->\n`python -m bench.page --table`:\n\n| what |")
    assert new.endswith(" |\n<!-- end -->\nafter\n")
    with pytest.raises(KeyError):
        generated(old.replace("bench.page", "bench.nothing"))
