"""A tiny real diffusion task: a network of some 1,500 weights that predicts the noise in the tiny pictures, class by class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split, parse_forget, split_rows
from sfr_core.ops.diffusion import STEPS, alphas_cumprod
from sfr_core.tasks.base import Part
from tests.core.tiny import CLASSES, tiny_dataset

NULL = len(CLASSES)

SMALL_GENERATOR: dict[str, dict[str, Any]] = {
    "sfr-on": {
        "steps": 6, "forget_every": 2, "batch_size": 8, "fisher_batch_size": 8, "optimizer": "adam", "lr": 1e-3,
        "fisher_clip": 1.0, "weight_decay": 0.0,
    },
    "retrain": {"steps": 6, "batch_size": 8},
    "finetune": {"steps": 6, "batch_size": 8},
    "gradient-ascent": {"steps": 6, "batch_size": 8},
    "joint": {"steps": 6, "batch_size": 8},
    "salun": {"steps": 6, "batch_size": 8, "lr": 1e-3},
    "selective-amnesia": {"steps": 6, "batch_size": 8, "fisher_images": 2, "fisher_timesteps": 4},
}  # fmt: skip
"""Settings that let every method for generators end within a few steps."""


class TinyEps(nn.Module):
    """Noise prediction [n, 3, 8, 8] from a noised picture, its timestep and its class (NULL: none)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.classes = nn.Embedding(NULL + 1, 16)
        self.time = nn.Linear(2, 16)
        self.conv2 = nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        share = t.float()[:, None] / STEPS
        shift = self.classes(y) + self.time(torch.cat([share, share.square()], 1))
        out: Tensor = self.conv2(F.silu(self.conv1(x) + shift[:, :, None, None]))
        return out


class Rows(NamedTuple):
    """Pictures in about [-1, 1] and their classes."""

    x: Tensor
    y: Tensor


class TinyGeneratorTask:
    """Summed squared noise error, label dropout 0.1; every draw from the generator that the method hands in."""

    def __init__(self, model: nn.Module, dataset: Dataset, split: Split) -> None:
        self.model = model
        self.split = split
        pixels = torch.from_numpy(dataset.train.images).permute(0, 3, 1, 2).float() / 255
        self.x = (pixels - torch.tensor(dataset.mean)[:, None, None]) / 0.5
        self.y = torch.from_numpy(dataset.train.labels)
        self.abar = alphas_cumprod()

    def parameters(self) -> dict[str, nn.Parameter]:
        return dict(self.model.named_parameters())

    def count(self, part: Part) -> int:
        return len(self._rows(part))

    def forget_batches(self, size: int, rng: torch.Generator) -> Iterator[Rows]:
        return self._pass("forget", size, rng)

    def remain_batches(self, size: int, rng: torch.Generator) -> Iterator[Rows]:
        return self._pass("remain", size, rng)

    def losses(self, batch: Rows, rng: torch.Generator) -> Tensor:
        keep = torch.rand(len(batch.y), generator=rng) >= 0.1
        return self._errors(batch.x, torch.where(keep, batch.y, NULL), self._times(len(batch.y), rng), rng)

    def redirect_losses(self, batch: Rows, rng: torch.Generator) -> Tensor:
        t = self._times(len(batch.y), rng)
        x, _ = self._noised(batch.x, t, rng)
        target = self.model(x, t, (batch.y + 1) % NULL).detach()
        return (self.model(x, t, batch.y) - target).square().mean((1, 2, 3))

    def surrogate_losses(self, batch: Rows, rng: torch.Generator) -> Tensor:
        noise = 2 * torch.rand(batch.x.shape, generator=rng) - 1
        return self._errors(noise, batch.y, self._times(len(batch.y), rng), rng)

    def replay_losses(self, batch: Rows, rng: torch.Generator) -> Tensor:
        return self._errors(batch.x, batch.y, self._times(len(batch.y), rng), rng)

    def class_pictures(self, per_class: int, rng: torch.Generator) -> Iterator[Rows]:
        for label in range(NULL):
            for row in np.flatnonzero(self.y.numpy() == label)[:per_class]:
                yield Rows(self.x[row : row + 1], self.y[row : row + 1])

    def digest(self, batch: Rows) -> bytes:
        return batch.x.numpy().tobytes() + batch.y.numpy().tobytes()

    def stratified_losses(self, batch: Rows, strata: int, rng: torch.Generator) -> Tensor:
        width = STEPS // strata
        found = []
        for k in range(strata):
            t = k * width + torch.randint(width, (len(batch.y),), generator=rng)
            found.append(self._errors(batch.x, batch.y, t, rng))
        return torch.stack(found, 1)

    def new_model(self, rng: torch.Generator) -> nn.Module:
        return tiny_eps(int(torch.randint(2**31, (), generator=rng)))

    def _rows(self, part: Part) -> np.ndarray:
        return self.split.forget if part == "forget" else self.split.remain

    def _pass(self, part: Part, size: int, rng: torch.Generator) -> Iterator[Rows]:
        rows = torch.from_numpy(self._rows(part))
        for some in rows[torch.randperm(len(rows), generator=rng)].split(size):
            yield Rows(self.x[some], self.y[some])

    def _times(self, n: int, rng: torch.Generator) -> Tensor:
        return torch.randint(STEPS, (n,), generator=rng)

    def _noised(self, x: Tensor, t: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        noise = torch.randn(x.shape, generator=rng)
        abar = self.abar[t][:, None, None, None]
        return abar.sqrt() * x + (1 - abar).sqrt() * noise, noise

    def _errors(self, x: Tensor, y: Tensor, t: Tensor, rng: torch.Generator) -> Tensor:
        noised, noise = self._noised(x, t, rng)
        return (self.model(noised, t, y) - noise).square().sum((1, 2, 3))


def tiny_eps(seed: int = 0) -> TinyEps:
    """A TinyEps with weights that `seed` decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TinyEps()


def tiny_generator_task(
    forget: str = "class:three", *, seed: int = 0, dataset: Dataset | None = None, kind: type | None = None
) -> TinyGeneratorTask:
    """The task (or a subclass `kind`) on the tiny pictures; `seed` decides the starting weights."""
    dataset = dataset or tiny_dataset()
    split = split_rows(parse_forget(forget, CLASSES), dataset.train.labels)
    task: TinyGeneratorTask = (kind or TinyGeneratorTask)(tiny_eps(seed), dataset, split)
    return task
