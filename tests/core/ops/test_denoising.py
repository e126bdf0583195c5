"""Pieces of the diffusion loss against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch

from sfr_core.ops.denoising import antithetic_timesteps, drop_labels, noised, paper_guidance, squared_error
from sfr_core.ops.diffusion import guided


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_timesteps_come_in_mirrored_pairs(n: int) -> None:
    t = antithetic_timesteps(n, rng(3))
    half = torch.randint(0, 1000, (n // 2 + 1,), generator=rng(3)).tolist()
    assert t.tolist() == (half + [999 - k for k in half])[:n]
    assert len(t) == n


def test_timesteps_reach_both_ends() -> None:
    t = antithetic_timesteps(20_000, rng())
    assert (int(t.min()), int(t.max())) == (0, 999)
    assert float(t.float().mean()) == pytest.approx(499.5, abs=0.2)  # mirrored: the mean is nearly exact


def test_a_share_of_the_labels_becomes_the_null_label() -> None:
    y = torch.arange(10).repeat(2000)
    dropped = drop_labels(y, 10, 0.1, rng())
    gone = dropped == 10
    assert float(gone.float().mean()) == pytest.approx(0.1, abs=0.01)  # 0.002 is one standard deviation
    assert torch.equal(dropped[~gone], y[~gone])
    assert torch.equal(drop_labels(y, 10, 0.0, rng()), y)
    assert (drop_labels(y, 10, 1.0, rng()) == 10).all()


def test_noise_is_mixed_by_the_share_of_signal() -> None:
    x, noise = torch.full((2, 1, 1, 2), 2.0), torch.full((2, 1, 1, 2), 4.0)
    mixed = noised(x, noise, torch.tensor([0.36, 1.0]))
    assert mixed[0].flatten().tolist() == pytest.approx([0.6 * 2 + 0.8 * 4] * 2)
    assert mixed[1].flatten().tolist() == [2.0, 2.0]


def test_the_error_is_summed_over_pixels_not_averaged() -> None:
    error = squared_error(torch.ones(2, 3, 2, 2), torch.stack([torch.zeros(3, 2, 2), torch.full((3, 2, 2), 3.0)]))
    assert error.tolist() == [12.0, 48.0]


def test_the_papers_guidance_in_our_convention() -> None:
    table = torch.tensor([5.0, 7.0, 1.0])  # e(0), e(1), e(null)

    def predict(x: torch.Tensor, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return table[y].view(-1, 1, 1, 1)

    x, t = torch.zeros(2, 1, 1, 1), torch.zeros(2)
    found = guided(predict, x, t, torch.tensor([0, 1]), 2, paper_guidance(2.0))
    assert found.flatten().tolist() == [3 * 5.0 - 2 * 1.0, 3 * 7.0 - 2 * 1.0]
