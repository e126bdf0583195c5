"""How many steps are equal time, by hand and of real tiny runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import pace
from bench.cells import REFERENCE
from bench.pace import Measured, bare_run, cost, steps_for
from sfr_core.cancel import CancelToken
from sfr_core.errors import InputError
from sfr_core.runs.runner import run
from tests.core.tiny import same, state
from tests.core.tiny_ddpm_run import ddpm_session


def test_steps_for_equal_time_by_hand() -> None:
    # 4 steps: 3 of 2 s after a first one of 5 s, a mask of 4 s, and 100 s that are needed once.
    # Of 79 s the mask and the first step leave 70, which are 35 steps more.
    measured = Measured(4, 0.0, 115.0, 6.0, 100.0, None)
    assert steps_for(79.0, measured) == 36
    assert steps_for(1.0, measured) == 1
    assert steps_for(cost(measured, 36), measured) == 36


def test_equal_time_on_a_gpu_is_that_of_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "RESULTS", tmp_path / "pace.json")
    row = {"settings": {"lr": 1.0, "steps": 50}, "seconds": 9.0, "mask_density": None, "steps": 4}
    ours = {**row, "cpu_seconds": 16.0, "step_cpu_seconds": 6.0, "once_cpu_seconds": 0.0}  # 10 and 2 a step
    theirs = {**row, "cpu_seconds": 5.0, "step_cpu_seconds": 3.0, "once_cpu_seconds": 1.0}  # 1 and 1 a step
    pace.RESULTS.write_text(json.dumps({"m": {REFERENCE: ours, "salun": theirs}}))
    assert pace.equal_steps("m", "salun", {"lr": 1.0, "steps": 7}, {"lr": 1.0, "steps": 11}) == (30, 30.0)
    with pytest.raises(InputError, match="of salun costs on m is not known") as told:
        pace.equal_steps("m", "salun", {"lr": 2.0, "steps": 7}, {"lr": 1.0, "steps": 11})
    assert "python -m bench.pace m" in str(told.value.hint)


def test_a_bare_run_is_the_run_of_the_page_without_its_previews(tmp_path: Path) -> None:
    bare, page = ddpm_session(tmp_path / "a", seed=3), ddpm_session(tmp_path / "b", seed=3)
    took = bare_run(bare)
    for _ in run(page, cancel=CancelToken(), evaluate=False):
        pass
    assert same(state(bare.task.model), state(page.task.model))
    assert took.steps == 4
    assert took.mask_density is not None
    assert 0 < took.step_cpu_seconds < took.cpu_seconds
    assert took.once_cpu_seconds == 0


def test_the_fisher_of_selective_amnesia_is_needed_once(tmp_path: Path) -> None:
    took = bare_run(ddpm_session(tmp_path, "selective-amnesia"))
    assert 0 < took.once_cpu_seconds < took.cpu_seconds - took.step_cpu_seconds
