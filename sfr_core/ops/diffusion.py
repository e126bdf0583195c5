"""What a diffusion model is asked and from which noise: timesteps, start noise, guidance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from sfr_core.errors import InputError

STEPS = 1000
BETA_FIRST, BETA_LAST = 1e-4, 0.02

Predictor = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(noisy pictures [n, c, h, w], times [n], labels [n]) -> prediction [n, c, h, w]: of DDPM models the noise."""


def alphas_cumprod() -> Tensor:
    """Share of signal left in the variance at each of the STEPS timesteps, float32 [STEPS] (linear betas)."""
    betas = torch.linspace(BETA_FIRST, BETA_LAST, STEPS, dtype=torch.float64)
    return (1 - betas).cumprod(0).float()


def start_noise(labels: Tensor, shape: tuple[int, int, int], seed: int) -> Tensor:
    """Standard normal noise [n, *shape] (c, h, w) on the CPU to sample pictures of `labels` from.

    That of a row follows from the seed, its class and how many rows of that class stand before it, and from nothing else: two
    sets of labels share the noise, and so the pictures, of what they have in common.
    """
    seen: defaultdict[int, int] = defaultdict(int)
    noise = torch.empty((len(labels), *shape))
    for row, label in enumerate(labels.tolist()):
        state = np.random.SeedSequence([seed, label, seen[label]]).generate_state(1, np.uint64)[0]
        noise[row] = torch.randn(shape, generator=torch.Generator().manual_seed(int(state) % 2**63))
        seen[label] += 1
    return noise


def guided(predict: Predictor, x: Tensor, t: Tensor, labels: Tensor, null: int, guidance: float) -> Tensor:
    """Prediction of classifier-free guidance (Ho and Salimans 2022): e(null) + w (e(c) - e(null)).

    w = 1 is the plain conditional prediction and costs one forward pass; every other w costs one of double size.
    """
    if guidance == 1.0:
        return predict(x, t, labels)
    both = torch.cat([labels, torch.full_like(labels, null)])
    with_class, without = predict(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
    return without + guidance * (with_class - without)


def check_sampler(steps: int) -> None:
    """Refuses a number of sampler steps that cannot be spaced evenly.

    Raises:
        InputError: STEPS is no multiple of `steps`.
    """
    if steps < 1 or STEPS % steps:
        raise InputError(
            f"{steps} sampling steps do not divide {STEPS}.", hint="Choose 10, 20, 25, 50 or 100 sampling steps."
        )
