"""Augmentation on pictures small enough to write down."""

from __future__ import annotations

import torch

from sfr_core.data.transforms import mirror, shift


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_each_picture_is_mirrored_or_left() -> None:
    x = torch.arange(64 * 6, dtype=torch.float32).view(64, 1, 2, 3)
    out = mirror(x, rng())
    flipped = [bool(torch.equal(o, i.flip(2))) for o, i in zip(out, x, strict=True)]
    left = [bool(torch.equal(o, i)) for o, i in zip(out, x, strict=True)]
    assert all(a != b for a, b in zip(flipped, left, strict=True))
    assert 20 < sum(flipped) < 44
    assert torch.equal(out, mirror(x, rng()))
    assert not torch.equal(out, mirror(x, rng(1)))


def test_a_shifted_picture_is_the_picture_elsewhere_with_background_moved_in() -> None:
    # Whole numbers, so that taking the background away and adding it again is exact.
    x = torch.arange(1, 10, dtype=torch.float32).view(1, 1, 3, 3).expand(200, 1, 3, 3).clone()
    out = shift(x, 1, torch.full((1, 1, 1, 1), -7.0), rng())
    padded = torch.full((5, 5), -7.0)
    padded[1:4, 1:4] = x[0, 0]
    windows = {tuple(padded[r : r + 3, c : c + 3].flatten().tolist()) for r in range(3) for c in range(3)}
    found = {tuple(o.flatten().tolist()) for o in out}
    assert found == windows  # 200 draws of nine places find them all, and nothing else


def test_shift_keeps_the_channels_together_and_takes_the_background_of_each() -> None:
    x = torch.stack([torch.ones(50, 4, 4), 2 * torch.ones(50, 4, 4)], dim=1)
    out = shift(x, 2, torch.tensor([10.0, 20.0]).view(1, 2, 1, 1), rng())
    assert torch.equal(out[:, 0] == 10, out[:, 1] == 20)
    assert set(out[:, 0].unique().tolist()) == {1.0, 10.0}
    assert out.shape == x.shape
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_reach_zero_moves_nothing() -> None:
    x = torch.arange(18, dtype=torch.float32).view(2, 1, 3, 3)
    assert torch.equal(shift(x, 0, torch.zeros(1, 1, 1, 1), rng()), x)


def test_the_global_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    x = torch.ones(4, 1, 3, 3)
    mirror(x, rng())
    shift(x, 1, torch.zeros(1, 1, 1, 1), rng())
    assert torch.equal(before, torch.random.get_rng_state())
