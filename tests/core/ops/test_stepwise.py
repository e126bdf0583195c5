"""Work is done to its end, its steps are told, and what is raised on the way ends it."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from sfr_core.ops.stepwise import drained


def counted(n: int, closed: list[bool]) -> Generator[int, None, str]:
    try:
        yield from range(n)
    finally:
        closed.append(True)
    return f"{n} steps"


def test_a_walk_gives_its_outcome_and_tells_its_steps() -> None:
    told: list[int] = []
    assert drained(counted(3, []), told.append) == "3 steps"
    assert told == [0, 1, 2]
    assert drained(counted(0, [])) == "0 steps"


def test_what_is_raised_on_the_way_ends_the_walk() -> None:
    def stop(step: int) -> None:
        if step == 1:
            raise StopIteration("not the end of the work")

    closed: list[bool] = []
    with pytest.raises(StopIteration, match="not the end"):
        drained(counted(3, closed), stop)
    assert closed == [True]
