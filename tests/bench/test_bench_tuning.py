"""Equal tuning: the same number of trials for all, and the best by the stated order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import classifier, tuning
from bench.classifier import COMMON, TENTHS
from bench.tuning import HELD_OUT, SPACES, TRIALS, best, settings_of
from sfr_core.catalog import BY_KIND
from sfr_core.errors import InputError

COAT, BOOT = HELD_OUT["class"]


def cells(method: str, forget: str = COAT, **outcomes: dict[str, float]) -> list[dict[str, Any]]:
    """All trials of a method on a class, each with an Avg.D of 9 but those of `outcomes` ("t" and the number of the trial)."""
    return [
        {
            "method": method, "forget": forget, "seed": 101, "tried": tried,
            "outcome": {"avg_d": 9.0, "TA_forget": 0.0, **outcomes.get(f"t{n}", {})},
        }
        for n, tried in enumerate(settings_of(method))
    ]  # fmt: skip


@pytest.mark.parametrize("method", SPACES)
def test_every_method_has_as_many_trials_of_settings_that_it_has(method: str) -> None:
    tried = settings_of(method)
    assert len(tried) == TRIALS == len({str(one) for one in tried})
    config = BY_KIND["classifier"][tuning.id_of(method)].config_cls
    for one in tried:
        config.from_dict({**config().to_dict(), **one})


def test_nothing_is_tuned_on_what_the_table_forgets() -> None:
    assert not {forget for sets in HELD_OUT.values() for forget in sets} & {*COMMON, *TENTHS}


def test_the_nearest_to_retraining_on_both_classes_wins_among_those_that_forget_both() -> None:
    coat = cells("scrub", t2={"avg_d": 1.5}, t5={"avg_d": 0.5, "TA_forget": 2.1}, t6={"avg_d": 1.0})
    boot = cells("scrub", BOOT, t2={"avg_d": 1.5}, t5={"avg_d": 0.5}, t6={"avg_d": 4.0})
    found = best(coat + boot, "scrub", "class")
    assert found is not None
    assert (found.tried, found.avg_d, found.left) == (coat[2]["tried"], 1.5, 0.0)
    assert best(coat + boot[1:], "scrub", "class") is None  # one is still to be tried
    assert best(coat + boot, "scrub", "random") is None
    shown = tuning.table(coat + boot[1:]).splitlines()
    assert shown[2:] == ["| scrub | class:Coat, class:Ankle boot | 7 of 8 | still to be tried |  |  | 0.50 to 9.00 |"]
    assert "| 8 of 8 | lr=0.002 forget_epochs=1 | 1.50 | 0.0 % | 0.50 to 9.00 |" in tuning.table(coat + boot)


def test_a_switch_runs_with_what_its_own_trials_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tuning, "RESULTS", tmp_path / "tuning.json")
    found = [
        {
            **cell,
            "forget": forget,
            "outcome": {"avg_d": 1.0 if cell["tried"]["forget_lr"] == 3e-3 else 9.0, "TA_forget": 0.0},
        }
        for forget in HELD_OUT["class"]
        for cell in cells("sfr-on+separate")
    ]
    tuning.RESULTS.write_text(json.dumps(found))
    cell = ("sfr-on", classifier.TUNED, "official", "separate", "class:Sneaker")
    assert classifier.changes(cell) == {"forget_optimizer": "adamw", "forget_lr": 3e-3, "lr": 0.02}
    assert classifier.changes(("sfr-on", "quick", "official", "separate", "class:Sneaker"))["forget_lr"] == 1e-4
    with pytest.raises(InputError, match="not all its trials"):
        classifier.changes(("sfr-on", classifier.TUNED, "official", "R", "class:Sneaker"))
