"""Training augmentation, on whole batches and from an explicit generator."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def mirror(x: Tensor, rng: torch.Generator) -> Tensor:
    """Mirrors each picture of x [n, c, h, w] left to right with probability 1/2, drawn from `rng` (a CPU generator)."""
    flip = torch.rand(len(x), generator=rng) < 0.5
    return torch.where(flip.to(x.device)[:, None, None, None], x.flip(3), x)


def shift(x: Tensor, reach: int, background: Tensor, rng: torch.Generator) -> Tensor:
    """Moves each picture of x [n, c, h, w] by up to `reach` pixels each way; `background` [1, c, 1, 1] moves in."""
    n, _, h, w = x.shape
    padded = (F.pad(x - background, (reach,) * 4) + background).permute(0, 2, 3, 1)
    top, left = torch.randint(0, 2 * reach + 1, (2, n), generator=rng).to(x.device)
    rows = (top[:, None] + torch.arange(h, device=x.device))[:, :, None]
    columns = (left[:, None] + torch.arange(w, device=x.device))[:, None, :]
    sample = torch.arange(n, device=x.device)[:, None, None]
    return padded[sample, rows, columns].permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
