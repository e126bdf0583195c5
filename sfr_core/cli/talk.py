"""How the commands talk to people and hear them: lines on stderr, Ctrl-C between two steps. No torch."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType

from sfr_core.cancel import CancelToken


def log(text: str) -> None:
    """One line on stderr."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[CancelToken]:
    """Ctrl-C (and SIGTERM) set the token; a second Ctrl-C ends the program at once."""
    token = CancelToken()

    def stop(number: int, frame: FrameType | None) -> None:
        if token.cancelled and number == signal.SIGINT:
            raise KeyboardInterrupt
        log("Stopping after this step; press Ctrl-C again to end at once and keep nothing.")
        token.cancel()

    try:
        old = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread, as in a notebook: nobody can press Ctrl-C there
        old = {}
    try:
        yield token
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
