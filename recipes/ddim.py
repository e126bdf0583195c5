"""Guided DDIM sampling from a class-conditional pixel diffusion model."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

STEPS = 1000
BETA_FIRST, BETA_LAST = 1e-4, 0.02

Predictor = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(noisy pictures [n, c, h, w], timesteps [n], labels [n]) -> predicted noise [n, c, h, w]."""


def alphas_cumprod() -> Tensor:
    """Share of signal left in the variance at each of the STEPS timesteps, float32 [STEPS] (linear betas)."""
    betas = torch.linspace(BETA_FIRST, BETA_LAST, STEPS, dtype=torch.float64)
    return (1 - betas).cumprod(0).float()


def guided(predict: Predictor, x: Tensor, t: Tensor, labels: Tensor, null: int, guidance: float) -> Tensor:
    """Noise prediction of classifier-free guidance (Ho and Salimans 2022): e(null) + w (e(c) - e(null)).

    w = 1 is the plain conditional prediction and costs one forward pass; every other w costs one of double size.
    """
    if guidance == 1.0:
        return predict(x, t, labels)
    both = torch.cat([labels, torch.full_like(labels, null)])
    with_class, without = predict(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
    return without + guidance * (with_class - without)


@torch.no_grad()
def ddim(
    predict: Predictor, noise: Tensor, labels: Tensor, *, null: int, steps: int = 50, guidance: float = 2.0
) -> Tensor:
    """Deterministic DDIM (Song et al. 2020, arXiv 2010.02502, equation 12 with sigma = 0).

    Timesteps are spaced evenly and end at the last one ("trailing"), so the first step starts from pure noise. The
    predicted picture is clipped to [-1, 1] and the noise recomputed from it, else guidance saturates.

    Args:
        predict: the model.
        noise: standard normal [n, c, h, w]; equal noise gives equal pictures.
        labels: class of each picture, int64 [n].
        null: the label that means "no class".
        steps: 1 to STEPS; STEPS must be a multiple of it.
        guidance: w of `guided`.

    Returns:
        Pictures in [-1, 1], shaped as `noise`.

    Raises:
        ValueError: STEPS is no multiple of `steps`.
    """
    if steps < 1 or STEPS % steps:
        raise ValueError(f"{steps} sampling steps do not divide {STEPS}.")
    signal = alphas_cumprod().to(noise.device)
    stride = STEPS // steps
    x = noise
    for t in range(STEPS - 1, -1, -stride):
        now = signal[t]
        after = signal[t - stride] if t >= stride else torch.ones_like(now)
        epsilon = guided(predict, x, torch.full((len(x),), t, device=x.device), labels, null, guidance)
        picture = ((x - (1 - now).sqrt() * epsilon) / now.sqrt()).clamp(-1, 1)
        epsilon = (x - now.sqrt() * picture) / (1 - now).sqrt()
        x = after.sqrt() * picture + (1 - after).sqrt() * epsilon
    return x
