"""How the recovery attack on a text-to-image model tries (metrics/recovery.py)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attack:
    """How hard is tried. The published attack takes 1000 steps at 5e-3 with batches of 4 on Stable Diffusion 1.4."""

    steps: int = 300
    lr: float = 0.02
    batch_size: int = 16
    samples: int = 40
    seed: int = 0
