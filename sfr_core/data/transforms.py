"""Training augmentation, on whole batches and from an explicit generator."""

from __future__ import annotations

import torch
from torch import Tensor


def mirror(x: Tensor, rng: torch.Generator) -> Tensor:
    """Mirrors each picture of x [n, c, h, w] left to right with probability 1/2, drawn from `rng` (a CPU generator)."""
    flip = torch.rand(len(x), generator=rng) < 0.5
    return torch.where(flip.to(x.device)[:, None, None, None], x.flip(3), x)
