"""How every judge is trained, calibrated, measured and written; what it looks at is its own module's matter."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from recipes.judge.rejects import KINDS, reject_pictures
from recipes.publish import percent
from sfr_core.data.datasets import Pictures
from sfr_core.errors import AssetError
from sfr_core.methods.retrain import one_cycle
from sfr_core.metrics.generation import real_features
from sfr_core.nets.judge import CARD, Judge, distances, features_of, pixels_of
from sfr_core.nets.pipelines import sha256_of
from sfr_core.nets.resnet import SmallResNet

WARMUP = 0.2
KEPT = 0.98
"""Share of each class's training pictures inside its distance threshold."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How a judge learns.

    Attributes:
        channels, widths: of the network.
        scale: mean and standard deviation of all pixels in 0 to 1.
        epochs, batch, lr, weight_decay: of the training.
        rejects: new ones in each epoch, of every kind in turn.
    """

    channels: int
    widths: tuple[int, ...]
    scale: tuple[float, float]
    epochs: int
    rejects: int
    batch: int = 128
    lr: float = 0.15
    weight_decay: float = 1e-3


def rejects_of(real: Pictures, groups: NDArray[np.int64], how: Fit, seed: int, epoch: int) -> Tensor:
    """The rejects of an epoch, of every kind in turn, [n, c, h, w] in 0 to 1."""
    return pixels_of(reject_pictures(real, how.rejects, np.random.default_rng([seed, epoch]), groups=groups))


def fit(
    network: nn.Module,
    how: Fit,
    shown: Callable[[int], Sequence[Tensor]],
    logits: Callable[[Tensor, int], Sequence[Tensor]],
    rng: torch.Generator,
    *,
    device: str = "cpu",
) -> None:
    """SGD with a one-cycle rate; the network learns in place.

    Args:
        shown: pictures [n, c, h, w] in 0 to 1 of an epoch, equally many in each, and their labels [n] for every head.
        logits: what every head says of such pictures in an epoch, in which they may be varied.
        rng: of the order of the pictures.
    """
    optimizer = torch.optim.SGD(
        network.parameters(), lr=how.lr, momentum=0.9, weight_decay=how.weight_decay, nesterov=True
    )
    step = 0
    for epoch in range(how.epochs):
        pixels, *labels = shown(epoch)
        total, hits = how.epochs * -(-len(pixels) // how.batch), 0
        for rows in torch.split(torch.randperm(len(pixels), generator=rng), how.batch):
            wanted = [some[rows].to(device) for some in labels]
            found = [some.float() for some in logits(pixels[rows].to(device), epoch)]
            optimizer.param_groups[0]["lr"] = how.lr * one_cycle(step, total, WARMUP)
            optimizer.zero_grad(set_to_none=True)
            losses = [F.cross_entropy(said, right) for said, right in zip(found, wanted, strict=True)]
            torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            hits += int((found[0].argmax(1) == wanted[0]).sum())
            step += 1
        print(f"epoch {epoch + 1}/{how.epochs}: {100 * hits / len(pixels):.2f} % of the pictures", flush=True)


def calibrate(network: SmallResNet, how: Fit, real: Pictures, seen: Pictures, kept: float = KEPT) -> Judge:
    """Means, covariance and thresholds from real pictures: `kept` of each class lie within its threshold.

    All do in a class of which a single picture is more than the share that may lie outside: of eight tigers an interpolated quantile
    would always turn one away. The statistics for Frechet distances are those of the pictures `seen`.
    """
    labels, classes = torch.from_numpy(real.labels), network.head.out_features - 1
    features = features_of(network, pixels_of(real.images), how.scale)
    means = torch.stack([features[labels == c].mean(0) for c in range(classes)])
    spread = (features - means[labels]).double()
    covariance = spread.T @ spread / len(spread)
    ridge = 1e-3 * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=torch.float64)
    values, vectors = torch.linalg.eigh(covariance + ridge)
    whitening = (vectors / values.sqrt()).float().contiguous()
    found = distances(features, means[labels], whitening)
    limits = torch.stack([_limit(found[labels == c], kept) for c in range(classes)])
    judge = Judge(network, means, whitening, limits, scale=how.scale)
    judge.real = real_features(judge(pixels_of(seen.images)).features, seen.labels)
    return judge


def _limit(found: Tensor, kept: float) -> Tensor:
    """The largest accepted one of the distances of a class [n]."""
    return found.max() if len(found) * (1 - kept) < 1 else found.quantile(kept)


def measure(
    judge: Judge, images: NDArray[np.uint8], labels: NDArray[np.int64], real: Pictures, groups: NDArray[np.int64], *,
    seed: int, n: int,
) -> dict[str, Any]:  # fmt: skip
    """Percentages on pictures, and on `n` rejects of each kind.

    Args:
        judge: who looks.
        images, labels: pictures and their classes; the number of classes stands for none of them.
        real, groups: from which the rejects are made.
        seed: of the rejects.
        n: rejects of each kind.
    """
    found, known = judge(pixels_of(images)), labels < len(judge.means)
    rng = np.random.default_rng([seed, 1_000_000])
    spoilt = {kind: judge(pixels_of(reject_pictures(real, n, rng, kind, groups))) for kind in KINDS}
    return {
        "accuracy": percent(found.plain[known] == labels[known]),
        "accepted_and_right": percent(found.labels[known] == labels[known]),
        "real_rejected": percent(found.rejected[known]),
        **({} if known.all() else {"others_rejected": percent(found.rejected[~known])}),
        "rejects_rejected": {kind: percent(verdict.rejected) for kind, verdict in spoilt.items()},
    }


def write(judge: Judge, target: Path, card: dict[str, Any]) -> dict[str, Any]:
    """Saves the judge in `target` with its card, to which `card` adds; returns the whole card."""
    target.mkdir(parents=True, exist_ok=True)
    path = target / "model.safetensors"
    judge.save(path)
    path.chmod(0o644)
    said = {
        "id": target.name,
        "kind": "judge",
        "licence": "MIT",
        "file": path.name,
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
        "parameters": sum(p.numel() for p in judge.network.parameters()),
        **({"classes": list(judge.names)} if judge.names else {}),
        **card,
    }
    (target / CARD).write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return said


def kept_of(target: Path, fields: Sequence[str]) -> dict[str, Any]:
    """These fields of the card in `target`, which say how the judge was trained; AssetError where one is not there."""
    card = json.loads((target / CARD).read_text(encoding="utf-8"))
    if missing := sorted(set(fields) - set(card)):
        raise AssetError(f"{target / CARD} does not name {', '.join(missing)}.", hint="Train the judge anew.")
    return {field: card[field] for field in fields}
