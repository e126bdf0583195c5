"""The variance term against torch's own normal distributions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from sfr_core.ops.diffusion import alphas_cumprod
from sfr_core.ops.learned_variance import LearnedVariance

BETAS = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
SIGNAL = (1 - BETAS).cumprod(0)


def pictures(seed: int) -> Tensor:
    return torch.randn((1, 2, 3, 3), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def posterior(x0: Tensor, xt: Tensor, t: int) -> Normal:
    """q(x_{t-1} | x_t, x_0), from the product of the two normal densities (Ho et al. 2020, section 2)."""
    now, before, beta = SIGNAL[t], SIGNAL[t - 1], BETAS[t]
    precision = (1 - beta) / beta + 1 / (1 - before)
    mean = ((1 - beta).sqrt() / beta * xt + before.sqrt() / (1 - before) * x0) / precision
    assert torch.isclose(1 / precision, beta * (1 - before) / (1 - now))
    return Normal(mean, precision.rsqrt())


@pytest.mark.parametrize("t", [1, 40, 999])
@pytest.mark.parametrize("between", [-1.0, 0.3, 1.0])
def test_term_is_the_divergence_of_two_normal_distributions(t: int, between: float) -> None:
    x0, noise, guess = pictures(0), pictures(1), pictures(2)
    xt = SIGNAL[t].sqrt() * x0 + (1 - SIGNAL[t]).sqrt() * noise
    wanted = posterior(x0, xt, t)
    share = (between + 1) / 2
    spread = (0.5 * (share * BETAS[t].log() + (1 - share) * wanted.stddev.square().log())).exp()
    seen = (xt - (1 - SIGNAL[t]).sqrt() * guess) / SIGNAL[t].sqrt()
    mine = Normal(posterior(seen, xt, t).mean, spread)
    bits = kl_divergence(wanted, mine).mean() / math.log(2)
    v = torch.full_like(x0, between).float()
    found = LearnedVariance().bits(x0.float(), xt.float(), torch.tensor([t]), guess.float(), v)
    assert found.shape == (1,)
    assert float(found) == pytest.approx(float(bits), rel=2e-3, abs=1e-5)


def test_a_perfect_network_has_no_term_and_only_the_variance_learns() -> None:
    x0, noise = pictures(0).float(), pictures(1).float().requires_grad_(True)
    t = torch.tensor([500])
    xt = SIGNAL[500].sqrt().float() * x0 + (1 - SIGNAL[500]).sqrt().float() * noise.detach()
    between = torch.full_like(x0, -1.0).requires_grad_(True)  # the lower bound is the true variance
    term = LearnedVariance().bits(x0, xt, t, noise, between)
    assert float(term.detach()) == pytest.approx(0.0, abs=1e-5)
    LearnedVariance().bits(x0, xt, t, noise, between + 1).sum().backward()
    assert noise.grad is None
    assert between.grad is not None
    assert (between.grad > 0).all()  # it wants to be smaller again


def test_the_last_step_is_the_probability_of_a_grey_level() -> None:
    x0 = torch.tensor([-1.0, 0.2, 1.0]).view(1, 1, 1, 3)
    guess = torch.zeros_like(x0)
    t = torch.tensor([0])
    signal = alphas_cumprod()[0]
    xt = signal.sqrt() * x0
    found = LearnedVariance().bits(x0, xt, t, guess, torch.ones_like(x0))
    spread = 0.01  # beta_0 = 1e-4; a network that predicts no noise says x0 itself
    both = Normal(0.0, spread)
    half = torch.tensor(1 / 255)
    outer, inner = both.cdf(half), both.cdf(half) - both.cdf(-half)
    bits = -(2 * outer.log() + inner.log()) / 3 / math.log(2)
    assert float(found) == pytest.approx(float(bits), rel=1e-3)
    rows = LearnedVariance().bits(
        x0.repeat(2, 1, 1, 1),
        xt.repeat(2, 1, 1, 1),
        torch.tensor([0, 7]),
        guess.repeat(2, 1, 1, 1),
        torch.ones((2, 1, 1, 3)),
    )
    assert float(rows[0]) == pytest.approx(float(found))
    assert float(rows[1]) != pytest.approx(float(found))
