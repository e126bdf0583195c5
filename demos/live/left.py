"""How long a run still takes, to the finished comparison: what is expected of its parts, and how fast it was so far. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demos.live.view import View, speed

if TYPE_CHECKING:
    from sfr_core.runs.expect import Expected

SURE = 5
"""Steps after which a run's own pace says more than what was expected of it."""
WEIGHT = 0.1
"""Share of the expected time that counts as if it had gone by as expected, so that the first seconds decide little."""
FASTEST, SLOWEST = 0.5, 3.0
"""A run is not taken to go on faster or slower than expected by more."""
LEAST = 1.0
"""Seconds that are left until the end is there."""
FISHERS = 2
"""Of the forget and of the remain set."""


def seconds_left(expected: Expected, view: View, elapsed: float, opened: float | None, since: float) -> float | None:
    """Seconds until the comparison is finished; None where the run has ended.

    Args:
        expected: of the whole run. view: after the events so far.
        elapsed: seconds since the run's start. opened: those of its first event, None before it. since: those since the last event.
    """
    if view.ended is not None:
        return None
    if opened is None:
        return max(LEAST, expected.seconds - min(elapsed, expected.opening))
    steps, other = _steps(expected, view), _other(expected, view)
    done = expected.seconds - expected.opening - steps - other
    prior = WEIGHT * expected.seconds
    slow = min(SLOWEST, max(FASTEST, (elapsed - since - opened + prior) / (done + prior)))
    rate = speed(view)
    own = (view.steps - view.step) / rate if rate and view.phase == "unlearn" and view.step >= SURE else slow * steps
    left = own + slow * other
    return max(LEAST, left - since, WEIGHT * left)


def _steps(expected: Expected, view: View) -> float:
    """Expected seconds of the steps that are left."""
    if view.phase == "evaluate":
        return 0.0
    return expected.steps * (1 - view.step / view.steps if view.steps else 1.0)


def _other(expected: Expected, view: View) -> float:
    """Expected seconds of all else that is left."""
    done = view.done / view.total if view.total else 0.0
    unseen = not view.now and view.sheet is None  # the preview before the first step
    left = expected.evaluate
    if view.phase == "evaluate":
        units = expected.units or view.total
        return left * min(1.0, (view.total - view.done) / units) if units else left
    left += max(0, expected.previews - view.previews) * expected.preview
    if view.phase == "prepare":
        return left + unseen * expected.preview + (1 - done) * expected.own + expected.fisher
    if view.phase == "fisher":
        return left + max(0.0, 1 - (view.fishers - 1 + done) / FISHERS) * expected.fisher
    return left
