"""A U-Net of a few thousand weights in place of the shipped one, and pictures to train it on."""

import pytest
import torch
from torch import Tensor

from recipes import ddpm_folder

torch.set_num_threads(1)

TINY = {
    "block_out_channels": (8, 8, 16),
    "norm_num_groups": 4,
    "attn_norm_num_groups": 4,
    "attention_head_dim": 8,
}


@pytest.fixture
def tiny_unet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shrinks the architecture for one test."""
    monkeypatch.setattr(ddpm_folder, "ARCHITECTURE", ddpm_folder.ARCHITECTURE | TINY)


def some_pictures(n: int = 20, seed: int = 3) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand((n, 1, 28, 28), generator=rng) * 2 - 1, torch.arange(n) % 10
