"""Judges that never saw a picture, sessions that they judge, and second models that stand for retrained ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from sfr_core.data.datasets import Dataset
from sfr_core.metrics.generation import real_features
from sfr_core.nets.judge import Judge, features_of, pixels_of
from sfr_core.nets.pipelines import sha256_of
from sfr_core.nets.resnet import SmallResNet
from sfr_core.runs import session
from sfr_core.zoo.cards import RetrainedModel


def untrained_judge(dataset: Dataset, *, seed: int = 0, limit: float = 1e9, names: tuple[str, ...] = ()) -> Judge:
    """A judge of a data set's classes, with the statistics of its test pictures; it accepts what lies within `limit`."""
    classes, channels = len(dataset.class_names), dataset.test.images.shape[3]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SmallResNet(channels=channels, classes=classes + 1, widths=(4, 4, 8), blocks=1)
    real = real_features(features_of(network, pixels_of(dataset.test.images)).numpy(), dataset.test.labels)
    means = torch.from_numpy(real.means).float()
    return Judge(network, means, torch.eye(means.shape[1]), torch.full((classes,), limit), real, names=names)


@contextmanager
def judged_by(judge: Judge) -> Iterator[None]:
    """Sessions that are opened meanwhile have this judge."""
    there = session.open_judge
    session.open_judge = lambda _: judge  # type: ignore[assignment]
    try:
        yield
    finally:
        session.open_judge = there


def retrained_of(
    folder: Path, weights: Mapping[str, Tensor], spec: str = "class:three", **values: Any
) -> RetrainedModel:
    """Weights in the folder of a card, called retrained without the forget set."""
    path = folder / "retrained" / "class-three.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: t.half().contiguous() for name, t in weights.items()}, path)
    return RetrainedModel(
        spec=spec, second=False, file="retrained/class-three.safetensors", bytes=path.stat().st_size, sha256=sha256_of(path),
        seed=1, wall_seconds=None, cpu_seconds=1.0, metrics={}, **values,
    )  # fmt: skip
