"""Pictures to network input, and training augmentation, on whole batches and from an explicit generator."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_input(images: NDArray[np.uint8], mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """uint8 [n, h, w, c] -> float32 [n, c, h, w] in channels_last memory, scaled to 0..1, minus `mean`, over `std`."""
    x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    shape = (1, -1, 1, 1)
    x = (x - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)
    return x.contiguous(memory_format=torch.channels_last)


def mirror(x: Tensor, rng: torch.Generator) -> Tensor:
    """Mirrors each picture of x [n, c, h, w] left to right with probability 1/2, drawn from `rng` (a CPU generator)."""
    flip = torch.rand(len(x), generator=rng) < 0.5
    return torch.where(flip.to(x.device)[:, None, None, None], x.flip(3), x)
