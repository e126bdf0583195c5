"""An evaluation returns what it measured and changes nothing: no session, no model, no generator; a stopped one what it has."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.events import Evaluated, Event, Finished, PhaseProgress
from sfr_core.ops.stepwise import drained
from sfr_core.runs.evaluate import evaluate
from sfr_core.runs.runner import run
from tests.core.runs.generators import GENERATORS
from tests.core.tiny import same, state
from tests.core.tiny_run import tiny_session

SESSIONS = {"classifier": tiny_session, **{kind: generator.open for kind, generator in GENERATORS.items()}}


@pytest.mark.parametrize("kind", SESSIONS)
def test_it_returns_what_a_run_stores_and_changes_nothing(kind: str, tmp_path: Path) -> None:
    session = SESSIONS[kind](tmp_path / "m", "finetune")
    events = list(run(session, cancel=CancelToken(), live_every=10**6))
    assert isinstance(events[-1], Finished)
    assert session.result is not None
    stored, session.reports, session.shown_before = (session.reports, session.shown_before), {}, {}
    before, held = state(session.task.model), torch.random.get_rng_state()
    events.clear()
    found = drained(evaluate(session.task, session, session.models(), steps=3, cancel=CancelToken()), events.append)
    told = {event.when: event.record for event in events if isinstance(event, Evaluated)}
    assert (found.records["before"], found.records["after"]) == (session.result.before, session.result.after)
    assert told.items() <= found.records.items()
    assert list(found.reports) == list(stored[0])
    assert found.shown_before == stored[1]
    assert bool(found.shown_before) == (kind == "text-to-image")
    assert (session.reports, session.shown_before) == ({}, {})
    assert same(before, state(session.task.model))
    assert torch.equal(held, torch.random.get_rng_state())


def test_a_stopped_one_returns_what_it_has(tmp_path: Path) -> None:
    session, cancel = tiny_session(tmp_path, "finetune"), CancelToken()

    def press(event: Event) -> None:
        if isinstance(event, PhaseProgress) and event.done == 3:
            cancel.cancel()

    found = drained(evaluate(session.task, session, session.models(), steps=0, cancel=cancel), press)
    assert found.stopped
    assert list(found.records) == list(found.reports) == ["retrained", "second", "before"]
