"""Trains the judge of generated pictures: the classes of its data and a way to say no.

    python -m recipes.judge                 # about 6 minutes on one core; assets/models/fashion-mnist-judge
    python -m recipes.judge --data cifar10 --folder DIR   # half an hour; --device cuda: a minute; assets/models/cifar10-judge
    python -m recipes.judge --calibrate     # thresholds and statistics anew, for the network that lies there; half a minute

A picture is accepted as a class if the last output ("none of these") does not win and its features lie no farther from
that class than those of nearly all real training pictures do.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from recipes.complaints import one_sentence
from recipes.ddpm_folder import machine, sha256
from recipes.judge_sets import FASHION_JUDGE, JUDGES, JudgeRecipe
from recipes.reject_pictures import KINDS, reject_pictures
from sfr_core.data.datasets import ASSETS, Pictures
from sfr_core.data.transforms import mirror, shift
from sfr_core.errors import AssetError
from sfr_core.methods.retrain import one_cycle
from sfr_core.metrics.generation import real_features
from sfr_core.nets.judge import CARD, CLASSES, MEAN, STD, Judge, distances, features_of, normalised, pixels_of
from sfr_core.nets.resnet import SmallResNet
from sfr_core.ops.device import pick_device

WARMUP = 0.2
VARIED_SHARE = 0.7
"""Share of the epochs in which pictures are moved and flipped."""

KEPT = 0.98
"""Share of each class's training pictures inside its distance threshold."""

LARGEST_REJECTION = 5.0
TRAINED = ("recipe", "machine", "threads", "precision", "wall_seconds", "cpu_seconds")
"""What a card says of the training; `finish` adds what it measures."""


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


def train(
    real: Pictures, recipe: JudgeRecipe = FASHION_JUDGE, *, seed: int, epochs: int | None = None, rejects: int | None = None,
    device: str = "cpu",
) -> SmallResNet:  # fmt: skip
    """SGD with a one-cycle rate on real pictures (varied at first) and new rejects each epoch; on the CPU in the end."""
    epochs = recipe.epochs if epochs is None else epochs
    rejects = recipe.rejects if rejects is None else rejects
    none, groups = len(recipe.data.class_names), np.array(recipe.groups)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SmallResNet(recipe.channels, none + 1, recipe.widths)
    network.to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=recipe.lr, momentum=0.9, weight_decay=1e-3, nesterov=True)
    pixels, labels = pixels_of(real.images), torch.from_numpy(real.labels)
    rng = torch.Generator().manual_seed(seed)
    total, step = epochs * -(-(len(real) + rejects) // recipe.batch), 0
    mean, std = recipe.scale
    background = torch.full((1, recipe.channels, 1, 1), (recipe.background - mean) / std, device=device)
    for epoch in range(epochs):
        spoilt = pixels_of(reject_pictures(real, rejects, np.random.default_rng([seed, epoch]), groups=groups))
        x, y = torch.cat([pixels, spoilt]), torch.cat([labels, torch.full((rejects,), none)])
        hits, network = 0, network.train()
        for rows in torch.split(torch.randperm(len(y), generator=rng), recipe.batch):
            batch, wanted = normalised(x[rows].to(device), recipe.scale), y[rows].to(device)
            if epoch < VARIED_SHARE * epochs:
                batch = shift(batch, recipe.reach, background, rng)
                if recipe.mirror:
                    batch = mirror(batch, rng)
            with torch.autocast(torch.device(device).type, torch.bfloat16):
                logits = network(batch).float()
            optimizer.param_groups[0]["lr"] = recipe.lr * one_cycle(step, total, WARMUP)
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(logits, wanted).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            hits += int((logits.argmax(1) == wanted).sum())
            step += 1
        print(f"epoch {epoch + 1}/{epochs}: {100 * hits / len(y):.2f} % of the training pictures", flush=True)
    return network.cpu()


def measure(judge: Judge, test: Pictures, recipe: JudgeRecipe, *, seed: int, n: int = 1000) -> dict[str, Any]:
    """Percentages on the test pictures, and on `n` rejects of each kind made from them."""
    found = judge(pixels_of(test.images))
    classes = {
        name: round(100 * float(found.rejected[test.labels == c].mean()), 2)
        for c, name in enumerate(recipe.data.class_names)
    }
    rng, groups = np.random.default_rng([seed, 1_000_000]), np.array(recipe.groups)
    spoilt = {kind: judge(pixels_of(reject_pictures(test, n, rng, kind, groups))) for kind in KINDS}
    return {
        "accuracy": round(100 * float((found.plain == test.labels).mean()), 2),
        "accepted_and_right": round(100 * float((found.labels == test.labels).mean()), 2),
        "real_rejected": round(100 * float(found.rejected.mean()), 2),
        "real_rejected_by_class": classes,
        "rejects_rejected": {kind: round(100 * float(v.rejected.mean()), 2) for kind, v in spoilt.items()},
    }


def finish(
    network: SmallResNet, recipe: JudgeRecipe, real: Pictures, test: Pictures, target: Path, *, seed: int, made: dict[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """Calibrates on real pictures, measures, and writes judge and card to `target` if the judge is good enough.

    Args:
        network: trained.
        recipe: what it was trained by.
        real, test: training pictures for the thresholds, test pictures for the statistics and the measures.
        target: folder.
        seed: of the training.
        made: what the card says of the training ("recipe", "wall_seconds", "cpu_seconds", "machine", ...).

    Raises:
        SystemExit: it is not good enough; nothing was written.
    """
    judge = calibrate(
        network, pixels_of(real.images), torch.from_numpy(real.labels),
        classes=len(recipe.data.class_names), scale=recipe.scale,
    )  # fmt: skip
    judge.real = real_features(judge(pixels_of(test.images)).features, test.labels)
    metrics = measure(judge, test, recipe, seed=seed)
    print(json.dumps(metrics, indent=1), flush=True)
    if metrics["accuracy"] < recipe.wanted or metrics["real_rejected"] > LARGEST_REJECTION:
        raise SystemExit("This judge is not good enough to ship; nothing was written.")
    target.mkdir(parents=True, exist_ok=True)
    path = target / "model.safetensors"
    judge.save(path)
    path.chmod(0o644)
    card = {
        "id": recipe.id,
        "title": recipe.title,
        "kind": "judge",
        "dataset": f"{recipe.data.id} ({recipe.data.extent})",
        "data_licence": recipe.data.licence,
        "licence": "MIT",
        "file": path.name,
        "bytes": path.stat().st_size,
        "sha256": sha256(path),
        "parameters": sum(p.numel() for p in network.parameters()),
        "seed": seed,
        **made,
        "metrics": metrics,
    }
    (target / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return card


def command_of(data: str, seed: int, folder: Path | None) -> str:
    """What trains this judge again; a folder stands in it without its place, which is another one elsewhere."""
    named = "" if JUDGES[data] is FASHION_JUDGE else f" --data {data}"
    return f"python -m recipes.judge{named} --seed {seed}{'' if folder is None else ' --folder DIR'}"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", choices=sorted(JUDGES), default="fashion-mnist")
    parser.add_argument("--folder", type=Path, help="where the pictures are, if not in the usual place")
    parser.add_argument("--target", type=Path, help="default: the judge's folder in assets/models")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--calibrate", action="store_true", help="train nothing")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    recipe = JUDGES[args.data]
    target = args.target or ASSETS / "models" / recipe.id
    with one_sentence():
        pick_device(args.device)  # no GPU is said before the pictures are read
        real, test = recipe.data.read(args.folder, "train"), recipe.data.read(args.folder, "test")
        if args.calibrate:
            judge = Judge.open(target)
            card = json.loads((target / CARD).read_text(encoding="utf-8"))
            if missing := set(TRAINED) - set(card):
                raise AssetError(
                    f"{target / CARD} does not name {', '.join(sorted(missing))}.", hint="Train the judge anew."
                )
            made = {key: card[key] for key in TRAINED}
            network, seed = judge.network, card["seed"]
        else:
            wall, cpu, seed = time.perf_counter(), time.process_time(), args.seed
            network = train(real, recipe, seed=seed, device=args.device)
            made = {
                "recipe": command_of(args.data, seed, args.folder),
                "machine": machine(args.device),
                "threads": torch.get_num_threads(),
                "precision": "bf16 autocast",
                "wall_seconds": round(time.perf_counter() - wall, 1),
                "cpu_seconds": round(time.process_time() - cpu, 1),
            }
        finish(network, recipe, real, test, target, seed=seed, made=made)


if __name__ == "__main__":
    main()
