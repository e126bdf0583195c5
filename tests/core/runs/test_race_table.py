"""Standings of racers, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sfr_core.runs.race_record import Racer
from sfr_core.runs.race_table import Lead, Stat, gap_of, lead, quantities, standings, stat, value_of
from tests.core.runs.race_examples import drawn, row


def test_mean_and_spread() -> None:
    assert stat([1.0, 3.0]) == Stat(2.0, pytest.approx(2**0.5), 2)
    assert stat([4.0]) == Stat(4.0, None, 1)


def test_a_standing_over_two_seeds() -> None:
    stopped = row(seed=2, status="stopped", said="It was stopped.", after=None, avg_d=None)
    (found,) = standings([row(fa=10.0), row(seed=1, fa=20.0), stopped])
    assert found.racer == Racer("finetune")
    assert (found.done, found.stopped, found.failed) == (2, 1, 0)
    assert found.value["FA"] == Stat(15.0, pytest.approx(50**0.5), 2)
    assert found.gap["TA"] == Stat(4.0, 0.0, 2)
    assert found.gap["MIA"] == Stat(-6.0, 0.0, 2)
    assert found.score["MIA"] == Stat(6.0, 0.0, 2)
    assert found.value["avg_d"] == Stat(6.75, pytest.approx(12.5**0.5 / 2), 2)  # 5.5 and 8
    assert found.neighbours == Stat(-7.0, 0.0, 2)  # ten and four points were lost
    assert found.share_of_retraining == Stat(25.0, 0.0, 2)
    assert "TA_forget" not in found.value


def test_what_one_run_lacks_has_no_mean() -> None:
    (found,) = standings([row(), row(seed=1, seconds=None, retrain_passes=None)])
    assert "seconds" not in found.value
    assert found.share_of_retraining is None
    assert found.value["passes"].n == 2


def test_what_differs_in_more_than_seed_and_forget_set_is_another_racer() -> None:
    rows = [row(), row(forget="class:B"), row(preset="thorough"), row(part="R-on"), row(data="data-free")]
    assert [(one.racer, one.done) for one in standings(rows)] == [
        (Racer("finetune"), 2), (Racer("finetune", preset="thorough"), 1), (Racer("finetune", "R-on"), 1),
        (Racer("finetune", data="data-free"), 1),
    ]  # fmt: skip


def test_closer_to_retrained_is_better_on_either_side() -> None:
    over = row("salun", fa=3.0)
    under = replace(row("scrub"), after=replace(over.after, TA=79.0))  # type: ignore[arg-type, type-var]
    found = standings([over, under])
    assert gap_of(under, "TA") == -1.0
    assert lead(found, "TA") == Lead(Racer("scrub"), 3.0, sure=False)  # nobody knows the spread of single runs


def test_a_lead_is_sure_where_it_is_more_than_either_spread() -> None:
    near = [row(fa=10.0), row(seed=1, fa=11.0)]
    far = [row("salun", fa=14.0), row("salun", 1, fa=15.0)]
    wide = [row("salun", fa=10.0), row("salun", 1, fa=19.0)]
    assert lead(standings(far + near), "FA") == Lead(Racer("finetune"), 4.0, sure=True)
    assert lead(standings(wide + near), "FA") == Lead(Racer("finetune"), 4.0, sure=False)
    assert lead(standings(near), "FA") == Lead(Racer("finetune"), None, sure=False)
    assert lead(standings(near), "TA_forget") is None


def test_generators_are_ordered_by_what_is_good_without_a_retrained_model() -> None:
    rows = [drawn("salun", 20.0, 90.0), drawn("uce", 10.0, 80.0)]
    found = standings(rows)
    assert lead(found, "FA") == Lead(Racer("uce"), 10.0, sure=False)
    assert lead(found, "JA_remain") == Lead(Racer("salun"), 10.0, sure=False)
    assert "avg_d" not in quantities(rows)
    assert value_of(rows[0], "passes") == 50.0
    assert found[0].gap == {}


def test_what_forgetting_did_to_a_generator_stands_beside_its_records() -> None:
    before = replace(drawn("", 100.0, 95.0).after, FD_remain=0.5)  # type: ignore[arg-type, type-var]
    rows = [replace(drawn("uce", 10.0, 80.0), before=before), replace(drawn("uce", 0.0, 99.0), seed=1, before=before)]
    (found,) = standings(rows)
    assert found.value["lost"] == Stat(5.5, pytest.approx(19 / 2**0.5), 2)  # 15 points, and a gain of 4
    assert found.value["harm"] == Stat(12.5, pytest.approx(25 / 2**0.5), 2)  # 25, and 0
    assert found.value["fd_ratio"] == Stat(2.0, 0.0, 2)
    assert "lost_neighbours" not in found.value
    assert value_of(row(), "harm") is None


def test_nothing_stands_of_runs_that_failed() -> None:
    (found,) = standings([row(status="failed", said="It diverged.", after=None, avg_d=None, passes=None)])
    assert (found.done, found.failed, found.value, found.neighbours) == (0, 1, {}, None)
    assert standings([]) == []
