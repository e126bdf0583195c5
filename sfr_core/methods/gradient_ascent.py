"""Gradient ascent (GA): climb the loss of the forget set (Thudi et al., arXiv 2109.13398)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.gradient_ascent import AscentStepsConfig, GradientAscentConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, batch_count, cycle, train_epochs, train_steps
from sfr_core.tasks.base import Task


def gradient_ascent(
    task: Task, config: GradientAscentConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """Descends -L_f on the forget set only, in eval mode: BatchNorm neither uses nor learns forget statistics.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """

    def epoch(_: int) -> Iterator[Objective]:
        for batch in task.forget_batches(config.batch_size, rng):
            loss = task.losses(batch, rng).mean()
            yield Objective(-loss, forget=loss)

    steps = config.epochs * batch_count(task.count("forget"), config.batch_size)
    yield from train_epochs(task, config, epoch, steps=steps, cancel=cancel, training=False, clip=config.clip)


def gradient_ascent_steps(
    task: Task, config: AscentStepsConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """The same for generators: `config.steps` steps on the forget set, in train mode (they have no BatchNorm).

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    forget = cycle(lambda: task.forget_batches(config.batch_size, rng))

    def objective(_: int) -> Objective:
        loss = task.losses(next(forget), rng).mean()
        return Objective(-loss, forget=loss)

    yield from train_steps(task, config, objective, cancel=cancel)
