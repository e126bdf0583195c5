"""Fine-tuning (FT): go on training on the remain set and hope that the rest fades (Warnecke et al., arXiv 2108.11577)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.finetune import FinetuneConfig, FinetuneStepsConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, batch_count, cycle, train_epochs, train_steps
from sfr_core.tasks.base import Task


def finetune(task: Task, config: FinetuneConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """Descends L_r on the remain set only, in train mode.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """

    def epoch(_: int) -> Iterator[Objective]:
        for batch in task.remain_batches(config.batch_size, rng):
            loss = task.losses(batch, rng).mean()
            yield Objective(loss, remain=loss)

    steps = config.epochs * batch_count(task.count("remain"), config.batch_size)
    yield from train_epochs(task, config, epoch, steps=steps, cancel=cancel)


def finetune_steps(
    task: Task, config: FinetuneStepsConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """The same for generators: `config.steps` steps on the remain set, in train mode.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    remain = cycle(lambda: task.remain_batches(config.batch_size, rng))

    def objective(_: int) -> Objective:
        loss = task.losses(next(remain), rng).mean()
        return Objective(loss, remain=loss)

    yield from train_steps(task, config, objective, cancel=cancel)
