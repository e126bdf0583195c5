"""Trains the judges of drawn emoji: which category, and which concept in which style; both can say "none of these".

    python -m recipes.judge.emoji                # twenty minutes on one core; assets/models/emoji-judge and emoji-concepts-judge
    python -m recipes.judge.emoji --calibrate    # thresholds and statistics anew, for the network that lies there; two minutes

One network with two heads, saved as two judges: the classes of the first are the categories of `emoji-dit`, those of the second
are concepts in a style ("cat, google style"), so that an object, a category and a style are all sets of its classes. Every tenth
emoji of a concept, and at least one, is held out, in both styles; what a card says of held-out pictures is measured on a network
that never saw them, and the shipped network is then trained on all, for it has to know what the generators saw.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from recipes.command import one_sentence, parser_of
from recipes.emoji.groups import CATEGORIES, fine_groups, sort
from recipes.emoji.packages import STYLES, EmojiSet, load
from recipes.judge.training import Fit, calibrate, fit, kept_of, measure, rejects_of, write
from recipes.learner import machine, seeded
from sfr_core.data.datasets import ASSETS, Pictures
from sfr_core.nets.judge import Judge, normalised, pixels_of
from sfr_core.nets.resnet import SmallResNet

HOW = Fit(
    channels=3,
    widths=(16, 32, 64, 128),
    scale=(0.75, 0.32),
    epochs=36,
    batch=64,
    lr=0.1,
    weight_decay=5e-4,
    rejects=600,
)
HELD_OUT, SMALL = 10, 4
"""Every tenth emoji of a group, and one of a group of SMALL to nine: else nothing is known of tigers and dogs."""
HEADS = {
    "emoji-judge": "Judge of the categories of drawn emoji",
    "emoji-concepts-judge": "Judge of the concepts and styles of drawn emoji",
}
"""Titles of the two judges."""
SAID = {
    "dataset": "emoji (npm emoji-datasource-google and emoji-datasource-twitter 16.0.0, both styles)",
    "data_licence": "Apache-2.0 (Google's pictures); CC BY 4.0 (Twitter's, (c) Twitter, Inc and other contributors)",
}
TRAINED = ("title", "seed", "recipe", "machine", "threads", "precision", "cpu_seconds", "metrics", "held_out")
"""What a card says of the training."""


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

    def of_categories(self) -> tuple[Pictures, NDArray[np.int64]]:
        """Those of the categories (a few emoji of concepts are in none), from which rejects are made, and a group for each."""
        groups = np.arange(len(self.names[0]))
        kept = self.labels[0] < len(groups)
        return Pictures(self.images[kept], self.labels[0][kept]), groups


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
        self.first = SmallResNet(3, classes[0] + 1, HOW.widths)
        self.second = nn.Linear(HOW.widths[-1], classes[1] + 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.first.features(x)
        return self.first.head(features), self.second(features)

    def network(self, head: int) -> SmallResNet:
        """A SmallResNet of its own with one of the heads."""
        if head == 0:
            return self.first
        made = SmallResNet(3, self.second.out_features, HOW.widths)
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


def train(data: Labelled, how: Fit = HOW, *, seed: int) -> TwoHeads:
    """On varied pictures and new rejects each epoch; small classes are shown more often."""
    coarse, fine = (len(names) for names in data.names)
    with seeded(seed):
        network = TwoHeads((coarse, fine))
    network.to(memory_format=torch.channels_last)
    pixels = pixels_of(data.images)
    first, second = (torch.from_numpy(labels) for labels in data.labels)
    weights = 1 / torch.bincount(second, minlength=fine + 1)[second].float().sqrt()
    rng = torch.Generator().manual_seed(seed)
    sorted_ones, groups = data.of_categories()

    def shown(epoch: int) -> Sequence[Tensor]:
        spoilt = rejects_of(sorted_ones, groups, how, seed, epoch)
        rows = torch.multinomial(weights, len(first), replacement=True, generator=rng)
        x = torch.cat([pixels[rows], spoilt])
        y = torch.cat([first[rows], torch.full((len(spoilt),), coarse)])
        return x, y, torch.cat([second[rows], torch.full((len(spoilt),), fine)])

    def logits(batch: Tensor, epoch: int) -> Sequence[Tensor]:
        batch = normalised(varied(batch, rng), how.scale)
        with torch.autocast("cpu", torch.bfloat16):
            found: Sequence[Tensor] = network(batch)
        return found

    fit(network, how, shown, logits, rng)
    return network.eval()


def calibrated(network: SmallResNet, head: int, data: Labelled) -> Judge:
    """A judge with the network of one head, calibrated on the pictures of its classes."""
    labels, names = data.labels[head], data.names[head]
    mine = labels < len(names)
    known = Pictures(data.images[mine], labels[mine])
    judge = calibrate(network, HOW, known, known)
    judge.names = names
    return judge


def measured(judge: Judge, data: Labelled, head: int, *, seed: int, n: int = 200) -> dict[str, Any]:
    """Percentages on pictures of known class, on pictures of none, and on `n` rejects of each kind."""
    return measure(judge, data.images, data.labels[head], *data.of_categories(), seed=seed, n=n)


def recalibrate(target: Path, data: Labelled, *, seed: int) -> None:
    """New thresholds and statistics for both judges in `target`, whose network stays; what was held out is not measured again."""
    for head, name in enumerate(HEADS):
        card = kept_of(target / name, TRAINED)
        old = Judge.open(target / name)
        judge = calibrated(old.network, head, data)
        changed = int((~torch.isclose(judge.limits, old.limits)).sum())
        card |= {"metrics": measured(judge, data, head, seed=seed)}
        print(name, f"{changed} of {len(judge.limits)} thresholds changed", json.dumps(card["metrics"]), flush=True)
        if changed:
            card["held_out"] |= {"thresholds": "those of the training, before --calibrate"}
            write(judge, target / name, SAID | card)


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=HOW.epochs)
    parser.add_argument("--calibrate", action="store_true", help="train nothing")
    parser.add_argument("--target", type=Path, default=ASSETS / "models")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    how, seed = replace(HOW, epochs=args.epochs), args.seed
    with one_sentence():
        data = labelled(load())
        if args.calibrate:
            recalibrate(args.target, data, seed=seed)
            return
        cpu = time.process_time()
        known, unseen = data.rows(~data.held_out), data.rows(data.held_out)
        shy = train(known, how, seed=seed)
        held_out = [
            measured(calibrated(shy.network(head), head, known), unseen, head, seed=seed) for head in range(len(HEADS))
        ]
        print(json.dumps(held_out, indent=1), flush=True)
        network = train(data, how, seed=seed)
        for head, (name, title) in enumerate(HEADS.items()):
            judge = calibrated(network.network(head), head, data)
            card = {
                "title": title,
                "seed": seed,
                "recipe": f"python -m recipes.judge.emoji --seed {seed} --epochs {args.epochs}",
                "machine": machine(),
                "threads": 1,
                "precision": "bf16 autocast",
                "cpu_seconds": round(time.process_time() - cpu),
                "metrics": measured(judge, data, head, seed=seed),
                "held_out": {
                    "emoji": "every tenth of a concept, at least one, by a network that never saw them",
                    **held_out[head],
                },
            }
            write(judge, args.target / name, SAID | card)
            print(name, json.dumps(card["metrics"], indent=1), flush=True)


if __name__ == "__main__":
    main()
