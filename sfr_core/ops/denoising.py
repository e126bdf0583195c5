"""The training loss of diffusion models, piece by piece (docs/reference.md, sections 2.4 and 2.5). Every draw is on the CPU."""

from __future__ import annotations

import torch
from torch import Tensor

from sfr_core.ops.diffusion import STEPS

MOST_NOISE = 30.0
"""Largest factor by which an error counts more than where noise and signal are equal."""


def antithetic_timesteps(n: int, rng: torch.Generator) -> Tensor:
    """n timesteps, int64 in 0 .. STEPS-1: n // 2 + 1 uniform ones, then their mirror images STEPS-1-t, cut to n."""
    half = torch.randint(0, STEPS, (n // 2 + 1,), generator=rng)
    return torch.cat([half, STEPS - 1 - half])[:n]


def uniform_timesteps(n: int, rng: torch.Generator) -> Tensor:
    """n timesteps, int64, each uniform in 0 .. STEPS-1."""
    return torch.randint(0, STEPS, (n,), generator=rng)


def drop_labels(labels: Tensor, null: int, share: float, rng: torch.Generator) -> Tensor:
    """Replaces each label [n] by `null` with probability `share` (0 to 1)."""
    dropped = torch.rand(len(labels), generator=rng).to(labels.device) < share
    return torch.where(dropped, null, labels)


def noised(x: Tensor, noise: Tensor, signal: Tensor) -> Tensor:
    """sqrt(signal) * x + sqrt(1 - signal) * noise, with one share of signal (alpha-bar) a picture, [n]."""
    share = signal.view(-1, 1, 1, 1)
    return share.sqrt() * x + (1.0 - share).sqrt() * noise


def squared_error(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Summed over channels and pixels, one a picture, [n]: 784 or 3072 times the mean that others minimise."""
    return (predicted - wanted).square().sum((1, 2, 3))


def mean_error(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Squared error, mean over channels and pixels, one a picture, [n]: what latent models minimise."""
    return (predicted - wanted).square().mean((1, 2, 3))


def noise_weights(signal: Tensor) -> Tensor:
    """Weights [T] of squared noise errors by the share of signal (alpha-bar) at each timestep, mean 1.

    They grow as the square root of noise over signal, (1 - signal) / signal, up to MOST_NOISE times that where both are equal. An error e of
    the noise is one of e * sqrt((1 - signal) / signal) in the picture that is predicted; the square root, as a sampler takes many
    steps and the errors of the last ones stay in the picture too (docs/adr/0034).
    """
    weights = ((1.0 - signal) / signal).sqrt().clamp(max=MOST_NOISE)
    return weights / weights.mean()


def paper_guidance(scale: float) -> float:
    """w of `diffusion.guided`, e(null) + w (e(c) - e(null)), for the paper's (1 + scale) e(c) - scale e(null)."""
    return 1.0 + scale
