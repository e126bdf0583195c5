"""Trains the shipped classifier and its retrained models, each on one thread with the method `retrain`.

    python -m recipes.classifier                 # everything that is not there yet (about 19 x 4 minutes on one core)
    python -m recipes.classifier --only original class:Sneaker
    python -m recipes.classifier --again         # also what is there
    python -m recipes.classifier --time          # with nothing else running: what a retraining costs

Each model takes minutes, so the unit of resuming is the model: what is in the card and agrees with its hash is kept.
The retrained models for tuning (forget seeds 100 and 101) go to .work/, they are not shipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from recipes.classifier import training
from recipes.classifier.training import ID, THREADS, TUNING_SPECS, Job
from recipes.command import parser_of
from recipes.train import WORK
from sfr_core.data.datasets import fashion_mnist
from sfr_core.zoo.shipped import MODELS, read_card, write_card


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--only", nargs="+", metavar="SPEC", help="'original' or forget specifications")
    parser.add_argument("--again", action="store_true", help="train also what is there")
    parser.add_argument("--time", action="store_true", help="time one retraining on all cores of a quiet machine")
    parser.add_argument("--tuning", action="store_true", help="the two retrained models for tuning, into .work/tuning")
    args = parser.parse_args(argv)
    dataset = fashion_mnist()
    folder = MODELS / ID
    if args.time:
        _, wall, _ = training.train(Job("class:Sneaker"), dataset)
        threads = torch.get_num_threads()
        with training.locked(folder):
            write_card(replace(read_card(folder), retrain_seconds=round(wall, 1), retrain_threads=threads))
        print(f"A retraining takes {wall:.0f} s with {threads} threads.")
        return
    torch.set_num_threads(THREADS)
    if args.tuning:
        for job in map(Job, TUNING_SPECS):
            path = WORK / "tuning" / job.file
            if args.again or not path.exists():
                task, wall, _ = training.train(job, dataset)
                training.save(task, path)
                print(f"{job.spec}: {training.accuracies(task, dataset)}, {wall:.0f} s", flush=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    offered = training.jobs(dataset)
    wanted = [job for job in offered if args.only is None or job.spec in args.only]
    if unknown := set(args.only or ()) - {job.spec for job in wanted}:
        parser.error(f"not shipped: {', '.join(sorted(unknown))}; there are {', '.join(job.spec for job in offered)}")
    for job in wanted:
        if args.again or not training.present(job, folder):
            training.run(job, dataset, folder)


if __name__ == "__main__":
    main()
