"""Trains the judge of generated pictures: ten classes and a way to say no.

    python -m recipes.judge                 # about 6 minutes on one core; assets/models/fashion-mnist-judge

A picture is accepted as a class if the eleventh output ("none of these") does not win and its features lie no farther from
that class than those of nearly all real training pictures do.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from recipes.ddpm_folder import CARD, CLASSES, machine, sha256
from recipes.reject_pictures import KINDS, reject_pictures
from sfr_core.data.datasets import ASSETS, FASHION_CLASSES, FASHION_FULL, Pictures, read_idx_pair
from sfr_core.data.transforms import shift
from sfr_core.methods.retrain import one_cycle
from sfr_core.nets.resnet import SmallResNet

ID = "fashion-mnist-judge"
NONE = CLASSES
"""The label of rejected pictures."""

MEAN, STD = 0.2860, 0.3530
EPOCHS, BATCH, LR, WARMUP = 7, 128, 0.15, 0.2
SHIFT_SHARE = 0.7
REJECTS = 12_000
"""New ones in each epoch, beside 60,000 real pictures."""

KEPT = 0.98
"""Share of each class's training pictures inside its distance threshold."""

WANTED_ACCURACY, LARGEST_REJECTION = 92.0, 5.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """labels: accepted class or NONE, int64 [n]; plain: best of the ten classes whatever the doubt; features: [n, d]."""

    labels: NDArray[np.int64]
    plain: NDArray[np.int64]
    features: NDArray[np.float32]


class Judge:
    """A classifier with eleven outputs, and per class a mean, a common whitening and a distance threshold.

    Args:
        network: SmallResNet with 11 outputs.
        means: of the features of each class [10, d].
        whitening: W [d, d], so that |(f - mean) W| is the Mahalanobis distance under the common covariance.
        limits: largest accepted distance of each class [10].
    """

    def __init__(self, network: SmallResNet, means: Tensor, whitening: Tensor, limits: Tensor) -> None:
        self.network = network.eval()
        self.means, self.whitening, self.limits = means, whitening, limits

    def __call__(self, pixels: Tensor) -> Verdict:
        """Judges pictures [n, 1, 28, 28] in 0 to 1."""
        features = features_of(self.network, pixels)
        logits = self.network.head(features).detach()
        plain = logits[:, :CLASSES].argmax(1)
        far = distances(features, self.means[plain], self.whitening) > self.limits[plain]
        labels = torch.where((logits.argmax(1) == NONE) | far, NONE, plain)
        return Verdict(labels.numpy(), plain.numpy(), features.numpy())

    def save(self, path: Path) -> None:
        tensors = {f"network.{name}": tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        save_file(tensors | {"means": self.means, "whitening": self.whitening, "limits": self.limits}, path)

    @classmethod
    def load(cls, path: Path) -> Judge:
        tensors = load_file(path)
        network = SmallResNet(classes=CLASSES + 1)
        network.load_state_dict({n.removeprefix("network."): t for n, t in tensors.items() if n.startswith("network.")})
        return cls(network, tensors["means"], tensors["whitening"], tensors["limits"])


def pixels_of(images: NDArray[np.uint8]) -> Tensor:
    """uint8 [n, 28, 28, 1] -> float32 [n, 1, 28, 28] in 0 to 1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(255).contiguous()


def normalised(pixels: Tensor) -> Tensor:
    return ((pixels - MEAN) / STD).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def features_of(network: SmallResNet, pixels: Tensor) -> Tensor:
    """Pooled features [n, d] in eval mode."""
    network.eval()
    return torch.cat([network.features(normalised(part)) for part in torch.split(pixels, 1000)])


def distances(features: Tensor, means: Tensor, whitening: Tensor) -> Tensor:
    """Mahalanobis distance of each row to its mean, [n]."""
    found: Tensor = ((features - means) @ whitening).norm(dim=1)
    return found


def calibrate(network: SmallResNet, pixels: Tensor, labels: Tensor, kept: float = KEPT) -> Judge:
    """Means, covariance and thresholds from real pictures: `kept` of each class lie within its threshold."""
    features = features_of(network, pixels)
    means = torch.stack([features[labels == c].mean(0) for c in range(CLASSES)])
    spread = (features - means[labels]).double()
    covariance = spread.T @ spread / len(spread)
    ridge = 1e-3 * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=torch.float64)
    values, vectors = torch.linalg.eigh(covariance + ridge)
    whitening = (vectors / values.sqrt()).float().contiguous()
    found = distances(features, means[labels], whitening)
    limits = torch.stack([found[labels == c].quantile(kept) for c in range(CLASSES)])
    return Judge(network, means, whitening, limits)


def train(real: Pictures, *, seed: int, epochs: int = EPOCHS, rejects: int = REJECTS) -> SmallResNet:
    """SGD with a one-cycle rate on real pictures (shifted by up to a pixel at first) and new rejects each epoch."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SmallResNet(classes=CLASSES + 1)
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=LR, momentum=0.9, weight_decay=1e-3, nesterov=True)
    pixels, labels = pixels_of(real.images), torch.from_numpy(real.labels)
    rng = torch.Generator().manual_seed(seed)
    total, step = epochs * -(-(len(real) + rejects) // BATCH), 0
    black = torch.full((1, 1, 1, 1), -MEAN / STD)
    for epoch in range(epochs):
        spoilt = pixels_of(reject_pictures(real, rejects, np.random.default_rng([seed, epoch])))
        x, y = torch.cat([pixels, spoilt]), torch.cat([labels, torch.full((rejects,), NONE)])
        hits, network = 0, network.train()
        for rows in torch.split(torch.randperm(len(y), generator=rng), BATCH):
            batch = normalised(x[rows])
            if epoch < SHIFT_SHARE * epochs:
                batch = shift(batch, 1, black, rng)
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(batch).float()
            optimizer.param_groups[0]["lr"] = LR * one_cycle(step, total, WARMUP)
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(logits, y[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            hits += int((logits.argmax(1) == y[rows]).sum())
            step += 1
        print(f"epoch {epoch + 1}/{epochs}: {100 * hits / len(y):.2f} % of the training pictures", flush=True)
    return network


def measure(judge: Judge, test: Pictures, *, seed: int, n: int = 1000) -> dict[str, Any]:
    """Percentages on the test pictures, and on `n` rejects of each kind made from them."""
    found = judge(pixels_of(test.images))
    classes = {
        name: round(100 * float((found.labels[test.labels == c] == NONE).mean()), 2)
        for c, name in enumerate(FASHION_CLASSES)
    }
    rng = np.random.default_rng([seed, 1_000_000])
    spoilt = {kind: judge(pixels_of(reject_pictures(test, n, rng, kind))) for kind in KINDS}
    return {
        "accuracy": round(100 * float((found.plain == test.labels).mean()), 2),
        "accepted_and_right": round(100 * float((found.labels == test.labels).mean()), 2),
        "real_rejected": round(100 * float((found.labels == NONE).mean()), 2),
        "real_rejected_by_class": classes,
        "rejects_rejected": {kind: round(100 * float((v.labels == NONE).mean()), 2) for kind, v in spoilt.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", type=Path, default=ASSETS / "models" / ID)
    args = parser.parse_args()
    torch.set_num_threads(1)
    real, test = read_idx_pair(FASHION_FULL, "train"), read_idx_pair(FASHION_FULL, "t10k")
    wall, cpu = time.perf_counter(), time.process_time()
    network = train(real, seed=args.seed)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    judge = calibrate(network, pixels_of(real.images), torch.from_numpy(real.labels))
    metrics = measure(judge, test, seed=args.seed)
    print(json.dumps(metrics, indent=1), flush=True)
    if metrics["accuracy"] < WANTED_ACCURACY or metrics["real_rejected"] > LARGEST_REJECTION:
        raise SystemExit("This judge is not good enough to ship; nothing was written.")
    args.target.mkdir(parents=True, exist_ok=True)
    path = args.target / "model.safetensors"
    judge.save(path)
    card = {
        "id": ID,
        "title": "Judge of generated Fashion-MNIST pictures",
        "kind": "judge",
        "dataset": "fashion-mnist (all 60,000 training pictures, Debian's dataset-fashion-mnist)",
        "data_licence": "MIT (Zalando SE, 2017)",
        "licence": "MIT",
        "file": path.name,
        "bytes": path.stat().st_size,
        "sha256": sha256(path),
        "parameters": sum(p.numel() for p in network.parameters()),
        "seed": args.seed,
        "recipe": f"python -m recipes.judge --seed {args.seed}",
        "machine": machine(),
        "threads": torch.get_num_threads(),
        "precision": "bf16 autocast",
        "wall_seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "metrics": metrics,
    }
    (args.target / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
