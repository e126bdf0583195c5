"""How the forgetting strength fades over a run, and how the learning rate rises at its start."""

from __future__ import annotations

import math
from typing import Literal

AlphaSchedule = Literal["cosine", "linear", "quadratic", "constant"]


def warmed(t: int, steps: int) -> float:
    """Share of the learning rate at step t counted from 0: (t + 1) / steps in the first `steps`, then 1."""
    return min(1.0, (t + 1) / steps) if steps else 1.0


def cosine(share: float) -> float:
    """(1 + cos(pi * share)) / 2: from 1 at share 0 to 0 at share 1."""
    return (1.0 + math.cos(math.pi * share)) / 2.0


def alpha_at(step: int, steps: int, alpha: float, schedule: AlphaSchedule) -> float:
    """alpha_t for step t = 0 .. steps-1: alpha times cosine, 1 - t/T (paper), (1 - t/T)**2, or 1."""
    share = step / steps
    factor = {"cosine": cosine(share), "linear": 1 - share, "quadratic": (1 - share) ** 2, "constant": 1.0}[schedule]
    return alpha * factor
