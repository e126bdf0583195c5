"""Rows of a table of methods whose means and spreads can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sfr_core.runs.race_record import RaceRow
from tests.core.runs.race_examples import drawn, row


def on(method: str, forget: str, gap: float, **changes: Any) -> RaceRow:
    """A run of a classifier whose mean gap is `gap`."""
    return row(method, **{"forget": forget, "avg_d": gap, **changes})


def sample(method: str, seed: int, left: float, rest: float, **changes: Any) -> RaceRow:
    """A run of a generator whose rest was 90 before."""
    return replace(drawn(method, left, rest), seed=seed, before=drawn(method, 100.0, 90.0).after, **changes)
