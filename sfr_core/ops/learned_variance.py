"""The variational term of diffusion models that also learn their variance (Nichol and Dhariwal 2021, arXiv 2102.09672).

A network with twice as many output channels says, beside the noise, how the logarithm of the variance of
p(x_{t-1} | x_t) lies between its two bounds. That half is trained by this term alone: the noise enters it as a constant.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sfr_core.ops.diffusion import BETA_FIRST, BETA_LAST, STEPS

LEVEL = 1.0 / 255.0
"""Half a grey level where pictures lie in [-1, 1]; the published code takes latents for such pictures too."""
LEAST = 1e-12
"""Smallest probability that enters a logarithm."""


class LearnedVariance:
    """Coefficients of the linear schedule, float64 [STEPS], and the term made from them."""

    def __init__(self, device: torch.device | None = None) -> None:
        betas = torch.linspace(BETA_FIRST, BETA_LAST, STEPS, dtype=torch.float64)
        now = (1 - betas).cumprod(0)
        before = torch.cat([torch.ones(1, dtype=torch.float64), now[:-1]])
        posterior = betas * (1 - before) / (1 - now)
        posterior[0] = posterior[1]  # it is 0 there and has no logarithm
        self._table = {
            "signal": now.rsqrt(),
            "noise": (1 / now - 1).sqrt(),
            "picture": betas * before.sqrt() / (1 - now),
            "noisy": (1 - before) * (1 - betas).sqrt() / (1 - now),
            "largest": betas.log(),
            "smallest": posterior.log(),
        }
        self._table = {name: values.to(device) for name, values in self._table.items()}

    def bits(self, x0: Tensor, xt: Tensor, t: Tensor, noise: Tensor, between: Tensor) -> Tensor:
        """KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)) in bits, mean over elements, [n]; at t = 0 -log p(x_0 | x_1).

        Args:
            x0, xt: clean and noised [n, c, h, w].
            t: timesteps [n].
            noise: predicted, taken as a constant [n, c, h, w].
            between: v of log variance = (v + 1) / 2 log beta_t + (1 - v) / 2 log posterior variance, [n, c, h, w].
        """
        noise = noise.detach()
        guess = self._at("signal", t) * xt - self._at("noise", t) * noise
        smallest = self._at("smallest", t)
        wanted = self._at("picture", t) * x0 + self._at("noisy", t) * xt
        mean = self._at("picture", t) * guess + self._at("noisy", t) * xt
        share = (between + 1) / 2
        log_variance = share * self._at("largest", t) + (1 - share) * smallest
        gap = (wanted - mean).square() * (-log_variance).exp()
        nats = 0.5 * (log_variance - smallest - 1 + (smallest - log_variance).exp() + gap)
        last = (t == 0).view(-1, 1, 1, 1)
        if bool(last.any()):
            nats = torch.where(last, -_log_level(x0, mean, log_variance), nats)
        return nats.mean((1, 2, 3)) / math.log(2.0)

    def _at(self, name: str, t: Tensor) -> Tensor:
        return self._table[name][t].float().view(-1, 1, 1, 1)


def _log_level(x0: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Log probability of the grey level of x0 under a normal distribution; the outermost levels reach to infinity."""
    inverse = (-0.5 * log_variance).exp()
    above = torch.special.ndtr((x0 - mean + LEVEL) * inverse)
    below = torch.special.ndtr((x0 - mean - LEVEL) * inverse)
    lowest, highest = above, 1 - below
    inside = torch.where(x0 < -0.999, lowest, torch.where(x0 > 0.999, highest, above - below))
    return inside.clamp_min(LEAST).log()
