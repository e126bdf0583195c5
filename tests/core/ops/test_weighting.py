"""Adaptive weights by hand, and what an exact-zero loss does to a batch."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from sfr_core.ops.weighting import adaptive_weights, inverse_losses, set_weights, uniform_weights

LOSSES = torch.tensor([1.0, 4.0, 0.25])


def test_weights_of_three_losses() -> None:
    # lambda 1/2: c = 1, 1/2, 2; sum 3.5
    assert adaptive_weights(LOSSES, 0.5).tolist() == pytest.approx([2 / 7, 1 / 7, 4 / 7])
    # lambda 1: c = 1, 1/4, 4; sum 5.25
    assert adaptive_weights(LOSSES, 1.0).tolist() == pytest.approx([4 / 21, 1 / 21, 16 / 21])


@pytest.mark.parametrize("lam", [0.0, 0.5, 0.6, 1.0, 5.0])
@pytest.mark.parametrize("n", [1, 2, 7, 128])
def test_weights_sum_to_one_and_fall_with_the_loss(lam: float, n: int) -> None:
    losses = torch.linspace(0.01, 3.0, n)
    weights = adaptive_weights(losses, lam)
    assert float(weights.sum()) == pytest.approx(1.0, abs=1e-6)
    assert weights.tolist() == sorted(weights.tolist(), reverse=True)


@pytest.mark.parametrize("n", range(1, 130))
def test_lambda_zero_is_plain_ascent_to_the_bit(n: int) -> None:
    losses = torch.rand(n, generator=torch.Generator().manual_seed(n))
    assert torch.equal(adaptive_weights(losses, 0.0), uniform_weights(losses))


def test_weights_are_constants_of_the_step() -> None:
    losses = LOSSES.clone().requires_grad_()
    mean = torch.tensor(1.0)
    assert not any(
        w.requires_grad
        for w in (adaptive_weights(losses, 0.5), set_weights(losses, mean, 0.5), uniform_weights(losses))
    )


def test_eps_is_added_to_the_power() -> None:
    assert inverse_losses(torch.tensor([4.0]), 0.5, eps=2.0).tolist() == [0.25]


def test_set_weights_equal_the_formula_over_the_forget_set() -> None:
    # D_f has losses 1, 4, 0.25 and 1: c = 1, 1/2, 2, 1; N_f * c_i / sum_j c_j = 4 c_i / 4.5
    everything = torch.tensor([1.0, 4.0, 0.25, 1.0])
    mean = inverse_losses(everything, 0.5).mean()
    batch = everything[:2]
    epsilon = torch.tensor([4 * 1 / 4.5, 4 * 0.5 / 4.5])
    # The batch mean of epsilon_i * l_i estimates (1/N_f) * sum over D_f.
    assert set_weights(batch, mean, 0.5).tolist() == pytest.approx((epsilon / 2).tolist())
    # Over the whole set at once both normalisations are one.
    assert set_weights(everything, mean, 0.5).tolist() == pytest.approx(adaptive_weights(everything, 0.5).tolist())


def test_one_exact_zero_silences_the_batch_and_the_floor_does_not() -> None:
    logits = torch.tensor([[200.0, 0.0], [0.0, 0.0]], requires_grad=True)
    labels = torch.tensor([0, 0])
    losses = F.cross_entropy(logits, labels, reduction="none")
    assert losses[0].item() == 0.0  # in float32 the certain one has no loss and no gradient at all

    def push(floor: float) -> float:
        weights = adaptive_weights(losses, 0.5, 1e-15, floor)
        (gradient,) = torch.autograd.grad((weights * losses).sum(), logits, retain_graph=True)
        return float(gradient.norm())

    plain = 0.5 * 2**0.5 / 2  # gradient (-1/2, 1/2) of the second sample, at weight 1/2
    assert push(0.0) < 1e-12 * plain
    # Floor 1e-4: c = 1/0.01 and 1/sqrt(ln 2), so the second one weighs about 1.19 per cent.
    share = (1 / 0.6931472**0.5) / (100 + 1 / 0.6931472**0.5)
    assert push(1e-4) == pytest.approx(share * 2**0.5 / 2, rel=1e-4)
