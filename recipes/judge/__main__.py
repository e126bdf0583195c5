"""Trains the judge of generated pictures: the classes of its data and a way to say no.

    python -m recipes.judge                 # about 6 minutes on one core; assets/models/fashion-mnist-judge
    python -m recipes.judge --data cifar10 --folder DIR   # half an hour; --device cuda: a minute; assets/models/cifar10-judge
    python -m recipes.judge --calibrate     # thresholds and statistics anew, for the network that lies there; half a minute

A picture is accepted as a class if the last output ("none of these") does not win and its features lie no farther from
that class than those of nearly all real training pictures do.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import torch

from recipes.command import one_sentence, parser_of
from recipes.judge.pictures import FASHION_JUDGE, JUDGES, finish, train
from recipes.judge.training import kept_of
from recipes.learner import machine
from sfr_core.data.datasets import ASSETS
from sfr_core.nets.judge import Judge
from sfr_core.ops.device import pick_device

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


if __name__ == "__main__":
    main()
