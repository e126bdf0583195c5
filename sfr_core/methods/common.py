"""What every method's loop shares: optimisers, learning-rate schedules, clipping, endless batches."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.configs import EpochConfig, StepConfig
from sfr_core.errors import LOWER, Diverged, InputError
from sfr_core.events import Cancelled, Event, Finished, PhaseStarted, Step
from sfr_core.ops.modes import kept_modes
from sfr_core.ops.optimizers import make_optimizer, set_lr
from sfr_core.ops.ranks import average_gradients, stopping
from sfr_core.ops.schedules import cosine
from sfr_core.tasks.base import Batch, Part, Task
from sfr_core.tasks.classifier import ClassifierTask, LabelledBatch, training_batches

Parameters = dict[str, nn.Parameter]


def clip_gradients(parameters: Iterable[nn.Parameter], limit: float | None) -> float:
    """Scales all gradients by min(1, limit / (norm + 1e-6)); returns the global L2 norm that remains.

    Raises:
        Diverged: the norm is NaN or infinite.
    """
    grads = [p.grad for p in parameters if p.grad is not None]
    norm = float(torch.nn.utils.get_total_norm(grads))
    if not math.isfinite(norm):
        raise Diverged("A gradient is no longer finite.", hint=LOWER)
    if limit is None:
        return norm
    factor = min(1.0, limit / (norm + 1e-6))
    if factor < 1.0:
        torch._foreach_mul_(grads, factor)
    return norm * factor


def finite(loss: Tensor) -> float:
    """The loss as a number.

    Raises:
        Diverged: it is NaN or infinite.
    """
    value = float(loss.detach())
    if not math.isfinite(value):
        raise Diverged("A loss is no longer finite.", hint=LOWER)
    return value


def cycle(one_pass: Callable[[], Iterator[Batch]]) -> Iterator[Batch]:
    """Endless batches: a new pass begins when one is used up.

    Raises:
        InputError: a pass without any batch.
    """
    while True:
        empty = True
        for batch in one_pass():
            empty = False
            yield batch
        if empty:
            raise InputError("There is nothing to train on.", hint="Choose a larger set or a smaller batch size.")


@contextmanager
def training_run(model: nn.Module) -> Iterator[None]:
    """Gives every module its mode back at the end of a run, and drops the gradients that the run left."""
    try:
        with kept_modes(model):
            yield
    finally:
        model.zero_grad(set_to_none=True)


def frozen_copy(model: nn.Module) -> nn.Module:
    """A teacher: a copy of `model` in eval mode whose weights need no gradient."""
    return copy.deepcopy(model).eval().requires_grad_(False)


def mask_gradients(parameters: Parameters, mask: Mapping[str, Tensor]) -> None:
    """grad := mask * grad. A masked weight gets the gradient 0, so momentum and weight decay still move it."""
    for name, parameter in parameters.items():
        if parameter.grad is not None:
            parameter.grad.mul_(mask[name])


def gradient_norm(parameters: Iterable[nn.Parameter]) -> float:
    """Global L2 norm of the gradients; a missing gradient counts as 0."""
    return float(torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]))


def batch_count(rows: int, size: int) -> int:
    """Batches in one pass; the last one may be short."""
    return -(-rows // size)


def last_event(done: int, cancel: CancelToken, stopped: bool) -> Event:
    """Finished after `done` steps, or Cancelled with the reason when the run was `stopped`."""
    if not stopped:
        return Finished(steps=done)
    return Cancelled(steps=done, reason="deadline" if cancel.timed_out else "stopped")


@dataclass(frozen=True, slots=True)
class Objective:
    """What one optimiser step descends, and what its Step reports.

    Attributes:
        total: scalar to differentiate.
        forget, remain: positive mean loss of either part, scalar; None where the step has no such part.
        alpha: strength of the ascent in this step; None where the method has none.
    """

    total: Tensor
    forget: Tensor | None = None
    remain: Tensor | None = None
    alpha: float | None = None


def split_objective(losses: Tensor, is_forget: Tensor) -> Objective:
    """The mean of `losses` [n] over a union batch, reported apart for its forget and its remain rows."""
    seen = losses.detach()
    forget, remain = seen[is_forget], seen[~is_forget]
    return Objective(losses.mean(), forget.mean() if len(forget) else None, remain.mean() if len(remain) else None)


def epoch_lr(config: EpochConfig, epoch: int) -> float:
    """Learning rate of an epoch counted from 0: lr * (1 + cos(pi * e / E)) / 2, or constant."""
    return config.lr if config.lr_schedule == "constant" else config.lr * cosine(epoch / config.epochs)


def train_epochs(
    task: Task,
    config: EpochConfig,
    epoch: Callable[[int], Iterator[Objective]],
    *,
    steps: int,
    cancel: CancelToken,
    training: bool = True,
    mask: Mapping[str, Tensor] | None = None,
    clip: float | None = None,
    lr_at: Callable[[int, int], float] | None = None,
    nesterov: bool = False,
) -> Iterator[Event]:
    """The baselines of classifiers: `config.epochs` epochs, one Step event an optimiser step.

    Args:
        epoch: gives the objectives of epoch e (from 0); it is asked for the next one only after `cancel` was.
        steps: optimiser steps of the whole run, for the progress.
        training: False freezes BatchNorm (eval mode).
        mask: multiplies every gradient, before the clip.
        clip: largest norm of the gradient that the optimiser receives.
        lr_at: learning rate by (step, epoch), both from 0; default `epoch_lr`.

    Raises:
        Diverged: a loss or a gradient became NaN or infinite. InputError: there was no batch at all.
    """
    optimizer = make_optimizer(config, task.parameters().values(), nesterov=nesterov)
    pairs = ((e, objective) for e in range(config.epochs) for objective in epoch(e))
    numbered = ((lr_at(i, e) if lr_at else epoch_lr(config, e), o) for i, (e, o) in enumerate(pairs))
    yield from descend(task, optimizer, numbered, steps=steps, cancel=cancel, training=training, mask=mask, clip=clip)


def train_on(
    part: Part,
    task: Task,
    config: EpochConfig | StepConfig,
    objective: Callable[[Batch], Objective],
    *,
    rng: torch.Generator,
    cancel: CancelToken,
    training: bool = True,
    clip: float | None = None,
) -> Iterator[Event]:
    """The baselines that look at one set alone: its batches in turn, in epochs of classifiers or in steps of generators.

    Args:
        objective: of a batch of the set.
        training, clip: as for `train_epochs`; in steps `train_steps` knows them.

    Raises:
        Diverged: a loss or a gradient became NaN or infinite. InputError: there was no batch at all.
    """

    def one_pass() -> Iterator[Batch]:
        return task.batches(part, config.batch_size, rng)

    if isinstance(config, StepConfig):
        batches = cycle(one_pass)
        yield from train_steps(task, config, lambda _: objective(next(batches)), cancel=cancel)
        return
    steps = config.epochs * training_batches(task.count(part), config.batch_size)
    yield from train_epochs(
        task, config, lambda _: map(objective, one_pass()), steps=steps, cancel=cancel, training=training, clip=clip
    )


def train_on_both(
    task: ClassifierTask,
    config: EpochConfig,
    losses: Callable[[LabelledBatch], Tensor],
    *,
    rng: torch.Generator,
    cancel: CancelToken,
    mask: Mapping[str, Tensor] | None = None,
) -> Iterator[Event]:
    """The baselines of classifiers that shuffle both sets together; `losses` [n] of a batch. Errors as `train_epochs`."""

    def epoch(_: int) -> Iterator[Objective]:
        for batch in task.union_batches(config.batch_size, rng):
            yield split_objective(losses(batch), task.is_forget(batch))

    steps = config.epochs * training_batches(task.count("forget") + task.count("remain"), config.batch_size)
    yield from train_epochs(task, config, epoch, steps=steps, cancel=cancel, mask=mask)


def train_steps(
    task: Task,
    config: StepConfig,
    objective: Callable[[int], Objective],
    *,
    cancel: CancelToken,
    mask: Mapping[str, Tensor] | None = None,
) -> Iterator[Event]:
    """The baselines of generators: `config.steps` steps at one learning rate, in train mode.

    Args:
        objective: gives the objective of step i (from 0); it is asked only after `cancel` was.
        mask: multiplies every gradient, AFTER the clip (as published for DDPM).

    Raises:
        Diverged: a loss or a gradient became NaN or infinite. InputError: a set without any batch.
    """
    optimizer = make_optimizer(config, task.parameters().values())
    objectives = ((config.lr, objective(i)) for i in range(config.steps))
    yield from descend(
        task, optimizer, objectives, steps=config.steps, cancel=cancel, mask=mask, clip=config.clip, mask_first=False
    )


def descend(
    task: Task,
    optimizer: torch.optim.Optimizer,
    objectives: Iterator[tuple[float, Objective]],
    *,
    steps: int,
    cancel: CancelToken,
    training: bool = True,
    mask: Mapping[str, Tensor] | None = None,
    clip: float | None = None,
    mask_first: bool = True,
) -> Iterator[Event]:
    """The loop of every baseline: for each pair of learning rate and objective one optimiser step and one Step event."""
    parameters = task.parameters()
    weights = list(parameters.values())
    yield PhaseStarted(phase="unlearn", total=steps)
    done, stopped = 0, False
    with training_run(task.model):
        while True:
            # A stop that comes after the last step finds nothing left to stop.
            if stopped := done < steps and stopping(cancel):
                break
            started = time.perf_counter()
            task.model.train(training)
            found = next(objectives, None)
            if found is None:
                break
            lr, objective = found
            finite(objective.total)
            set_lr(optimizer, lr)
            optimizer.zero_grad()
            objective.total.backward(inputs=weights)  # type: ignore[no-untyped-call]
            average_gradients(weights)
            if mask is not None and mask_first:
                mask_gradients(parameters, mask)
            norm = clip_gradients(weights, clip)
            if mask is not None and not mask_first:
                mask_gradients(parameters, mask)
                norm = gradient_norm(weights)
            optimizer.step()
            done += 1
            yield Step(
                i=done,
                total=steps,
                forget_loss=None if objective.forget is None else finite(objective.forget),
                remain_loss=None if objective.remain is None else finite(objective.remain),
                alpha=objective.alpha,
                lr=lr,
                # A step on both parts has one gradient: its norm stands under both names.
                forget_grad_norm=None if objective.forget is None else norm,
                remain_grad_norm=None if objective.remain is None else norm,
                seconds=time.perf_counter() - started,
            )
    if not done and not stopped:
        raise InputError("There is nothing to train on.", hint="Choose a larger set or a smaller batch size.")
    yield last_event(done, cancel, stopped)
