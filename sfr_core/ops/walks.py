"""Work that is done step by step, as generators: they yield how far they are and return what came of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

Y = TypeVar("Y")
R = TypeVar("R")


def drained(walk: Generator[Y, None, R], on_step: Callable[[Y], object] | None = None) -> R:
    """Walks to the end and returns what `walk` returns.

    Args:
        walk: asked until it has no more steps.
        on_step: told what each step yields; what it raises ends the walk and comes out here.
    """
    while True:
        try:
            step = next(walk)
        except StopIteration as end:
            found: R = end.value
            return found
        if on_step is not None:
            on_step(step)


def counted_on(walk: Generator[int, None, R], done: int) -> Generator[int, None, R]:
    """The same walk, its steps counted from `done` on; a caller that stops asking has stopped it."""
    try:
        while True:
            try:
                step = next(walk)
            except StopIteration as end:
                found: R = end.value
                return found
            yield done + step
    finally:
        walk.close()
