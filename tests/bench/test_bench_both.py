"""SFR-on and SFR-on redirected side by side, from cells whose numbers are known."""

from __future__ import annotations

import pytest

from bench import both
from bench.cells import Cell
from tests.bench.bench_cells import DDPM, cell, changed


def shown(monkeypatch: pytest.MonkeyPatch, cells: list[Cell]) -> str:
    monkeypatch.setattr(both, "stored", lambda: {"cells": cells})
    monkeypatch.setattr(both, "COMPARED", {DDPM.id: ("Bag", "Coat")})
    monkeypatch.setattr(both, "card", lambda _: DDPM)
    monkeypatch.setattr(both, "SEEDS", (0, 1))
    return both.table()


def test_only_what_both_were_measured_on_stands_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    # Harm of ours 1 + 1 and 2 + 3, of SFR-on's 9 + 1 and 0 + 0. The third of ours has no partner.
    ours = [cell(), cell(seed=1, FA=2.0, JA_remain=92.0), cell(forget="Coat")]
    theirs = [cell("sfr-on", FA=9.0), cell("sfr-on", seed=1, FA=0.0, JA_remain=95.0)]
    text = shown(monkeypatch, [*ours, *theirs])
    assert (
        "| fashion-mnist-ddpm | SFR-on redirected | 2 | 1.5 ± 0.7 | - | 2.0 ± 1.4 | 1.10 ± 0.00 | 3.5 ± 2.1 | 2 of 2 |"
        in text
    )
    assert "| fashion-mnist-ddpm | SFR-on | 2 | 4.5 ± 6.4 | - | 0.5 ± 0.7 | 1.10 ± 0.00 | 5.0 ± 7.1 | 1 of 2 |" in text
    assert "SFR-on redirected is better by 1.5 points of harm on the mean and in 1 of 2 runs" in text
    assert "SFR-on redirected keeps all targets in 2 of them, SFR-on in 1." in text
    missing = "SFR-on with seed 0 on Coat; SFR-on redirected with seed 1 on Coat; SFR-on with seed 1 on Coat"
    assert f"not measured yet: {missing} (`python -m bench.generators --model fashion-mnist-ddpm --samples 100" in text


def test_the_better_one_is_named_first(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, [cell(FA=4.0), cell("sfr-on", FA=1.0)])
    assert "SFR-on is better by 3.0 points of harm on the mean and in 1 of 1 runs" in text
    assert "SFR-on keeps all targets in 1 of them, SFR-on redirected in 0." in text


def test_cells_with_other_settings_than_todays_presets_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, [cell(), changed(cell("sfr-on"), lr=1.0)])
    assert "| fashion-mnist-ddpm |" not in text
    assert "SFR-on with seed 0 on Bag, Coat" in text
