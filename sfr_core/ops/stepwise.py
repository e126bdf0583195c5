"""Work that is done step by step, as generators: they yield how far they are and return what came of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

Y = TypeVar("Y")
R = TypeVar("R")


def drained(work: Generator[Y, None, R], on_step: Callable[[Y], object] | None = None) -> R:
    """Does all of `work` and returns what it returns.

    Args:
        work: yields its steps.
        on_step: called with what each step yields; what it raises ends the work and is raised here.
    """
    while True:
        try:
            step = next(work)
        except StopIteration as end:
            found: R = end.value
            return found
        if on_step is not None:
            on_step(step)


def counted_on(work: Generator[int, None, R], done: int) -> Generator[int, None, R]:
    """The same work, its steps counted from `done` on; whoever stops iterating has stopped it."""
    try:
        while True:
            try:
                step = next(work)
            except StopIteration as end:
                found: R = end.value
                return found
            yield done + step
    finally:
        work.close()
