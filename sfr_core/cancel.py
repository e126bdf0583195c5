"""Cooperative stop: set from any thread, asked between optimiser steps and between Fisher batches."""

from __future__ import annotations

import threading
import time


class Stopped(Exception):
    """A long measurement was cancelled. The runner ends with Cancelled; it is never shown to a person."""


class CancelToken:
    """A flag that a run checks; setting it twice is harmless.

    Args:
        deadline_seconds: the token counts as cancelled this long after its creation; None for no limit.
    """

    def __init__(self, deadline_seconds: float | None = None) -> None:
        self._event = threading.Event()
        self._deadline = None if deadline_seconds is None else time.monotonic() + deadline_seconds

    def cancel(self) -> None:
        """Asks the run to end at its next check."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """True once somebody asked for the end or the deadline has passed."""
        return self._event.is_set() or self.timed_out

    @property
    def timed_out(self) -> bool:
        """True once the deadline has passed, whether or not somebody asked."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def check(self) -> None:
        """Raises Stopped once the token counts as cancelled."""
        if self.cancelled:
            raise Stopped
