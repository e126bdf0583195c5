"""The recovery attack on the models of a run: which there are, and that a shipped one is attacked once."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfr_core.configs.recovery import Attack
from sfr_core.errors import InputError
from sfr_core.ops.stepwise import drained
from sfr_core.runs import known as store
from sfr_core.runs.recovery import attack, attacked
from sfr_core.runs.session import Session
from tests.core.tiny_sd import named_judge, sd_folder, sd_session

SMALL = Attack(steps=3, batch_size=4, samples=4)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr("sfr_core.runs.session.open_judge", lambda _: named_judge())
    found = sd_session(Path(), card=sd_folder(tmp_path / "model", source="bundled"))
    drained(found.task.prepare())  # type: ignore[attr-defined]
    return found


def test_the_original_is_attacked_once_and_the_unlearned_model_every_time(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = store.Known(tmp_path / "cache", None)
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr("sfr_core.runs.recovery.known", lambda: cache)
    session.keep()
    assert attacked(session) == ("after", "before")
    steps: list[int] = []
    first = drained(attack(session, "before", SMALL), steps.append)
    assert len(steps) == 3 + 4
    again = drained(attack(session, "before", SMALL), steps.append)
    assert len(steps) == 3 + 4  # known: no step more
    assert again == first
    assert (again.drawn.images == first.drawn.images).all()
    # Nothing was changed by a run, so the unlearned model gives the same, but it is not asked of the store.
    assert drained(attack(session, "after", SMALL), steps.append) == first
    assert len(steps) == 2 * (3 + 4)
    drained(attack(session, "before", Attack(steps=4, batch_size=4, samples=4)), steps.append)
    assert len(steps) == 2 * (3 + 4) + 4 + 4  # another attack has an entry of its own


def test_a_run_that_was_rolled_back_says_what_to_do(session: Session) -> None:
    assert attacked(session) == ("before",)
    with pytest.raises(InputError, match="no longer in memory"):
        drained(attack(session, "after", SMALL))
