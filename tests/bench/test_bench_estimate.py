"""Expected over real: what is kept of it, the table, and the exit status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import estimate


def cell(expected: float, seconds: float, **changes: Any) -> dict[str, Any]:
    return {
        "model": "emoji-dit", "forget": "class:flags", "expected": expected, "seconds": seconds, "threads": 2, "machine": "a desk",
        "first_pictures": 8.4, "load_before": 0.25, "date": "2026-11-29", **changes,
    }  # fmt: skip


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the next processes measure."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(estimate, "RESULTS", tmp_path / "estimate.json")
    monkeypatch.setattr(estimate, "in_fresh_process", lambda model, cache: {**found.pop(0), "model": model})
    return found


def test_a_ratio_outside_the_limits_is_an_exit_status(runs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    runs += [cell(70.0, 100.0), cell(140.0, 100.0)]
    assert estimate.main(["--models", "emoji-dit", "--runs", "2"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "emoji-dit               run 1: expected 70 s, real 100 s, 0.70; first pictures 8 s",
        "emoji-dit               run 2: expected 140 s, real 100 s, 1.40; first pictures 8 s",
    ]
    for outside in (cell(69.0, 100.0), cell(141.0, 100.0)):
        runs.append(outside)
        assert estimate.main(["--models", "emoji-dit"]) == 1


def test_the_newest_of_each_model_run_and_machine_is_kept(runs: Any) -> None:
    assert estimate.stored_table() == "Nothing was measured yet."
    runs += [cell(50.0, 100.0), cell(80.0, 100.0), cell(100.0, 80.0)]
    estimate.main(["--models", "emoji-dit"])
    estimate.main(["--models", "emoji-dit", "--runs", "2"])
    lines = estimate.stored_table().splitlines()
    assert lines[2:] == [
        "| emoji-dit | class:flags | 1 | 80 s | 100 s | 0.80 | 8 s | 0.2 | 2 | a desk | 2026-11-29 |",
        "| emoji-dit | class:flags | 2 | 100 s | 80 s | 1.25 | 8 s | 0.2 | 2 | a desk | 2026-11-29 |",
    ]
