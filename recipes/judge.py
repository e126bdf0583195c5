"""Trains the judge of generated pictures: ten classes and a way to say no.

    python -m recipes.judge                 # about 6 minutes on one core; assets/models/fashion-mnist-judge
    python -m recipes.judge --calibrate     # thresholds and statistics anew, for the network that lies there; half a minute

A picture is accepted as a class if the eleventh output ("none of these") does not win and its features lie no farther from
that class than those of nearly all real training pictures do.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from recipes.ddpm_folder import machine, sha256
from recipes.reject_pictures import KINDS, reject_pictures
from sfr_core.data.datasets import ASSETS, FASHION_CLASSES, FASHION_FULL, Pictures, read_idx_pair
from sfr_core.data.transforms import shift
from sfr_core.methods.retrain import one_cycle
from sfr_core.metrics.generation import real_features
from sfr_core.nets.judge import CARD, CLASSES, MEAN, NONE, STD, Judge, distances, features_of, normalised, pixels_of
from sfr_core.nets.resnet import SmallResNet

ID = "fashion-mnist-judge"
EPOCHS, BATCH, LR, WARMUP = 7, 128, 0.15, 0.2
SHIFT_SHARE = 0.7
REJECTS = 12_000
"""New ones in each epoch, beside 60,000 real pictures."""

KEPT = 0.98
"""Share of each class's training pictures inside its distance threshold."""

WANTED_ACCURACY, LARGEST_REJECTION = 92.0, 5.0


def calibrate(
    network: SmallResNet,
    pixels: Tensor,
    labels: Tensor,
    kept: float = KEPT,
    *,
    classes: int = CLASSES,
    scale: tuple[float, float] = (MEAN, STD),
) -> Judge:
    """Means, covariance and thresholds from real pictures: `kept` of each class lie within its threshold.

    All do in a class of which a single picture is more than the share that may lie outside: of eight tigers an interpolated quantile
    would always turn one away.
    """
    features = features_of(network, pixels, scale)
    means = torch.stack([features[labels == c].mean(0) for c in range(classes)])
    spread = (features - means[labels]).double()
    covariance = spread.T @ spread / len(spread)
    ridge = 1e-3 * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=torch.float64)
    values, vectors = torch.linalg.eigh(covariance + ridge)
    whitening = (vectors / values.sqrt()).float().contiguous()
    found = distances(features, means[labels], whitening)
    limits = torch.stack([_limit(found[labels == c], kept) for c in range(classes)])
    return Judge(network, means, whitening, limits, scale=scale)


def _limit(found: Tensor, kept: float) -> Tensor:
    """The largest accepted one of the distances of a class [n]."""
    return found.max() if len(found) * (1 - kept) < 1 else found.quantile(kept)


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


def finish(
    network: SmallResNet, real: Pictures, test: Pictures, target: Path, *, seed: int, made: dict[str, Any]
) -> dict[str, Any]:
    """Calibrates on real pictures, measures, and writes judge and card to `target` if the judge is good enough.

    Args:
        network: trained.
        real, test: training pictures for the thresholds, test pictures for the statistics and the measures.
        target: folder.
        seed: of the training.
        made: what the card says of the training ("wall_seconds", "cpu_seconds", "machine", ...).

    Raises:
        SystemExit: it is not good enough; nothing was written.
    """
    judge = calibrate(network, pixels_of(real.images), torch.from_numpy(real.labels))
    judge.real = real_features(judge(pixels_of(test.images)).features, test.labels)
    metrics = measure(judge, test, seed=seed)
    print(json.dumps(metrics, indent=1), flush=True)
    if metrics["accuracy"] < WANTED_ACCURACY or metrics["real_rejected"] > LARGEST_REJECTION:
        raise SystemExit("This judge is not good enough to ship; nothing was written.")
    target.mkdir(parents=True, exist_ok=True)
    path = target / "model.safetensors"
    judge.save(path)
    path.chmod(0o644)
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
        "seed": seed,
        "recipe": f"python -m recipes.judge --seed {seed}",
        **made,
        "metrics": metrics,
    }
    (target / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return card


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=FASHION_FULL, help="folder with the IDX files of Fashion-MNIST")
    parser.add_argument("--target", type=Path, default=ASSETS / "models" / ID)
    parser.add_argument("--calibrate", action="store_true", help="train nothing")
    args = parser.parse_args()
    torch.set_num_threads(1)
    real, test = read_idx_pair(args.data, "train"), read_idx_pair(args.data, "t10k")
    if args.calibrate:
        card = json.loads((args.target / CARD).read_text(encoding="utf-8"))
        made = {key: card[key] for key in ("machine", "threads", "precision", "wall_seconds", "cpu_seconds")}
        network, seed = Judge.open(args.target).network, card["seed"]
    else:
        wall, cpu, seed = time.perf_counter(), time.process_time(), args.seed
        network = train(real, seed=seed)
        made = {
            "machine": machine(),
            "threads": torch.get_num_threads(),
            "precision": "bf16 autocast",
            "wall_seconds": round(time.perf_counter() - wall, 1),
            "cpu_seconds": round(time.process_time() - cpu, 1),
        }
    finish(network, real, test, args.target, seed=seed, made=made)


if __name__ == "__main__":
    main()
