"""Whether a queue says the truth: the place and the time that each waiting run was told, against what then ran."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LINE = re.compile(
    r"Waiting: (?:you are next|number (?P<place>\d+) in the queue)\.(?: It begins in about (?P<time>.+)\.)?"
)
UNITS = {"h": 3600.0, "min": 60.0, "s": 1.0}
NEAR = 1
"""Places by which a told one may be wrong: a visitor looks every half second, and a turn may change between two looks."""
FACTOR = 2.0
"""By which a told time may be longer or shorter than the real one."""
SHORT = 10.0
"""Seconds of real waiting below which the rounding of what is told decides."""
PLACES, TIMES = 0.95, 0.9
"""Shares of all that was told that must be right."""


@dataclass(frozen=True, slots=True)
class Waited:
    """A run that waited.

    Attributes:
        told: when a line was asked for, when it was shown, and the line. begun: between which moments it began, None where it never did. All
            on one clock.
    """

    told: Sequence[tuple[float, float, str]]
    begun: tuple[float, float] | None


def words(line: str) -> tuple[int, float | None] | None:
    """Place (1: next) and seconds until it begins, None where they are not told, of a line; None of any other line."""
    found = LINE.fullmatch(line)
    if found is None:
        return None
    time = found["time"]
    parts = re.findall(r"([\d.]+) (h|min|s)\b", time or "")
    return int(found["place"] or 1), sum(float(n) * UNITS[unit] for n, unit in parts) if time else None


def truth(runs: Sequence[Waited]) -> dict[str, Any]:
    """How right the places and times were that were told to those runs that had their turn.

    Returns:
        told: lines; places_right: share that is at most NEAR off; place_worst: places that the worst one was off; times_told: those of SHORT
        seconds and more; times_right: share within FACTOR; time_least, time_most: extremes of told over real. Shares are None of nothing.
    """
    begins = [run.begun for run in runs if run.begun is not None]
    off, ratios = [], []
    for run in runs:
        for asked, shown, line in run.told if run.begun is not None else ():
            found = words(line)
            if found is None or run.begun is None:
                continue
            place, seconds = found
            off.append(apart(place - 1, between(begins, (asked, shown), run.begun)))
            waited = sum(run.begun) / 2 - shown
            if seconds is not None and waited >= SHORT:
                ratios.append(seconds / waited)
    return {
        "told": len(off),
        "places_right": share([one <= NEAR for one in off]),
        "place_worst": max(off, default=0),
        "times_told": len(ratios),
        "times_right": share([1 / FACTOR <= ratio <= FACTOR for ratio in ratios]),
        "time_least": round(min(ratios, default=1.0), 2),
        "time_most": round(max(ratios, default=1.0), 2),
    }


def between(
    begins: Sequence[tuple[float, float]], told: tuple[float, float], begun: tuple[float, float]
) -> tuple[int, int]:
    """How many runs began after something was told and before `begun`, at least and at most: every moment is known as a span."""
    least = sum(told[1] < first and last < begun[0] for first, last in begins)
    most = sum(told[0] < last and first < begun[1] and (first, last) != begun for first, last in begins)
    return least, most


def apart(number: int, span: tuple[int, int]) -> int:
    """By how much a number lies outside a span."""
    return max(0, span[0] - number, number - span[1])


def share(right: Sequence[bool]) -> float | None:
    """Of what is right, 0 to 1."""
    return round(sum(right) / len(right), 3) if right else None


def honest(found: dict[str, Any]) -> bool:
    """Whether something was told, and the shares are as large as they must be; no run may have waited long enough to be told a time."""
    places, times = found["places_right"], found["times_right"]
    return places is not None and places >= PLACES and (times is None or times >= TIMES)
