"""What the loop costs beside a bare one: CPU time per forget-and-remain pair, ours over bare, in one process.

    python -m bench.loop [--pairs 20] [--rounds 5]

Both do the same two forward-backward-update passes on the same batches; ours adds weights, mask, clip, schedule and events.
Target: at most 1.10.
"""

from __future__ import annotations

import statistics
import time

import torch

from recipes.command import parser_of
from sfr_core.cancel import CancelToken
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.configs import RunConfig
from sfr_core.events import Finished
from sfr_core.methods.common import cycle
from sfr_core.methods.sfron import unlearn
from sfr_core.ops.optimizers import make_optimizer
from sfr_core.ops.saliency import Tensors
from sfr_core.presets import resolve
from sfr_core.runs.session import Session
from sfr_core.tasks.classifier import ClassifierTask

MODEL, FORGET = "fashion-mnist-resnet", "class:Sneaker"


def ours(task: ClassifierTask, config: SFRonConfig, mask: Tensors) -> float:
    """CPU seconds of our loop."""
    started = time.process_time()
    for event in unlearn(task, config, mask, rng=torch.Generator().manual_seed(0), cancel=CancelToken()):
        assert not isinstance(event, Finished) or event.steps == config.steps
    return time.process_time() - started


def bare(task: ClassifierTask, config: SFRonConfig) -> float:
    """CPU seconds of the same passes without anything around them."""
    rng = torch.Generator().manual_seed(0)
    started = time.process_time()
    optimizer = make_optimizer(config, task.model.parameters())
    forget = cycle(lambda: task.batches("forget", config.batch_size, rng))
    remain = cycle(lambda: task.batches("remain", config.batch_size, rng))
    task.model.train()
    for _ in range(config.steps):
        for batches, sign in ((forget, -1e-3), (remain, 1.0)):
            loss = task.losses(next(batches), rng).mean()
            optimizer.zero_grad()
            torch.autograd.backward(sign * loss)
            optimizer.step()
    return time.process_time() - started


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)  # with several threads the CPU time of waiting threads would blur the ratio
    settings = resolve(MODEL, "sfr-on", forget=FORGET)
    settings |= {"steps": args.pairs, "forget_every": 1, "alpha": 1e-3}
    session = Session.open(RunConfig(model=MODEL, forget=FORGET, method="sfr-on", settings=settings))
    config = SFRonConfig.from_dict(settings)
    mask = {name: torch.rand_like(p) < 0.5 for name, p in session.task.parameters().items()}
    ratios = []
    for number in range(args.rounds + 1):
        session.rollback()
        plain = bare(session.task, config)
        session.rollback()
        full = ours(session.task, config, mask)
        if number:  # the first round warms up
            ratios.append(full / plain)
            print(
                f"round {number}: ours {full / args.pairs * 1e3:.1f} ms, bare {plain / args.pairs * 1e3:.1f} ms a pair"
            )
    print(
        f"{session.precision}, batch {config.batch_size}: ratio {statistics.median(ratios):.3f} (median of {args.rounds})"
    )


if __name__ == "__main__":
    main()
