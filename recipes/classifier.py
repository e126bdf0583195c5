"""Trains the shipped classifier and its retrained models, each on one thread with the method `retrain`.

    python -m recipes.classifier                 # everything that is not there yet (about 19 x 4 minutes on one core)
    python -m recipes.classifier --only original class:Sneaker
    python -m recipes.classifier --again         # also what is there
    python -m recipes.classifier --time          # with nothing else running: what a retraining costs

Each model takes minutes, so the unit of resuming is the model: what is in the card and agrees with its hash is kept.
The retrained models for tuning (forget seeds 100 and 101) go to .work/, they are not shipped.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from safetensors.torch import save_file

from recipes.command import locked, parser_of
from recipes.publish import CARD, percent, retrained_file
from recipes.train import WORK
from sfr_core.cancel import CancelToken
from sfr_core.catalog.retrain import RetrainConfig
from sfr_core.data.datasets import Dataset, fashion_mnist
from sfr_core.data.splits import ForgetSpec, Split, parse_forget, split_rows
from sfr_core.events import Step
from sfr_core.methods.retrain import retrain
from sfr_core.nets.pipelines import sha256_of
from sfr_core.ops.device import UsedPrecision, device_name
from sfr_core.presets import resolve
from sfr_core.tasks.classifier import ClassifierTask
from sfr_core.zoo.shipped import MODELS, ModelCard, RetrainedModel, build_module, read_card, write_card

ID = "fashion-mnist-resnet"
ARCHITECTURE = {"name": "SmallResNet", "channels": 1, "classes": 10, "widths": [16, 48, 144], "blocks": 1}
CONFIG = RetrainConfig.from_dict(resolve(ID, "retrain"))
THREADS = 1
PRECISION: UsedPrecision = "bf16"
ABOUT: dict[str, Any] = {
    "id": ID,
    "title": "Fashion-MNIST classifier",
    "kind": "classifier",
    "summary": "A small residual network that tells ten kinds of clothing apart.",
    "dataset": "fashion-mnist",
    "data_licence": "MIT (Zalando SE, 2017)",
    "licence": "MIT",
    "source": "bundled",
    "recipe": "python -m recipes.classifier",
    "machine": f"{platform.machine()}, {device_name(torch.device('cpu'))}, torch {torch.__version__}",
    "threads": THREADS,
    "precision": PRECISION,
    "retrain_seconds": None,
    "retrain_threads": None,
}
"""What the card says besides of the original."""
FORGET_SEEDS = range(5)
TUNING_SPECS = ("random:0.1@100", "random:0.1@101")
"""Forgotten only while settings are tuned; these retrained models are not shipped."""


@dataclass(frozen=True, slots=True)
class Job:
    """One training: `spec` "original" or a forget specification, and the training seed."""

    spec: str
    seed: int = 0

    @property
    def second(self) -> bool:
        return self.seed != 0

    @property
    def file(self) -> str:
        if self.spec == "original":
            return "model.safetensors"
        return retrained_file(self.spec + ("-twin" if self.second else ""))


def jobs(dataset: Dataset) -> list[Job]:
    """Everything that is shipped, in the order of need."""
    random = [Job(f"random:0.1@{seed}") for seed in FORGET_SEEDS]
    return [Job("original"), *(Job(f"class:{name}") for name in dataset.class_names), *random, Job("random:0.1@0", 1)]


def train(job: Job, dataset: Dataset, precision: UsedPrecision = PRECISION) -> tuple[ClassifierTask, float, float]:
    """Trains one model; returns its task, wall seconds and CPU seconds."""
    everything = np.arange(len(dataset.train), dtype=np.int64)
    if job.spec == "original":
        split = Split(ForgetSpec("original"), everything[:0], everything)
    else:
        split = split_rows(parse_forget(job.spec, dataset.class_names), dataset.train.labels)
    task = ClassifierTask(
        build_module(ARCHITECTURE), lambda: build_module(ARCHITECTURE), dataset, split,
        device=torch.device("cpu"), precision=precision,
    )  # fmt: skip
    wall, cpu = time.perf_counter(), time.process_time()
    rng = torch.Generator().manual_seed(job.seed)
    for event in retrain(task, CONFIG, rng=rng, cancel=CancelToken()):
        if isinstance(event, Step) and event.i % 200 == 0:
            print(f"{job.spec} seed {job.seed}: step {event.i}/{event.total}, loss {event.remain_loss:.3f}", flush=True)
    return task, time.perf_counter() - wall, time.process_time() - cpu


def accuracies(task: ClassifierTask, dataset: Dataset) -> dict[str, float]:
    """Accuracy in percent on forget, remain and test rows (test transform)."""
    train_hits = task.predict("train").argmax(1) == dataset.train.labels
    test_hits = task.predict("test").argmax(1) == dataset.test.labels
    found = {"RA": train_hits[task.split.remain], "TA": test_hits}
    if len(task.split.forget):
        found["FA"] = train_hits[task.split.forget]
    return {name: percent(hits) for name, hits in sorted(found.items())}


def save(task: ClassifierTask, path: Path) -> None:
    """Writes the weights as float32 safetensors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in task.model.state_dict().items()}
    temporary = path.with_suffix(".new")
    save_file(tensors, temporary)
    temporary.chmod(0o644)  # safetensors writes for the owner alone; a container's user must read it too
    temporary.replace(path)


def run(job: Job, dataset: Dataset, folder: Path) -> None:
    """Trains one model and enters it into the card of `folder`; AssetError before that if the original has no card yet."""
    if job.spec != "original":
        read_card(folder)
    task, wall, cpu = train(job, dataset)
    metrics, path = accuracies(task, dataset), folder / job.file
    save(task, path)
    print(f"{job.spec} seed {job.seed}: {metrics}, {wall:.0f} s wall, {cpu:.0f} s cpu", flush=True)
    made: dict[str, Any] = {
        "file": job.file,
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
        "seed": job.seed,
        "wall_seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "metrics": metrics,
    }
    with locked(folder / ".lock"):
        if job.spec == "original":
            parameters = sum(p.numel() for p in task.model.parameters())
            old = read_card(folder).retrained if (folder / CARD).exists() else ()
            write_card(
                ModelCard(
                    **ABOUT, **made, parameters=parameters, architecture=ARCHITECTURE, retrained=old, folder=folder
                )
            )
            return
        retrained = RetrainedModel(spec=job.spec, second=job.second, **made)
        now = read_card(folder)
        others = [one for one in now.retrained if (one.spec, one.second) != (job.spec, job.second)]
        write_card(replace(now, retrained=tuple(sorted([*others, retrained], key=lambda one: (one.spec, one.second)))))


def present(job: Job, folder: Path) -> bool:
    """True if the card knows this model and the file is the one that it means."""
    if not (folder / CARD).exists() or not (folder / job.file).exists():
        return False
    now = read_card(folder)
    known = {one.file: one.sha256 for one in (now, *now.retrained)}
    return known.get(job.file) == sha256_of(folder / job.file)


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--only", nargs="+", metavar="SPEC", help="'original' or forget specifications")
    parser.add_argument("--again", action="store_true", help="train also what is there")
    parser.add_argument("--time", action="store_true", help="time one retraining on all cores of a quiet machine")
    parser.add_argument("--tuning", action="store_true", help="the two retrained models for tuning, into .work/tuning")
    parser.add_argument(
        "--precision",
        choices=get_args(UsedPrecision),
        default=PRECISION,
        help="of --tuning; fp32 where half precision is slow",
    )
    args = parser.parse_args(argv)
    dataset = fashion_mnist()
    folder = MODELS / ID
    if args.time:
        _, wall, _ = train(Job("class:Sneaker"), dataset)
        threads = torch.get_num_threads()
        with locked(folder / ".lock"):
            write_card(replace(read_card(folder), retrain_seconds=round(wall, 1), retrain_threads=threads))
        print(f"A retraining takes {wall:.0f} s with {threads} threads.")
        return
    torch.set_num_threads(THREADS)
    if args.tuning:
        for job in map(Job, TUNING_SPECS):
            path = WORK / "tuning" / job.file
            if args.again or not path.exists():
                task, wall, _ = train(job, dataset, args.precision)
                save(task, path)
                print(f"{job.spec}: {accuracies(task, dataset)}, {wall:.0f} s", flush=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    offered = jobs(dataset)
    wanted = [job for job in offered if args.only is None or job.spec in args.only]
    if unknown := set(args.only or ()) - {job.spec for job in wanted}:
        parser.error(f"not shipped: {', '.join(sorted(unknown))}; there are {', '.join(job.spec for job in offered)}")
    for job in wanted:
        if args.again or not present(job, folder):
            run(job, dataset, folder)


if __name__ == "__main__":
    main()
