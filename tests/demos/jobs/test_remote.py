"""What comes back from a run in another process."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from demos.jobs import remote
from sfr_core.cancel import CancelToken
from sfr_core.events import Finished, Step
from sfr_core.runs.runner import evaluate_kept, run
from sfr_core.runs.session import Session
from tests.core.tiny_run import tiny_session


def stopped_at_two(folder: Path) -> Session:
    session, token = tiny_session(folder), CancelToken()
    for event in run(session, cancel=token):
        if isinstance(event, Step) and event.i == 2:
            token.cancel()
    return session


def kept(session: Session) -> Any:
    last = list(evaluate_kept(session, cancel=CancelToken()))[-1]
    assert isinstance(last, Finished)
    assert last.result is not None
    return last.result


def test_a_stopped_run_that_is_kept_here_says_what_was_made_there(tmp_path: Path) -> None:
    there = stopped_at_two(tmp_path / "model")
    here: Any = SimpleNamespace(session=tiny_session(tmp_path / "model"), device="")
    message = pickle.loads(pickle.dumps(("state", remote._state(there))))
    assert remote.take_up(here, message) is None
    told, made = kept(here.session), kept(there)
    assert (told.steps, told.passes, told.seconds) == (made.steps, made.passes, made.seconds)
    assert told.steps == 2
