"""Sweeps: which runs they ask for, what is kept of them in short, and that the shipped file says it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from bench.sweep import FILE, SEEDS, VALUES, place, summary, text, wanted
from sfr_core.errors import ConfigError, UnknownName
from sfr_core.results import ClassifierRecord

SPEC = "random:0.1@0"


def cell(value: float, seed: int, fa: float, **more: Any) -> dict[str, Any]:
    (config,) = wanted("lam", [value], [seed], SPEC)
    record = asdict(ClassifierRecord(FA=fa, RA=99.0, TA=90.0, MIA=70.0, KL=0.1))
    return {
        "field": "lam", "value": value, "seed": seed, "forget": SPEC, "settings": config.settings, "after": record, "retrained": record,
        "machine": "here", "date": "2026-11-30", **more,
    }  # fmt: skip


def test_a_sweep_changes_one_setting_and_makes_each_seed_whole_first() -> None:
    configs = wanted("lam", VALUES["lam"], SEEDS, SPEC)
    assert [config.seed for config in configs[: len(VALUES["lam"])]] == [0] * len(VALUES["lam"])
    assert [config.settings["lam"] for config in configs[:3]] == [0.0, 0.5, 1.0]
    others = [{name: value for name, value in config.settings.items() if name != "lam"} for config in configs]
    assert all(each == others[0] for each in others)
    (steps,) = wanted("steps", [40.0], [0], SPEC)
    assert steps.settings["steps"] == 40
    assert isinstance(steps.settings["steps"], int)


def test_what_is_no_number_or_out_of_range_is_refused() -> None:
    with pytest.raises(UnknownName):
        wanted("mask", [1.0], [0], SPEC)
    with pytest.raises(ConfigError):
        wanted("lam", [99.0], [0], SPEC)


def test_a_setting_that_came_later_makes_no_cell_another_one() -> None:
    new = cell(0.5, 0, 90.0)
    old = {**new, "settings": {name: value for name, value in new["settings"].items() if name != "adam_eps"}}
    assert place(old) == place(new) != place(cell(0.5, 1, 90.0))


def test_mean_and_spread_at_each_value() -> None:
    found = summary([cell(1.0, 0, 90.0), cell(0.0, 0, 91.0), cell(0.0, 1, 93.0, date="2026-12-01")])
    assert [(point["value"], point["n"], point["FA"]) for point in found["points"]] == [
        (0.0, 2, [92.0, pytest.approx(1.4142, abs=1e-4)]),
        (1.0, 1, [90.0, None]),
    ]
    assert found["date"] == "2026-11-30/2026-12-01"
    assert found["command"] == "python -m bench.sweep --field lam"


def test_the_shipped_sweeps_are_what_the_cells_say() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run python -m bench.results"
