"""The command that trains and publishes a generator, the same for all: it goes on where it was, stops on a signal, has a last phase.

It stops cleanly on SIGTERM or Ctrl-C. Where the full state in .work/ is gone, it goes on from the published weights (with new
optimiser moments). Everything that a step draws follows from the seed and the number of images seen, so a resumed training
is the same as one in a go.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from recipes.learner import STATE, Denoiser, Learner, Progress, machine, progress_of
from recipes.publish import GeneratorRecipe, begun, publish
from sfr_core.data.datasets import ASSETS

WORK = Path(__file__).resolve().parents[1] / ".work"
SAVE_EVERY = 300.0
"""Seconds between two checkpoints."""

D = TypeVar("D", bound=Denoiser)


def add_limits(parser: argparse.ArgumentParser) -> None:
    """How long anything is trained."""
    parser.add_argument("--minutes", type=float, help="stop after this time")
    parser.add_argument("--images", type=int, help="stop when so many images were seen in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--finish", type=int, metavar="N", help="a last phase of N images with a falling rate")


def add_choice(parser: argparse.ArgumentParser, what: str) -> None:
    """Which of a recipe's trainings is meant."""
    parser.add_argument("--without", metavar=what.upper(), help=f"the retrained model: without this {what}")
    parser.add_argument("--finished", action="store_true", help="the model of the last phase, to publish or measure")
    parser.add_argument("--work", type=Path, help="another folder that holds the model to publish or measure")


def add_arguments(parser: argparse.ArgumentParser, what: str) -> None:
    """Everything that a generator's training is asked with; `what` can be left out of it."""
    add_limits(parser)
    add_choice(parser, what)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--fresh", action="store_true", help="from nothing, also where weights are published")
    parser.add_argument("--publish", action="store_true", help="copy the model of .work/ to assets/models")
    parser.add_argument("--draft", action="store_true", help="with --publish: do not offer it on the page yet")


def folder_of(recipe: GeneratorRecipe, without: str | None, finished: bool) -> Path:
    """Where a training keeps its state: .work/ddpm for the shipped model, and names that say what is different."""
    left_out = "" if without is None else f"-without-{without.replace(' ', '-')}"
    return WORK / f"{recipe.id.removeprefix('fashion-mnist-')}{left_out}{'-finished' if finished else ''}"


def chosen_folder(recipe: GeneratorRecipe, args: argparse.Namespace) -> Path:
    """The folder of the training that the arguments mean."""
    work: Path = args.work or folder_of(recipe, args.without, args.finished)
    return work


def published(recipe: GeneratorRecipe) -> Path:
    """Where the model is published."""
    return ASSETS / "models" / recipe.id


def can_compile() -> bool:
    """Whether torch.compile finds its compiler; a compiled network rounds differently in the last bits."""
    return shutil.which("g++") is not None


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


def resume(training: D, recipe: GeneratorRecipe, work: Path, target: Path | None, without: str | None = None) -> D:
    """Takes a training that saw nothing to the state in `work`, else to the half-precision weights in `target`, if any.

    Raises:
        ValueError: what is there was begun with another seed.
    """
    seed = training.progress.seed
    if (work / STATE).exists():
        training.load_state(work)
    elif target is not None and (found := begun(target, recipe, without)) is not None:
        training.begin_from(*found)
    if training.progress.seed != seed:
        raise ValueError(f"The training that goes on in {work} has seed {training.progress.seed}, not {seed}.")
    return training


def last_phase(begin: Callable[[Path], D], source: Path, work: Path, images: int) -> D:
    """The last phase in `work`: the one that was begun there, else one over `images` images from the state in `source`.

    What `source` holds stays, so that the training at full rate can go on.

    Raises:
        FileNotFoundError: there is no state in `source`.
    """
    if (work / STATE).exists() and progress_of(work).finished < 1:
        return begin(work)
    if not (source / STATE).exists():
        raise FileNotFoundError(f"{source} holds no training to finish.")
    training = begin(source)
    training.begin_finish(images)
    return training


def take_up(recipe: GeneratorRecipe, args: argparse.Namespace, new: Callable[[Path], D]) -> tuple[D, Path]:
    """The training that the arguments mean, and the folder in which it goes on; `new` makes a fresh one for a folder."""
    work = folder_of(recipe, args.without, bool(args.finish))
    target = None if args.fresh else published(recipe)

    def begin(folder: Path) -> D:
        return resume(new(folder), recipe, folder, target, args.without)

    if args.finish:
        return last_phase(begin, folder_of(recipe, args.without, False), work, args.finish), work
    return begin(work), work


def keep_training(learner: Learner, shown: tuple[Any, ...], work: Path, args: argparse.Namespace) -> None:
    """Steps on what is shown to a limit of `add_limits`; a line every 100 steps, a checkpoint every SAVE_EVERY seconds and at the end."""
    progress = learner.progress
    progress.device, progress.machine = learner.device, machine(learner.device)
    recent: list[float] = []
    cpu = time.process_time()
    begun = saved = logged = time.monotonic()
    for _ in batches(args.minutes, args.images, progress, stop_on_signals()):
        recent.append(learner.step(*shown))
        now = time.monotonic()
        if len(recent) == 100:
            speed, loss = 100 * learner.rates.batch / (now - logged), sum(recent) / 100
            print(
                f"{progress.images} images, loss {loss:.4f}, {speed:.0f} images/s, rate {learner.rate():.1e}",
                flush=True,
            )
            recent.clear()
            logged = now
        if now - saved > SAVE_EVERY:
            progress.spend(now - begun, time.process_time() - cpu)
            begun, cpu = now, time.process_time()
            learner.save(work)
            saved = now
    progress.spend(time.monotonic() - begun, time.process_time() - cpu)
    took = f"{progress.cpu_seconds:.0f} s cpu" + (f", {progress.gpu_seconds:.0f} s gpu" if progress.gpu_seconds else "")
    print(f"{progress.images} images, {took}, sha256 {learner.save(work)}", flush=True)


def publish_model(recipe: GeneratorRecipe, args: argparse.Namespace) -> None:
    """Copies the chosen model to assets/models and says what it is."""
    work, target = chosen_folder(recipe, args), published(recipe)
    progress = progress_of(work)
    card = publish(work, target, progress, recipe, args.without, draft=args.draft)
    print(f"{target}: {progress.images} images seen, metrics {card.metrics}")
