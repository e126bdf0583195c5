"""Joint loss, the ablation R of SFR-on: forget and repair in one and the same step (docs/reference.md, section 6.19)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.joint import JointConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, cycle, train_steps
from sfr_core.ops.schedules import alpha_at
from sfr_core.tasks.base import Task


def joint(task: Task, config: JointConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """Descends L_r - alpha_t * L_f: one backward pass over both batches, no mask, equal weights, in train mode.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    forget = cycle(lambda: task.batches("forget", config.batch_size, rng))
    remain = cycle(lambda: task.batches("remain", config.batch_size, rng))

    def objective(i: int) -> Objective:
        alpha = alpha_at(i, config.steps, config.alpha, config.alpha_schedule)
        forget_loss = task.losses(next(forget), rng).mean()
        remain_loss = task.losses(next(remain), rng).mean()
        return Objective(remain_loss - alpha * forget_loss, forget=forget_loss, remain=remain_loss, alpha=alpha)

    yield from train_steps(task, config, objective, cancel=cancel)
