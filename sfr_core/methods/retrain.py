"""Retrain (RT): exact unlearning, the reference: a new model that never saw the forget set."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from sfr_core.cancel import CancelToken
from sfr_core.catalog.retrain import RetrainConfig, RetrainStepsConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, cycle, epoch_lr, train_epochs, train_steps
from sfr_core.ops.schedules import cosine
from sfr_core.tasks.base import Task
from sfr_core.tasks.classifier import ClassifierTask, training_batches


def retrain(
    task: ClassifierTask, config: RetrainConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """Puts fresh random weights into `task.model` and descends L_r on the remain set, by the recipe of the original.

    The weights are replaced when the first step begins, so a run that is stopped before it has changed nothing.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    steps = config.epochs * training_batches(task.count("remain"), config.batch_size)

    def epoch(number: int) -> Iterator[Objective]:
        if number == 0:
            start_afresh(task, task.new_model(rng))
        shift = config.shift if number < config.shift_share * config.epochs else 0
        for batch in task.batches("remain", config.batch_size, rng):
            if shift:
                batch = task.shifted(batch, shift, rng)
            loss = task.losses(batch, rng).mean()
            yield Objective(loss, remain=loss)

    def lr_at(step: int, number: int) -> float:
        if config.lr_schedule == "one-cycle":
            return config.lr * one_cycle(step, steps, config.warmup)
        return epoch_lr(config, number)

    yield from train_epochs(task, config, epoch, steps=steps, cancel=cancel, lr_at=lr_at, nesterov=config.nesterov)


def retrain_steps(
    task: Task, config: RetrainStepsConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """The same for generators: `config.steps` steps on the remain set from fresh weights, in train mode.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    remain = cycle(lambda: task.batches("remain", config.batch_size, rng))

    def objective(i: int) -> Objective:
        if i == 0:
            start_afresh(task, task.new_model(rng))
        loss = task.losses(next(remain), rng).mean()
        return Objective(loss, remain=loss)

    yield from train_steps(task, config, objective, cancel=cancel)


@torch.no_grad()
def start_afresh(task: Task, fresh: nn.Module) -> None:
    """Copies the weights (of the trainable slice) and buffers of a new model into the live one, in place."""
    weights, buffers = dict(fresh.named_parameters()), dict(fresh.named_buffers())
    for name, parameter in task.parameters().items():
        parameter.copy_(weights[name])
    for name, buffer in task.model.named_buffers():
        buffer.copy_(buffers[name])


def one_cycle(step: int, steps: int, warmup: float) -> float:
    """Share of the peak learning rate in step 0 .. steps-1: a line up during `warmup` of the steps, then a cosine to 0."""
    rise = warmup * steps
    if step < rise:
        return (step + 1) / (rise + 1)
    return cosine((step - rise) / (steps - rise))
