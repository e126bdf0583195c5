"""Gradient ascent (GA): climb the loss of the forget set (Thudi et al., arXiv 2109.13398)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from sfr_core.cancel import CancelToken
from sfr_core.configs import GradientAscentConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, batch_count, train_epochs
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
