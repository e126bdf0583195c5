"""The moments of a run: which are held, which is nearest to the retrained model, and what keeping one does."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.errors import Busy, InputError
from sfr_core.events import Cancelled, Evaluated, Finished, Kept, Step
from sfr_core.results import LiveRecord
from sfr_core.runs import moments as of_runs
from sfr_core.runs.moments import MOST, Moment, Moments, Tally, check_moments, distance, goal_of
from sfr_core.runs.runner import evaluate_kept, run
from sfr_core.runs.session import Session
from tests.core.runs.generators import GENERATORS, go
from tests.core.tiny_run import tiny_card, tiny_session


def live(forget: float, remain: float) -> LiveRecord:
    return LiveRecord(forget=forget, remain=remain, n_forget=10, n_remain=10)


def moment(step: int, forget: float, remain: float) -> Moment:
    return Moment(Tally(steps=step), live(forget, remain), {})


def held(*found: Moment, goal: LiveRecord, room: int = MOST) -> Moments:
    """What is left of moments that came one after the other."""
    moments = Moments(of_runs.MOST_BYTES // room, goal)
    for one in found:
        assert one.record is not None
        if moments.wants(one.record):
            moments.add(one)
    return moments


def test_the_distance_is_the_mean_of_both_gaps() -> None:
    assert distance(live(10.0, 90.0), live(4.0, 92.0)) == 4.0


def test_the_nearest_are_held_and_of_equal_ones_the_later() -> None:
    # distances to (0, 90): 45, 5, 2, 2, 4
    found = held(
        moment(1, 90, 90), moment(2, 10, 90), moment(3, 0, 86), moment(4, 4, 90), moment(5, 0, 98), goal=live(0, 90), room=3
    )  # fmt: skip
    assert sorted(found.held) == [3, 4, 5]
    assert found.nearest is not None
    assert found.nearest.step == 4


def test_no_more_than_eight_and_none_without_a_goal_or_room() -> None:
    many = held(*(moment(step, 100 - step, 90) for step in range(1, 21)), goal=live(0, 90))
    assert sorted(many.held) == list(range(13, 21))
    assert not Moments(4, None).wants(live(0, 90))
    assert not Moments(of_runs.MOST_BYTES + 1, live(0, 90)).wants(live(0, 90))
    assert Moments(of_runs.MOST_BYTES // 3).room == 3
    assert Moments(1).nearest is None


def test_one_that_stays_is_not_what_makes_room() -> None:
    found = held(moment(1, 90, 90), moment(2, 50, 90), goal=live(0, 90), room=2)
    found.add(Moment(Tally(steps=9), None, {}), spare=1)
    assert sorted(found.held) == [1, 9]
    alone = held(moment(1, 90, 90), goal=live(0, 90), room=1)
    alone.add(Moment(Tally(steps=9), None, {}), spare=1)
    assert sorted(alone.held) == [1]


def session_of(folder: Path, **settings: Any) -> Session:
    return tiny_session(folder, **settings)


def test_the_goal_is_what_the_retrained_model_shows_on_the_same_rows(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    goal = goal_of(session.task, session, partial(session.reference, "retrained"), CancelToken())
    retrained = session.weights("retrained")
    assert retrained is not None
    session.task.model.load_state_dict(dict(retrained))
    assert goal == session.task.evaluate_live()  # type: ignore[attr-defined]


def test_a_kept_moment_is_bit_for_bit_the_run_that_was_stopped_there(tmp_path: Path) -> None:
    session = session_of(tmp_path / "whole")
    events = go(session, live_every=1)
    total = sum(isinstance(event, Step) for event in events)
    assert len(session.moments.held) == min(total, MOST)
    step = min(session.moments.held)
    assert step < total
    last = dict(session.after or {})
    session.keep_moment(step)
    assert session.result is None
    assert "after" not in session.reports
    measured = list(evaluate_kept(session, cancel=CancelToken()))
    end = measured[-1]
    assert isinstance(end, Finished)
    assert end.result is not None
    assert (end.steps, end.result.steps) == (step, step)

    stopped, token = session_of(tmp_path / "stopped"), CancelToken()
    for event in run(stopped, cancel=token, live_every=1):
        if isinstance(event, Step) and event.i == step:
            token.cancel()
    assert stopped.tally.steps == step
    assert stopped.after is not None
    assert session.after is not None
    for name, value in stopped.after.items():
        assert torch.equal(value, session.after[name]), name
    assert any(not torch.equal(value, last[name]) for name, value in session.after.items())
    kept = list(evaluate_kept(stopped, cancel=CancelToken()))[-1]
    assert isinstance(kept, Finished)
    assert kept.result is not None
    assert kept.result.after == end.result.after
    assert kept.result.passes == end.result.passes


def test_the_last_step_can_be_kept_again(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    total = sum(isinstance(event, Step) for event in go(session, live_every=1))
    last, step = dict(session.after or {}), min(session.moments.held)
    session.keep_moment(step)
    assert total in session.moments.held
    session.keep_moment(total)
    assert session.after is not None
    assert all(torch.equal(value, session.after[name]) for name, value in last.items())
    assert session.tally.steps == total


def test_what_is_not_held_cannot_be_kept(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    with pytest.raises(InputError):
        session.keep_moment(1)
    go(session, live_every=1)
    with pytest.raises(InputError):
        session.keep_moment(1000)
    session.claim()
    with pytest.raises(Busy):
        session.keep_moment(max(session.moments.held))
    session.end()
    session.rollback()
    assert session.moments.held == {}
    with pytest.raises(InputError):
        session.keep_moment(1)


def test_looking_for_the_best_changes_no_weight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_moments, without = session_of(tmp_path / "a"), session_of(tmp_path / "b")
    said = go(with_moments, live_every=1)
    monkeypatch.setattr(of_runs, "MOST_BYTES", 0)
    quiet = go(without, live_every=1)
    assert without.moments.held == {}
    assert [type(event) for event in said] == [type(event) for event in quiet]
    assert with_moments.after is not None
    assert without.after is not None
    assert all(torch.equal(value, without.after[name]) for name, value in with_moments.after.items())


def test_a_run_that_keeps_its_best_measures_that_one_alone(tmp_path: Path) -> None:
    session = session_of(tmp_path / "best", lr=0.5)
    events = list(run(session, cancel=CancelToken(), live_every=1, keep_best=True))
    looks = {e.i: e.record for e in events if isinstance(e, Evaluated) and isinstance(e.record, LiveRecord) and e.i}
    goal = session.moments.goal
    assert goal is not None
    best = min(looks, key=lambda i: (distance(looks[i], goal), -i))
    total = max(looks)
    assert [event.steps for event in events if isinstance(event, Kept)] == ([best] if best != total else [])
    end = events[-1]
    assert isinstance(end, Finished)
    assert end.result is not None
    assert end.result.steps == session.tally.steps == best
    assert sum(isinstance(e, Evaluated) and e.when == "after" for e in events) == 1


def test_a_best_step_before_the_last_is_the_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Moments, "nearest", property(lambda self: self.held[min(self.held)]))
    session = session_of(tmp_path / "first", lr=0.5)
    events = list(run(session, cancel=CancelToken(), live_every=1, keep_best=True))
    assert [event.steps for event in events if isinstance(event, Kept)] == [min(session.moments.held)]
    end = events[-1]
    assert isinstance(end, Finished)
    assert end.result is not None
    assert end.steps == end.result.steps == session.tally.steps < max(session.moments.held)
    assert session.after is not None
    assert all(torch.equal(value, session.after[name]) for name, value in session.task.model.state_dict().items())


def test_a_stopped_run_keeps_what_it_stopped_at(tmp_path: Path) -> None:
    session, token = session_of(tmp_path), CancelToken()
    for event in run(session, cancel=token, live_every=1, keep_best=True):
        assert not isinstance(event, Kept)
        if isinstance(event, Step) and event.i == 2:
            token.cancel()
    assert isinstance(event, Cancelled)
    assert session.tally.steps == 2


def test_without_a_retrained_model_nothing_is_held_and_the_best_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = tiny_session(tmp_path / "alone", card=tiny_card(tmp_path / "alone", retrained=False))
    go(alone, live_every=1)
    assert alone.moments.held == {}
    assert alone.moments.nearest is None
    with pytest.raises(InputError, match="no retrained model"):
        check_moments(alone)
    session = session_of(tmp_path / "two")
    check_moments(session)
    monkeypatch.setattr(of_runs, "MOST_BYTES", 1)
    with pytest.raises(InputError, match="too large"):
        check_moments(session)


def test_a_generators_looks_are_held_and_the_goal_is_known_the_next_time(tmp_path: Path) -> None:
    kind = GENERATORS["ddpm"]
    card = kind.card(tmp_path, reference=True)
    session = kind.open(tmp_path, card=card)
    events = go(session)
    looked = [e.i for e in events if isinstance(e, Evaluated) and e.when == "live" and e.i]
    assert sorted(session.moments.held) == looked
    goal = session.moments.goal
    assert goal is not None
    again = kind.open(tmp_path, card=card)
    assert (
        goal_of(again.task, again, lambda: None, CancelToken()) == goal
    )  # nothing is drawn: None would be the live model
    first = min(session.moments.held)
    session.keep_moment(first)
    end = list(evaluate_kept(session, cancel=CancelToken()))[-1]
    assert isinstance(end, Finished)
    assert end.steps == first
