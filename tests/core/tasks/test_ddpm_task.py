"""What is the pixel task's own: the range of its pictures and their frozen flips."""

from __future__ import annotations

import numpy as np
import torch

from tests.core.tasks.by_hand import rng
from tests.core.tiny_ddpm_run import ddpm_task, grey_dataset


def test_pictures_lie_between_minus_one_and_one() -> None:
    batch = next(ddpm_task().batches("forget", 6, rng()))
    pixels = grey_dataset().train.images[batch.rows.numpy()].astype(np.float64)
    assert np.allclose(batch.x.numpy(), (pixels / 127.5 - 1).transpose(0, 3, 1, 2), atol=1e-6)
    assert set(batch.y.tolist()) == {3}


def test_flips_are_frozen_and_only_where_a_mirrored_picture_is_natural() -> None:
    dataset = grey_dataset(mirror=True)
    first, again, other = (ddpm_task(dataset=dataset, seed=seed).store.held for seed in (1, 1, 2))
    assert torch.equal(first, again)
    plain = torch.from_numpy(dataset.train.images).permute(0, 3, 1, 2)
    kept, mirrored = ((first == picture).flatten(1).all(1) for picture in (plain, plain.flip(3)))
    assert (kept | mirrored).all()
    assert 15 < int(kept.sum()) < 45
    assert not torch.equal(first, other)
    assert torch.equal(ddpm_task().store.held, torch.from_numpy(grey_dataset().train.images).permute(0, 3, 1, 2))
