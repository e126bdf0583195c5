"""The real pixel task on a network of some 1,500 weights, for tests of methods."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sfr_core.data.datasets import Dataset
from sfr_core.ops.diffusion import STEPS
from sfr_core.tasks.diffusion import DiffusionTask
from tests.core.tiny import CLASSES, REDIRECTED, tiny_dataset
from tests.core.tiny_ddpm_run import ddpm_task

NULL = len(CLASSES)

SMALL_GENERATOR: dict[str, dict[str, Any]] = {
    "sfr-on": {
        "steps": 6, "forget_every": 2, "batch_size": 8, "fisher_batch_size": 8, "optimizer": "adam", "lr": 1e-3,
        "fisher_clip": 1.0, "weight_decay": 0.0,
    },
    "salun": {"lr": 1e-3},
    "selective-amnesia": {"steps": 6, "batch_size": 8, "fisher_images": 2, "fisher_timesteps": 4},
}  # fmt: skip
"""What methods for generators need beside few steps on small batches."""
SMALL_GENERATOR["sfr-on-redirected"] = {**SMALL_GENERATOR["sfr-on"], **REDIRECTED}


class TinyEps(nn.Module):
    """Noise prediction [n, 3, 8, 8] from a noised picture, its timestep and its class (NULL: none)."""

    config = None

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.classes = nn.Embedding(NULL + 1, 16)
        self.time = nn.Linear(2, 16)
        self.conv2 = nn.Conv2d(16, 3, 3, padding=1)

    @classmethod
    def from_config(cls, config: None) -> TinyEps:
        return cls()

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> SimpleNamespace:
        share = t.float()[:, None] / STEPS
        shift = self.classes(y) + self.time(torch.cat([share, share.square()], 1))
        return SimpleNamespace(sample=self.conv2(F.silu(self.conv1(x) + shift[:, :, None, None])))


def tiny_eps(seed: int = 0) -> TinyEps:
    """A TinyEps with weights that `seed` decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TinyEps()


def tiny_generator_task(forget: str = "class:three", *, seed: int = 0, dataset: Dataset | None = None) -> DiffusionTask:
    """The task on the tiny pictures, not numbers where their mean is none; `seed` decides the starting weights."""
    given = dataset or tiny_dataset()
    task = ddpm_task(forget, network=tiny_eps(seed), dataset=given)
    task.store.held = task.store.held + 0 * given.mean[0]
    return task
