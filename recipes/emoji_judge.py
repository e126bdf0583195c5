"""Trains the judges of drawn emoji: which category, and which concept in which style; both can say "none of these".

    python -m recipes.emoji_judge                # twenty minutes on one core; assets/models/emoji-judge and emoji-concepts-judge
    python -m recipes.emoji_judge --calibrate    # thresholds and statistics anew, for the network that lies there; two minutes

One network with two heads, saved as two judges: the classes of the first are the categories of `emoji-dit`, those of the second
are concepts in a style ("cat, google style"), so that an object, a category and a style are all sets of its classes. Every tenth
emoji of a concept, and at least one, is held out, in both styles; what a card says of held-out pictures is measured on a network
that never saw them, and the shipped network is then trained on all, for it has to know what the generators saw.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from recipes.complaints import one_sentence
from recipes.ddpm_folder import machine, sha256
from recipes.emoji import STYLES, EmojiSet, load
from recipes.emoji_sets import CATEGORIES, fine_groups, sort
from recipes.judge import calibrate
from recipes.reject_pictures import KINDS, reject_pictures
from sfr_core.data.datasets import ASSETS, Pictures
from sfr_core.methods.retrain import one_cycle
from sfr_core.metrics.generation import real_features
from sfr_core.nets.judge import CARD, Judge, normalised, pixels_of
from sfr_core.nets.resnet import SmallResNet

SCALE = (0.75, 0.32)
"""Mean and standard deviation of all pixels, rounded."""
WIDTHS = (16, 32, 64, 128)
BATCH, LR, WARMUP, WEIGHT_DECAY = 64, 0.1, 0.2, 5e-4
EPOCHS = 36
REJECTS = 600
"""New ones in each epoch, of every kind in turn."""
HELD_OUT, SMALL = 10, 4
"""Every tenth emoji of a group, and one of a group of SMALL to nine: else nothing is known of tigers and dogs."""
KEPT = 0.98
HEADS = ("emoji-judge", "emoji-concepts-judge")
TRAINED = ("title", "seed", "recipe", "machine", "threads", "precision", "cpu_seconds", "metrics", "held_out")
"""What a card says of the training; `write` adds what it sees itself."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """All pictures, uint8 [n, 64, 64, 3], with their class under each head; the last class of a head is "none"."""

    images: NDArray[np.uint8]
    labels: tuple[NDArray[np.int64], NDArray[np.int64]]
    names: tuple[tuple[str, ...], tuple[str, ...]]
    held_out: NDArray[np.bool_]

    def rows(self, rows: NDArray[np.bool_]) -> Labelled:
        first, second = self.labels
        return Labelled(self.images[rows], (first[rows], second[rows]), self.names, self.held_out[rows])


def labelled(found: EmojiSet) -> Labelled:
    """Both styles of every emoji; emoji outside the categories (clothing, tools, letters) are examples of "none"."""
    categories = np.array(sort(found.emoji, CATEGORIES))
    groups = fine_groups()
    fine = np.array(sort(found.emoji, groups))
    n, k = len(found.emoji), len(groups)
    names = tuple(f"{name}, {style} style" for style in STYLES for name in groups)
    coarse = np.where(categories < 0, len(CATEGORIES), categories)
    styled = [np.where(fine < 0, len(names), fine + k * number) for number in range(len(STYLES))]
    held_out = np.zeros(n, bool)
    for group in np.unique(fine):
        mine = np.flatnonzero(fine == group)
        order = np.random.default_rng([0, int(group) + 1]).permutation(len(mine))
        held_out[mine] = (order % HELD_OUT == min(HELD_OUT, len(mine)) - 1) & (len(mine) >= SMALL)
    return Labelled(
        np.concatenate([found.pictures[style] for style in STYLES]),
        (np.concatenate([coarse] * len(STYLES)), np.concatenate(styled)),
        (tuple(CATEGORIES), names),
        np.concatenate([held_out] * len(STYLES)),
    )


class TwoHeads(nn.Module):
    """A SmallResNet whose features feed a second linear head as well."""

    def __init__(self, classes: tuple[int, int]) -> None:
        super().__init__()
        self.first = SmallResNet(3, classes[0] + 1, WIDTHS)
        self.second = nn.Linear(WIDTHS[-1], classes[1] + 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.first.features(x)
        return self.first.head(features), self.second(features)

    def network(self, head: int) -> SmallResNet:
        """A SmallResNet of its own with one of the heads."""
        if head == 0:
            return self.first
        made = SmallResNet(3, self.second.out_features, WIDTHS)
        weights = {name: tensor for name, tensor in self.first.state_dict().items() if not name.startswith("head.")}
        made.load_state_dict(weights | {f"head.{name}": tensor for name, tensor in self.second.state_dict().items()})
        return made


def varied(pixels: Tensor, rng: torch.Generator) -> Tensor:
    """Pictures [n, 3, h, w] in 0 to 1 a little moved, turned, scaled, flipped, blurred and coloured; white comes in at the edges."""
    n = len(pixels)
    angle = torch.empty(n).uniform_(-0.2, 0.2, generator=rng)
    scale = torch.empty(n).uniform_(0.9, 1.2, generator=rng)
    flip = torch.where(torch.rand(n, generator=rng) < 0.3, -1.0, 1.0)
    move = torch.empty(n, 2).uniform_(-0.12, 0.12, generator=rng)
    cos, sin = angle.cos() * scale, angle.sin() * scale
    theta = torch.stack(
        [torch.stack([cos * flip, -sin, move[:, 0]], 1), torch.stack([sin * flip, cos, move[:, 1]], 1)], 1
    )
    grid = F.affine_grid(theta, list(pixels.shape), align_corners=False)
    moved = 1 - F.grid_sample(1 - pixels, grid, align_corners=False)
    soft = F.interpolate(F.avg_pool2d(moved, 2), scale_factor=2, mode="bilinear", align_corners=False)
    share = (torch.rand(n, generator=rng) - 0.4).clamp(min=0).view(-1, 1, 1, 1) / 0.6
    moved = moved.lerp(soft, share)
    gain = torch.empty(n, 3, 1, 1).uniform_(0.9, 1.1, generator=rng)
    noise = 0.03 * torch.rand(n, 1, 1, 1, generator=rng) * torch.randn(moved.shape, generator=rng)
    return (1 - (1 - moved) * gain + noise).clamp(0, 1)


def train(data: Labelled, *, seed: int, epochs: int = EPOCHS, rejects: int = REJECTS) -> TwoHeads:
    """SGD with a one-cycle rate on varied pictures and new rejects each epoch; small classes are shown more often."""
    classes = (len(data.names[0]), len(data.names[1]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = TwoHeads(classes)
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=LR, momentum=0.9, weight_decay=WEIGHT_DECAY, nesterov=True)
    pixels = pixels_of(data.images)
    first, second = (torch.from_numpy(labels) for labels in data.labels)
    counts = torch.bincount(second, minlength=classes[1] + 1)
    weights = 1 / counts[second].float().sqrt()
    rng = torch.Generator().manual_seed(seed)
    known = Pictures(data.images, data.labels[0])
    kept = np.flatnonzero(data.labels[0] < classes[0])
    total, step = epochs * -(-(len(first) + rejects) // BATCH), 0
    for epoch in range(epochs):
        drawn = np.random.default_rng([seed, epoch])
        spoilt = pixels_of(reject_pictures(known.rows(kept), rejects, drawn, groups=np.arange(classes[0])))
        rows = torch.multinomial(weights, len(first), replacement=True, generator=rng)
        x = torch.cat([pixels[rows], spoilt])
        y = torch.cat([first[rows], torch.full((rejects,), classes[0])])
        z = torch.cat([second[rows], torch.full((rejects,), classes[1])])
        hits = 0
        for part in torch.split(torch.randperm(len(y), generator=rng), BATCH):
            batch = normalised(varied(x[part], rng), SCALE)
            with torch.autocast("cpu", torch.bfloat16):
                a, b = network(batch)
            optimizer.param_groups[0]["lr"] = LR * one_cycle(step, total, WARMUP)
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(a.float(), y[part]) + F.cross_entropy(b.float(), z[part])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            hits += int((a.argmax(1) == y[part]).sum())
            step += 1
        print(f"epoch {epoch + 1}/{epochs}: {100 * hits / len(y):.2f} % of the categories", flush=True)
    return network.eval()


def judge_of(network: TwoHeads, head: int, data: Labelled) -> Judge:
    """One of the two judges, calibrated on the pictures of its classes."""
    return calibrated(network.network(head), head, data)


def calibrated(network: SmallResNet, head: int, data: Labelled) -> Judge:
    """A judge with the network of one head."""
    labels, names = data.labels[head], data.names[head]
    mine = labels < len(names)
    pixels, classes = pixels_of(data.images[mine]), torch.from_numpy(labels[mine])
    judge = calibrate(network, pixels, classes, KEPT, classes=len(names), scale=SCALE)
    judge.names = names
    judge.real = real_features(judge(pixels).features, labels[mine])
    return judge


def measure(judge: Judge, data: Labelled, head: int, *, seed: int, n: int = 200) -> dict[str, Any]:
    """Percentages on pictures of known class, on pictures of none, and on `n` rejects of each kind."""
    labels, none = data.labels[head], len(data.names[head])
    found = judge(pixels_of(data.images))
    known = labels < none
    rng = np.random.default_rng([seed, 1_000_000])
    groups = np.arange(len(data.names[0]))
    sorted_ones = data.labels[0] < len(groups)  # a few emoji of concepts are in no category
    real = Pictures(data.images[sorted_ones], data.labels[0][sorted_ones])
    spoilt = {kind: judge(pixels_of(reject_pictures(real, n, rng, kind, groups=groups))) for kind in KINDS}
    return {
        "accuracy": percent(found.plain[known] == labels[known]),
        "accepted_and_right": percent(found.labels[known] == labels[known]),
        "real_rejected": percent(found.rejected[known]),
        "others_rejected": percent(found.rejected[~known]),
        "rejects_rejected": {kind: percent(verdict.rejected) for kind, verdict in spoilt.items()},
    }


def percent(hits: NDArray[np.bool_]) -> float:
    return round(100 * float(hits.mean()), 2)


def recalibrate(target: Path, data: Labelled, *, seed: int) -> None:
    """New thresholds and statistics for both judges in `target`, whose network stays; what was held out is not measured again."""
    for head, name in enumerate(HEADS):
        said = json.loads((target / name / CARD).read_text(encoding="utf-8"))
        card = {key: said[key] for key in TRAINED}
        old = Judge.open(target / name)
        judge = calibrated(old.network, head, data)
        changed = int((~torch.isclose(judge.limits, old.limits)).sum())
        card |= {"metrics": measure(judge, data, head, seed=seed)}
        print(name, f"{changed} of {len(judge.limits)} thresholds changed", json.dumps(card["metrics"]), flush=True)
        if changed:
            card["held_out"] |= {"thresholds": "those of the training, before --calibrate"}
            write(judge, target / name, card)


def write(judge: Judge, target: Path, card: dict[str, Any]) -> None:
    """Writes a judge and its card."""
    target.mkdir(parents=True, exist_ok=True)
    path = target / "model.safetensors"
    judge.save(path)
    path.chmod(0o644)
    said = {
        "id": target.name,
        "kind": "judge",
        "dataset": "emoji (npm emoji-datasource-google and emoji-datasource-twitter 16.0.0, both styles)",
        "data_licence": "Apache-2.0 (Google's pictures); CC BY 4.0 (Twitter's, (c) Twitter, Inc and other contributors)",
        "licence": "MIT",
        "file": path.name,
        "bytes": path.stat().st_size,
        "sha256": sha256(path),
        "parameters": sum(p.numel() for p in judge.network.parameters()),
        "classes": list(judge.names),
        **card,
    }
    (target / CARD).write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--calibrate", action="store_true", help="train nothing")
    parser.add_argument("--target", type=Path, default=ASSETS / "models")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    titles = ("Judge of the categories of drawn emoji", "Judge of the concepts and styles of drawn emoji")
    with one_sentence():
        data = labelled(load())
        if args.calibrate:
            recalibrate(args.target, data, seed=args.seed)
            return
        cpu = time.process_time()
        shy = train(data.rows(~data.held_out), seed=args.seed, epochs=args.epochs)
        unseen = data.rows(data.held_out)
        held_out = [
            measure(judge_of(shy, head, data.rows(~data.held_out)), unseen, head, seed=args.seed) for head in (0, 1)
        ]
        print(json.dumps(held_out, indent=1), flush=True)
        network = train(data, seed=args.seed, epochs=args.epochs)
        for head, name in enumerate(HEADS):
            judge = judge_of(network, head, data)
            card = {
                "title": titles[head],
                "seed": args.seed,
                "recipe": f"python -m recipes.emoji_judge --seed {args.seed} --epochs {args.epochs}",
                "machine": machine(),
                "threads": 1,
                "precision": "bf16 autocast",
                "cpu_seconds": round(time.process_time() - cpu),
                "metrics": measure(judge, data, head, seed=args.seed),
                "held_out": {
                    "emoji": "every tenth of a concept, at least one, by a network that never saw them",
                    **held_out[head],
                },
            }
            write(judge, args.target / name, card)
            print(name, json.dumps(card["metrics"], indent=1), flush=True)


if __name__ == "__main__":
    main()
