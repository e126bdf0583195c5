"""Gradient ascent (GA): climb the loss of the forget set (Thudi et al., arXiv 2109.13398)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.gradient_ascent import GradientAscentConfig
from sfr_core.configs import StepConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, train_on
from sfr_core.tasks.base import Batch, Task


def gradient_ascent(
    task: Task, config: GradientAscentConfig | StepConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """Descends -L_f on the forget set only.

    A classifier in eval mode: BatchNorm neither uses nor learns forget statistics. Generators have none and stay in train mode.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """

    def objective(batch: Batch) -> Objective:
        loss = task.losses(batch, rng).mean()
        return Objective(-loss, forget=loss)

    training = isinstance(config, StepConfig)
    yield from train_on("forget", task, config, objective, rng=rng, cancel=cancel, training=training, clip=config.clip)
