"""Tiny real components for tests: a network of 1,546 weights, 60 pictures of ten classes, and a task of two weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sfr_core.cancel import CancelToken
from sfr_core.catalog import BY_KIND
from sfr_core.configs import MethodConfig
from sfr_core.data.datasets import Dataset, Pictures
from sfr_core.data.splits import parse_forget, split_rows
from sfr_core.events import Event
from sfr_core.tasks.base import Part, Task
from sfr_core.tasks.classifier import ClassifierTask

torch.set_num_threads(1)

CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
BATCH = 8
FORGET, REMAIN = 15, 45
"""Rows of either set under the default split: 2 and 6 batches of 8, 8 batches together."""

SMALL: dict[str, dict[str, Any]] = {
    "sfr-on": {"steps": 6, "forget_every": 2, "alpha": 1.0, "batch_size": BATCH, "fisher_batch_size": BATCH},
    "retrain": {"epochs": 2, "batch_size": BATCH, "lr": 0.05},
    "finetune": {"epochs": 2, "batch_size": BATCH},
    "gradient-ascent": {"epochs": 3, "batch_size": BATCH, "lr": 0.01},
    "random-label": {"epochs": 2, "batch_size": BATCH},
    "salun": {"epochs": 2, "batch_size": BATCH},
    "bad-teacher": {"epochs": 2, "batch_size": BATCH},
    "scrub": {"epochs": 3, "batch_size": BATCH, "lr": 0.001},
    "mupht": {"layers": "all", "directions": 2, "batch_size": BATCH},
    "ssd": {"alpha": 1.0, "fisher_batch_size": BATCH},
}
"""Settings that let a method end within a few steps, where FEW is not enough."""
FEW: dict[str, Any] = {"steps": 6, "epochs": 2, "batch_size": BATCH}
"""Those of these fields that a method has, where SMALL says nothing else."""
REDIRECTED: dict[str, Any] = {
    "forget_loss": "relative", "remain_loss": "recall", "recall_weights": "noise", "adaptive": False,
}  # fmt: skip
"""What makes SFR-on's small settings those of SFR-on redirected."""


class TinyNet(nn.Module):
    """Two convolutions with BatchNorm, mean over the picture, linear head: [n, 3, 8, 8] -> [n, 10]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.fc = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.bn1(self.conv1(x)))
        hidden = F.relu(self.bn2(self.conv2(hidden)))
        logits: Tensor = self.fc(hidden.mean((2, 3)))
        return logits


def tiny_net(seed: int = 0) -> TinyNet:
    """A TinyNet with weights that `seed` decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TinyNet()


def tiny_dataset(seed: int = 0, *, channels: int = 3, mirror: bool = True) -> Dataset:
    """60 training and 40 test pictures 8x8; a class is a pattern of colours (or greys, of 1 channel) with noise on it."""
    rng = np.random.default_rng(seed)
    patterns = rng.integers(40, 215, (10, 8, 8, channels))

    def pictures(per_class: int) -> Pictures:
        labels = np.tile(np.arange(10), per_class)
        noisy = patterns[labels] + rng.normal(0, 25, (10 * per_class, 8, 8, channels))
        return Pictures(noisy.clip(0, 255).astype(np.uint8), labels.astype(np.int64))

    mean, std = (0.5,) * channels, (0.25,) * channels
    return Dataset(f"tiny-{channels}", CLASSES, pictures(6), pictures(4), mean, std, mirror=mirror)


def relabelled(dataset: Dataset, rows: np.ndarray) -> Dataset:
    """The same pictures with another label on these training rows."""
    labels = dataset.train.labels.copy()
    labels[rows] = (labels[rows] + 1) % 10
    return replace(dataset, train=Pictures(dataset.train.images, labels))


def tiny_task(
    forget: str = "random:0.25@0", *, seed: int = 0, dataset: Dataset | None = None, kind: type | None = None
) -> ClassifierTask:
    """The real ClassifierTask (or a subclass `kind`) on the tiny pictures; `seed` decides the starting weights."""
    dataset = dataset or tiny_dataset()
    split = split_rows(parse_forget(forget, CLASSES), dataset.train.labels)
    task: ClassifierTask = (kind or ClassifierTask)(
        tiny_net(seed), TinyNet, dataset, split, device=torch.device("cpu"), precision="fp32", seed=7
    )
    return task


def state(module: nn.Module) -> dict[str, Tensor]:
    """A copy of all parameters and buffers."""
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """True if both hold the same names with the same bits."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def few(config_cls: type[MethodConfig]) -> dict[str, Any]:
    """The fields of FEW that a config has."""
    return {field.name: FEW[field.name] for field in config_cls.settings() if field.name in FEW}


def play(method: str, task: Any, *, seed: int = 0, cancel: CancelToken | None = None, **settings: Any) -> list[Event]:
    """Runs a method of BY_KIND["classifier"] to its end with SMALL settings, changed by `settings`; returns all events."""
    spec = BY_KIND["classifier"][method]
    config = spec.config_cls.from_dict({**few(spec.config_cls), **SMALL.get(method, {}), **settings})
    rng = torch.Generator().manual_seed(seed)
    return list(spec.run(task, config, rng=rng, cancel=cancel or CancelToken()))


class TwoWeights(nn.Module):
    """Nothing but w = (w0, w1)."""

    def __init__(self, w0: float, w1: float) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([w0, w1]))


class LinearTask(Task):
    """A task whose losses are linear in two weights, so that every gradient is a row that the test wrote down.

    Args:
        forget: one list of gradient rows per forget batch; `redirect` likewise, towards the wrong answer.
        remain: one list of rows per remain batch.
    """

    def __init__(
        self,
        w: tuple[float, float],
        *,
        forget: list[list[list[float]]],
        remain: list[list[list[float]]] | None = None,
        redirect: list[list[list[float]]] | None = None,
    ) -> None:
        self.model = TwoWeights(*w)
        self._forget = forget
        self._redirect = redirect or forget
        self._remain = remain or [[[0.0, 0.0]]]
        self.asked: list[str] = []

    def parameters(self) -> dict[str, nn.Parameter]:
        return dict(self.model.named_parameters())

    def count(self, part: Part) -> int:
        return sum(len(rows) for rows in (self._forget if part == "forget" else self._remain))

    def batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[tuple[str, int]]:
        return ((part, i) for i in range(len(self._forget if part == "forget" else self._remain)))

    def losses(self, batch: tuple[str, int], rng: torch.Generator) -> Tensor:
        self.asked.append(batch[0])
        return self._linear((self._forget if batch[0] == "forget" else self._remain)[batch[1]])

    def redirect_losses(self, batch: tuple[str, int], rng: torch.Generator) -> Tensor:
        self.asked.append("redirect")
        return self._linear(self._redirect[batch[1]])

    def _linear(self, rows: list[list[float]]) -> Tensor:
        return torch.tensor(rows) @ self.model.w
