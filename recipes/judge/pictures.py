"""Trains the judge of generated pictures: the classes of its data and a way to say no.

    python -m recipes.judge                 # about 6 minutes on one core; assets/models/fashion-mnist-judge
    python -m recipes.judge --data cifar10 --folder DIR   # half an hour; --device cuda: a minute; assets/models/cifar10-judge
    python -m recipes.judge --calibrate     # thresholds and statistics anew, for the network that lies there; half a minute

A picture is accepted as a class if the last output ("none of these") does not win and its features lie no farther from
that class than those of nearly all real training pictures do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recipes.command import one_sentence, parser_of
from recipes.image_sets import CIFAR10, FASHION_MNIST, ImageSet
from recipes.judge.rejects import GROUPS
from recipes.judge.training import Fit, calibrate, fit, kept_of, measure, rejects_of, write
from recipes.learner import machine, seeded
from recipes.publish import percent
from sfr_core.data.datasets import ASSETS, Pictures
from sfr_core.data.transforms import mirror, shift
from sfr_core.nets.judge import MEAN, STD, Judge, normalised, pixels_of
from sfr_core.nets.resnet import SmallResNet
from sfr_core.ops.device import pick_device

VARIED_SHARE = 0.7
"""Share of the epochs in which pictures are moved and flipped."""
LARGEST_REJECTION = 5.0
REJECTS = 1000
"""Of each kind, on which a judge is measured."""


@dataclass(frozen=True, kw_only=True)
class JudgeRecipe(Fit):
    """How one judge is trained.

    Attributes:
        id, title: what its card says.
        data: its pictures and their classes.
        groups: of the classes; a picture pasted together from different groups shows nothing.
        reach, mirror: how far pictures are moved, and whether half are flipped, while they are varied.
        background: what moves in at the edges, in 0 to 1.
        wanted: least share of test pictures whose best class is right, percent.
    """

    id: str
    title: str
    data: ImageSet
    groups: tuple[int, ...]
    reach: int
    mirror: bool
    background: float
    wanted: float


FASHION_JUDGE = JudgeRecipe(
    id="fashion-mnist-judge",
    title="Judge of generated Fashion-MNIST pictures",
    data=FASHION_MNIST,
    groups=tuple(GROUPS.tolist()),
    channels=1,
    widths=(16, 48, 144),
    scale=(MEAN, STD),
    reach=1,
    mirror=False,
    background=0.0,
    epochs=7,
    rejects=12_000,
    wanted=92.0,
)
CIFAR_JUDGE = JudgeRecipe(
    id="cifar10-judge",
    title="Judge of generated CIFAR-10 pictures",
    data=CIFAR10,
    groups=(0, 1, 2, 3, 4, 3, 5, 4, 6, 1),  # a car's front on a truck is a truck; so with cat and dog, deer and horse
    channels=3,
    widths=(32, 64, 128, 256),
    scale=(0.473, 0.251),
    reach=4,
    mirror=True,
    background=0.473,
    epochs=12,
    rejects=10_000,
    wanted=80.0,
)
JUDGES = {"fashion-mnist": FASHION_JUDGE, "cifar10": CIFAR_JUDGE}
"""By data."""


def train(real: Pictures, recipe: JudgeRecipe, *, seed: int, device: str = "cpu") -> SmallResNet:
    """On real pictures (varied at first) and new rejects each epoch; on the CPU in the end."""
    none = len(recipe.data.class_names)
    with seeded(seed):
        network = SmallResNet(recipe.channels, none + 1, recipe.widths)
    network.to(device, memory_format=torch.channels_last)
    pixels, labels = pixels_of(real.images), torch.from_numpy(real.labels)
    rng = torch.Generator().manual_seed(seed)
    mean, std = recipe.scale
    background = torch.full((1, recipe.channels, 1, 1), (recipe.background - mean) / std, device=device)

    def shown(epoch: int) -> Sequence[Tensor]:
        spoilt = rejects_of(real, np.array(recipe.groups), recipe, seed, epoch)
        return torch.cat([pixels, spoilt]), torch.cat([labels, torch.full((len(spoilt),), none)])

    def logits(batch: Tensor, epoch: int) -> Sequence[Tensor]:
        batch = normalised(batch, recipe.scale)
        if epoch < VARIED_SHARE * recipe.epochs:
            batch = shift(batch, recipe.reach, background, rng)
            if recipe.mirror:
                batch = mirror(batch, rng)
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            return [network(batch)]

    fit(network, recipe, shown, logits, rng, device=device)
    return network.cpu()


def finish(
    network: SmallResNet, recipe: JudgeRecipe, real: Pictures, test: Pictures, target: Path, made: dict[str, Any]
) -> dict[str, Any]:
    """Calibrates on real pictures, measures on test pictures, and writes judge and card if the judge is good enough.

    `made` is what the card says of the training, at least its seed.

    Raises:
        SystemExit: it is not good enough; nothing was written.
    """
    names, groups = recipe.data.class_names, np.array(recipe.groups)
    judge = calibrate(network, recipe, real, test)
    found = judge(pixels_of(test.images))
    metrics = measure(judge, test.images, test.labels, test, groups, seed=made["seed"], n=REJECTS)
    metrics["real_rejected_by_class"] = {
        name: percent(found.rejected[test.labels == c]) for c, name in enumerate(names)
    }
    print(json.dumps(metrics, indent=1), flush=True)
    if metrics["accuracy"] < recipe.wanted or metrics["real_rejected"] > LARGEST_REJECTION:
        raise SystemExit("This judge is not good enough to ship; nothing was written.")
    said = {"id": recipe.id, "title": recipe.title, "dataset": f"{recipe.data.id} ({recipe.data.extent})"}
    return write(judge, target, {**said, "data_licence": recipe.data.licence, **made, "metrics": metrics})


TRAINED = ("seed", "recipe", "machine", "threads", "precision", "wall_seconds", "cpu_seconds")
"""What a card says of the training; `finish` adds what it measures."""


def command_of(data: str, seed: int, folder: Path | None) -> str:
    """What trains this judge again; a folder stands in it without its place, which is another one elsewhere."""
    named = "" if JUDGES[data] is FASHION_JUDGE else f" --data {data}"
    return f"python -m recipes.judge{named} --seed {seed}{'' if folder is None else ' --folder DIR'}"


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
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
            network, made = Judge.open(target).network, kept_of(target, TRAINED)
        else:
            wall, cpu = time.perf_counter(), time.process_time()
            network = train(real, recipe, seed=args.seed, device=args.device)
            made = {
                "seed": args.seed,
                "recipe": command_of(args.data, args.seed, args.folder),
                "machine": machine(args.device),
                "threads": torch.get_num_threads(),
                "precision": "bf16 autocast",
                "wall_seconds": round(time.perf_counter() - wall, 1),
                "cpu_seconds": round(time.process_time() - cpu, 1),
            }
        finish(network, recipe, real, test, target, made)
