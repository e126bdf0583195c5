"""How the commands talk to people and hear them: lines on stderr, Ctrl-C between two steps. No torch."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from sfr_core.cancel import CancelToken
from sfr_core.errors import RunError, reason

CANCELLED = 130
"""Exit code of a program that was interrupted."""


def log(text: str) -> None:
    """One line on stderr, as far as somebody takes it."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


class StdoutLost(RunError):
    """Stdout takes nothing any more: a full disk, or a reader that has gone."""


def answer(text: str) -> None:
    """Lines on stdout.

    Raises:
        StdoutLost: they could not be written; from then on stdout is nowhere.
    """
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        gone = isinstance(error, BrokenPipeError)
        why = "Nobody reads stdout any more" if gone else f"Nothing can be written to stdout ({reason(error)})"
        raise StdoutLost(f"{why}.") from None


def tell(line: str) -> None:
    """One line on stdout; where the reader has gone, the run goes on for its files."""
    try:
        answer(line)
    except StdoutLost as error:
        log(f"{error.message} The run goes on.")


def interrupted() -> int:
    """Says that a program was interrupted where nothing could be kept; its exit code."""
    log("error: Interrupted; nothing was written.")
    return CANCELLED


_asked = threading.Event()
"""A signal came while nothing ran yet that could be stopped between two steps."""


@contextlib.contextmanager
def interrupts() -> Iterator[threading.Event]:
    """Lets Ctrl-C and SIGTERM alike interrupt what the block does, for example its imports.

    Yields:
        Set once one came: a library that is being imported may make another exception of the interruption, or none.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        _asked.set()
        raise KeyboardInterrupt

    _asked.clear()
    with _handled(interrupt):
        yield _asked


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    try:
        old = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread, as in a notebook: nobody can press Ctrl-C there
        old = {}
    try:
        yield
    finally:
        for number, before in old.items():
            signal.signal(number, before)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[CancelToken]:
    """Ctrl-C (and SIGTERM) set the token; a second Ctrl-C ends the program at once.

    Raises:
        KeyboardInterrupt: one came before, and what was going on then made nothing of it.
    """
    token = CancelToken()

    def stop(number: int, frame: FrameType | None) -> None:
        if token.cancelled and number == signal.SIGINT:
            raise KeyboardInterrupt
        log("Stopping after this step; press Ctrl-C again to end at once and keep nothing.")
        token.cancel()

    with _handled(stop):
        if _asked.is_set():
            raise KeyboardInterrupt
        yield token
