"""The pace of a model: timed once without changing anything, kept in a file, corrected by runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.base import Cost
from sfr_core.runs import pace
from sfr_core.runs.expect import opened
from sfr_core.runs.pace import FILE, MOST, REMEMBERED, Pace, Paces, Ran, Rates, timed_rates
from sfr_core.runs.runner import run
from tests.core.tiny import same, state
from tests.core.tiny_run import tiny_session

RATES = Rates(train=0.5, forward=0.25, look=0.0, opening=4.0, precision="fp32")


def test_timing_changes_nothing_and_says_what_a_picture_takes(tmp_path: Path) -> None:
    session = tiny_session(tmp_path / "m")
    before, drawn = state(session.task.model), torch.random.get_rng_state()
    modes = [module.training for module in session.task.model.modules()]
    rates = timed_rates(session, 1.5)
    assert same(before, state(session.task.model))
    assert torch.equal(drawn, torch.random.get_rng_state())
    assert modes == [module.training for module in session.task.model.modules()]
    assert all(p.grad is None for p in session.task.model.parameters())
    assert (rates.opening, rates.precision, rates.look) == (1.5, session.precision, 0.0)
    assert 0 < rates.forward < 1
    assert 0 < rates.train < 1


def test_a_run_computes_the_same_whether_its_model_was_timed_or_not(tmp_path: Path) -> None:
    after = []
    for name, timed in (("a", False), ("b", True)):
        session = tiny_session(tmp_path / name)
        if timed:
            timed_rates(session, 1.0)
        for _ in run(session, cancel=CancelToken()):
            pass
        assert session.after is not None
        after.append(session.after)
    assert after[0].keys() == after[1].keys()
    assert all(torch.equal(after[0][key], after[1][key]) for key in after[0])


def test_passes_are_timed_until_they_are_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([9.0, 0.3, 0.2, 0.1, 0.1, 5.0])  # the first one is cold
    monkeypatch.setattr(pace, "timed", lambda work, device: next(taken))
    assert pace._steady(lambda: None, torch.device("cpu")) == 0.1  # of 0.3, 0.2, 0.1, 0.1
    slow = iter([9.0, 3.0, 2.0, 7.0])
    monkeypatch.setattr(pace, "timed", lambda work, device: next(slow))
    assert pace._steady(lambda: None, torch.device("cpu")) == 2.0  # never more than is needed


def test_of_slow_models_few_pictures_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    seconds = {"each": 0.25}

    def timed(work: Callable[[], object], device: torch.device) -> float:
        work()
        return seconds["each"] * asked[-1]

    monkeypatch.setattr(pace, "timed", timed)
    for each, most, wanted in ((0.25, 16, 4), (30.0, 16, 1), (0.001, 16, 16)):
        seconds["each"] = each
        asked.clear()
        assert pace._for_one(asked.append, most, torch.device("cpu")) == pytest.approx(each)
        assert asked[:2] == [1, 1]
        assert set(asked[2:]) == {wanted}


def test_a_method_that_trains_nothing_is_timed_without_gradients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = tiny_session(tmp_path / "m")
    monkeypatch.setattr(pace, "cost_of", lambda run: Cost())
    monkeypatch.setattr(pace, "trained", lambda *_: pytest.fail("a pass with gradients"))
    rates = timed_rates(session, 1.0)
    assert rates.train == pytest.approx(3 * rates.forward)


def test_no_memory_for_a_trial_is_no_end_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session, error = tiny_session(tmp_path / "m"), MemoryError()

    def refused(*_: object) -> Rates:
        raise error

    monkeypatch.setattr(pace, "timed_rates", refused)
    assert opened(session, 1.0, Paces(None)) is None
    error = RuntimeError("shapes do not agree")  # type: ignore[assignment]
    with pytest.raises(RuntimeError, match="agree"):
        opened(session, 1.0, Paces(None))


def test_a_pace_is_kept_for_the_next_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = tiny_session(tmp_path / "m")
    monkeypatch.setattr(pace, "timed_rates", lambda session, opening: replace(RATES, opening=opening))
    kept = Paces(tmp_path / FILE)
    assert kept.of(session.plan) is None
    found = kept.measure(session, 2.0)
    assert found.rates.opening == 2.0
    monkeypatch.setattr(pace, "timed_rates", lambda *_: pytest.fail("timed again"))
    again = Paces(tmp_path / FILE)
    assert again.of(session.plan) == found == again.measure(session, 9.0)
    # Another machine, other weights, another precision: not known.
    for change in (
        {"machine": "x"},
        {"weights": "x"},
        {"memory": "spare"},
        {"asked": "bf16", "rates": replace(RATES, precision="bf16")},
    ):
        other = replace(found, **change)
        assert not other.serves(found.machine, found.weights, session.config) or session.config.precision == "auto"
    asked = replace(session.config, precision="fp32")
    assert replace(found, asked="auto").serves(found.machine, found.weights, asked)
    assert not replace(found, asked="auto").serves(found.machine, found.weights, replace(asked, precision="bf16"))


def test_a_pace_of_an_earlier_process_that_no_run_confirmed_is_timed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, busy = tiny_session(tmp_path / "m"), replace(RATES, train=8.0, forward=0.1)
    monkeypatch.setattr(pace, "timed_rates", lambda session, opening: busy)
    first = Paces(tmp_path / FILE)
    first.measure(session, 1.0)
    assert first.settled(session.plan)
    monkeypatch.setattr(pace, "timed_rates", lambda session, opening: RATES)
    assert first.measure(session, 1.0).rates == busy  # timed once in a process
    later = Paces(tmp_path / FILE, since=time.time() + 1.0)
    assert not later.settled(session.plan)
    assert later.measure(session, 1.0).rates == replace(RATES, forward=0.1)  # the faster time of each
    first.learn(session.plan, Ran(name="sfr-on", method=1.0, rest=1.0), 1.0)
    confirmed = Paces(tmp_path / FILE, since=time.time() + 1.0)
    assert confirmed.settled(session.plan)


def test_runs_correct_it_by_the_median_of_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = tiny_session(tmp_path / "m")
    monkeypatch.setattr(pace, "timed_rates", lambda *_: RATES)
    kept = Paces(tmp_path / FILE)
    kept.measure(session, 1.0)
    for ratio in (50.0, 2.0, 1.0, 1.1, 3.0, 1.2):
        kept.learn(session.plan, Ran(name="sfr-on", method=ratio, rest=2 * ratio), 0.5)
    found = Paces(tmp_path / FILE).of(session.plan)
    assert found is not None
    assert found.rates == replace(RATES, opening=0.5)
    assert found.factors("sfr-on") == (1.2, 2.4)  # of 2, 1, 1.1, 3, 1.2
    assert found.factors("uce") == (1.2, 2.4)  # until it has a run of its own
    kept.learn(session.plan, Ran(name="uce", method=7.0, rest=1.0), 0.5)
    found = kept.of(session.plan)
    assert found is not None
    assert found.factors("uce")[0] == 7.0
    assert found.factors("sfr-on")[0] == 1.2
    kept.learn(session.plan, Ran(name="uce", method=float("nan"), rest=1.0), 0.5)
    kept.learn(session.plan, Ran(name="uce", method=1.0, rest=-1.0), 0.5)
    assert kept.of(session.plan) == found
    for _ in range(2 * REMEMBERED):
        kept.learn(session.plan, Ran(name="uce", method=1.0, rest=1.0), 0.5)
    found = kept.of(session.plan)
    assert found is not None
    assert len(found.runs) == REMEMBERED


@pytest.mark.parametrize("text", ["", "{", "[]", '{"paces": [{"machine": 3}]}', '{"paces": "all"}', '{"other": []}'])
def test_a_broken_file_is_ignored_and_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    file = tmp_path / FILE
    file.write_text(text)
    session = tiny_session(tmp_path / "m")
    monkeypatch.setattr(pace, "timed_rates", lambda *_: RATES)
    assert Paces(file).of(session.plan) is None
    found = Paces(file).measure(session, 1.0)
    assert Paces(file).of(session.plan) == found


def test_the_file_is_bounded_and_no_disk_harms_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Paces(tmp_path / FILE)
    for number in range(MOST + 3):
        kept._put(Pace(machine="m", weights=str(number), memory="plain", asked="auto", rates=RATES))
    assert [one.weights for one in Paces(tmp_path / FILE)._paces] == [str(n) for n in range(3, MOST + 3)]
    gone = Paces(tmp_path / "gone" / FILE)
    monkeypatch.setattr(pace, "timed_rates", lambda *_: RATES)
    session = tiny_session(tmp_path / "m")
    gone.measure(session, 1.0)
    assert gone.of(session.plan) is not None  # in memory
