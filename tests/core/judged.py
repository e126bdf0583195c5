"""Sessions whose samples somebody else judges than the card says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sfr_core.nets.judge import Judge
from sfr_core.runs import session


@contextmanager
def judged_by(judge: Judge) -> Iterator[None]:
    """Sessions that are opened meanwhile have this judge."""
    there = session.open_judge
    session.open_judge = lambda _: judge  # type: ignore[assignment]
    try:
        yield
    finally:
        session.open_judge = there
