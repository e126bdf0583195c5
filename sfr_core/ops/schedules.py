"""How the forgetting strength fades over a run."""

from __future__ import annotations

import math
from typing import Literal

AlphaSchedule = Literal["cosine", "linear", "quadratic", "constant"]


def cosine(share: float) -> float:
    """(1 + cos(pi * share)) / 2: from 1 at share 0 to 0 at share 1."""
    return (1.0 + math.cos(math.pi * share)) / 2.0


def alpha_at(step: int, steps: int, alpha: float, schedule: AlphaSchedule) -> float:
    """alpha_t for step t = 0 .. steps-1: alpha times cosine, 1 - t/T (paper), (1 - t/T)**2, or 1."""
    share = step / steps
    factor = {"cosine": cosine(share), "linear": 1 - share, "quadratic": (1 - share) ** 2, "constant": 1.0}[schedule]
    return alpha * factor
