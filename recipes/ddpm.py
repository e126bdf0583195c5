"""Trains the shipped class-conditional diffusion model on all 60,000 pictures of Fashion-MNIST.

    python -m recipes.ddpm --minutes 60             # goes on where it was; full state and model in .work/ddpm
    python -m recipes.ddpm --without Trouser --images 2000000   # the gold standard, in .work/ddpm-without-Trouser
    python -m recipes.ddpm --finish 100000          # a last phase from there, in .work/ddpm-finished: the rate falls to 0
    python -m recipes.ddpm_quality --finished       # judge accuracy of its samples, records and a sheet
    python -m recipes.ddpm --publish --finished     # copies the model with that quality to assets/models

`--data cifar10` takes CIFAR-10 (`--folder` with train/CLASS/ and test/CLASS/, else torchvision's download), with a small
network or, on a GPU, the paper's (`--size paper --device cuda`).

It stops cleanly on SIGTERM or Ctrl-C. Where the full state in .work/ is gone, it goes on from the published weights (with new
optimiser moments). Where g++ is installed the network is compiled, which rounds differently in the last bits. Everything that
a step draws follows from the seed and the number of images seen, so a resumed training is the same as one in a go.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import torch

from recipes.complaints import one_sentence
from recipes.ddpm_folder import Progress, publish, publish_gold
from recipes.ddpm_sets import RECIPES, Recipe
from recipes.ddpm_training import Training, keep_training, progress_of, resume, to_pixels
from sfr_core.data.datasets import ASSETS, Pictures

WORK = Path(__file__).resolve().parents[1] / ".work"
THREADS = 1


def batches(minutes: float | None, images: int | None, progress: Progress, stop: list[int]) -> Iterator[None]:
    """Yields before each step until the minutes are over, `images` are seen, the last phase ends, or a signal came."""
    begun = time.monotonic()
    while not stop and progress.finished < 1:
        if minutes is not None and time.monotonic() - begun > 60 * minutes:
            return
        if images is not None and progress.images >= images:
            return
        yield


def stop_on_signals() -> list[int]:
    """A list that fills when SIGTERM or Ctrl-C comes; both then end nothing by themselves."""
    stop: list[int] = []

    def on_signal(number: int, _: FrameType | None) -> None:
        stop.append(number)

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop


def train(training: Training, data: Pictures, work: Path, minutes: float | None, images: int | None) -> None:
    """Steps until a limit, a checkpoint every few minutes and at the end."""
    x, y = to_pixels(data.images), torch.from_numpy(data.labels)
    steps = batches(minutes, images, training.progress, stop_on_signals())
    keep_training(training, lambda: training.step(x, y), steps, work)


def folder_of(recipe: Recipe, without: str | None, finished: bool) -> Path:
    """Where a training keeps its state: .work/ddpm for the shipped model, and names that say what is different."""
    name = recipe.id.removeprefix("fashion-mnist-")
    left_out = "" if without is None else f"-without-{without.replace(' ', '-')}"
    return WORK / f"{name}{left_out}{'-finished' if finished else ''}"


def last_phase(
    source: Path, work: Path, published: Path, recipe: Recipe, seed: int, images: int, *, without: str | None,
    compiled: bool, device: str = "cpu",
) -> Training:  # fmt: skip
    """The last phase in `work`: the one that was begun there, else one over `images` images from the state in `source`.

    What `source` holds stays, so that the training at full rate can go on.

    Raises:
        FileNotFoundError: there is no state in `source`.
    """
    if not (work / "state.pt").exists() or progress_of(work).finished >= 1:
        if not (source / "state.pt").exists():
            raise FileNotFoundError(f"{source} holds no training to finish.")
        training = resume(source, published, recipe, seed, without=without, compiled=compiled, device=device)
        training.begin_finish(images)
        return training
    return resume(work, published, recipe, seed, without=without, compiled=compiled, device=device)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=sorted({data for data, _ in RECIPES}), default="fashion-mnist")
    parser.add_argument("--size", choices=("small", "paper"), default="small")
    parser.add_argument("--folder", type=Path, help="where the pictures are, if not in the usual place")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--minutes", type=float, help="stop after this time")
    parser.add_argument("--images", type=int, help="stop when so many images were seen in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without", metavar="CLASS", help="the gold standard: train without this class")
    parser.add_argument("--finish", type=int, metavar="N", help="a last phase of N images with a falling rate")
    parser.add_argument("--publish", action="store_true", help="copy the model of .work/ to assets/models")
    parser.add_argument("--finished", action="store_true", help="with --publish: the model of the last phase")
    parser.add_argument("--work", type=Path, help="with --publish: another folder that holds model/ and state.pt")
    parser.add_argument("--draft", action="store_true", help="with --publish: do not offer it on the page yet")
    args = parser.parse_args(argv)
    if (args.data, args.size) not in RECIPES:
        parser.error(f"there is no {args.size} network for {args.data}")
    recipe = RECIPES[args.data, args.size]
    if args.without is not None and args.without not in recipe.data.class_names:
        parser.error(f"no such class; there are {', '.join(recipe.data.class_names)}")
    torch.set_num_threads(THREADS)
    with one_sentence():
        if args.publish:
            publish_as_asked(args, recipe)
        else:
            train_as_asked(args, recipe)


def publish_as_asked(args: argparse.Namespace, recipe: Recipe) -> None:
    """Copies a model to assets/models and says what it is.

    Raises:
        FileNotFoundError: there is no training, no model, or no original to put a retrained one beside.
        ValueError: what was measured belongs to other weights, or a file is too large.
    """
    target = ASSETS / "models" / recipe.id
    work = args.work or folder_of(recipe, args.without, args.finished)
    progress = progress_of(work)
    command = command_of(args.data, args.size, progress.seed, args.without, progress.folder)
    if args.without is None:
        card = publish(work, target, progress, recipe, command, draft=args.draft)
    else:
        card = publish_gold(work, target, progress, args.without, command)
    print(f"{target}: {progress.images} images seen, metrics {card.metrics}")


def train_as_asked(args: argparse.Namespace, recipe: Recipe) -> None:
    """Trains until a limit.

    Raises:
        AssetError: the pictures cannot be read.
        FileNotFoundError: there is nothing to finish.
        ValueError: what is there was begun with another seed.
    """
    source, work = folder_of(recipe, args.without, False), folder_of(recipe, args.without, bool(args.finish))
    target = ASSETS / "models" / recipe.id
    data = recipe.pictures(args.folder, args.without)
    compiled = shutil.which("g++") is not None
    if args.finish:
        training = last_phase(
            source, work, target, recipe, args.seed, args.finish,
            without=args.without, compiled=compiled, device=args.device,
        )  # fmt: skip
    else:
        training = resume(work, target, recipe, args.seed, without=args.without, compiled=compiled, device=args.device)
    training.progress.folder = args.folder is not None
    WORK.mkdir(exist_ok=True)
    work.with_name(work.name + ".pid").write_text(f"{os.getpid()}\n")
    train(training, data, work, args.minutes, args.images)


def command_of(data: str, size: str, seed: int, without: str | None, folder: bool = False) -> str:
    """What begins a training, without its end, for its card (`ddpm_folder.commands`)."""
    parts = ["python -m recipes.ddpm"]
    if (data, size) != ("fashion-mnist", "small"):
        parts.append(f"--data {data} --size {size}")
    parts.append(f"--seed {seed}")
    if without is not None:
        parts.append(f'--without "{without}"' if " " in without else f"--without {without}")
    if folder:
        parts.append("--folder DIR")
    return " ".join(parts)


if __name__ == "__main__":
    main()
