"""How far a share of a few pictures can be trusted. Standard library only."""

from __future__ import annotations

from math import sqrt

from sfr_core.metrics.thresholds import GUESS_TELLS, KNOWN_MARGIN

Z = 1.959964
"""Standard errors on either side of the middle that hold 95 % of a normal distribution."""


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, J. Am. Stat. Assoc. 22, 1927, page 209): it also holds near 0 and 100 % and for few pictures.

    Args:
        share: percent, 0 to 100. n: pictures, at least 1.

    Returns:
        Its ends, percent, 0 to 100.

    Raises:
        ValueError: no picture.
    """
    if n < 1:
        raise ValueError("a share of no pictures has no interval")
    p, weight = share / 100.0, Z * Z / n
    middle = (p + weight / 2) / (1 + weight)
    half = Z * sqrt(p * (1 - p) / n + weight / (4 * n)) / (1 + weight)
    return 100.0 * max(0.0, middle - half), 100.0 * min(1.0, middle + half)


def above_chance(share: float, n: int, classes: int) -> bool:
    """Whether a share of right answers is more than a guess among so many classes gives: its interval lies above 1 in `classes`."""
    return wilson(share, n)[0] > 100.0 / classes


def knows(share: float, n: int, classes: int) -> bool:
    """Whether so many right answers are more than a guess among the classes: by KNOWN_MARGIN, and where n pictures tell it beyond chance."""
    return share >= 100.0 / classes + KNOWN_MARGIN and (n < GUESS_TELLS or above_chance(share, n, classes))
