"""SalUn: a mask of the weights that matter for the forget set, then random labels behind it (Fan et al., arXiv 2310.12508).

`salun` is the classifier's form, `salun_joint` the generator's: redirection and remain loss in one step.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import partial
from itertools import islice

import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.salun import SalUnConfig, SalUnJointConfig
from sfr_core.errors import InputError
from sfr_core.events import Event, PhaseProgress, PhaseStarted
from sfr_core.methods.common import (
    Objective,
    batch_count,
    cycle,
    finite,
    last_event,
    train_on_both,
    train_steps,
    training_run,
)
from sfr_core.ops.saliency import Tensors, batch_gradients, describe_mask, top_fraction_mask, zeros_like_parameters
from sfr_core.tasks.base import Task
from sfr_core.tasks.classifier import ClassifierTask

DECADES = tuple(10.0 ** (k / 10) for k in range(-60, 1))
"""Grid on which each layer's kept entries are counted: 61 shares, 1e-6 to 1, of the largest score."""


def salun(task: ClassifierTask, config: SalUnConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """Random label, with every gradient (also that of remain rows) multiplied by the saliency mask.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    # The mask draws from a copy of the generator: a mask of ones is then random label itself, step by step.
    mask_rng = rng.clone_state()
    mask = yield from saliency(task, config.mask_fraction, config.batch_size, None, rng=mask_rng, cancel=cancel)
    if mask is None:
        yield last_event(0, cancel, stopped=True)
        return
    wrong = partial(task.redirect_losses, rng=rng)
    yield from train_on_both(task, config, wrong, rng=rng, cancel=cancel, mask=mask)


def salun_joint(task: Task, config: SalUnJointConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """One joint step: forget_weight * redirection + remain_weight * L_r; clip, THEN mask, then step (as published).

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    size, clip, limit = config.batch_size, config.saliency_clip, config.saliency_batches
    mask = yield from saliency(task, config.mask_fraction, size, clip, limit=limit, rng=rng, cancel=cancel)
    if mask is None:
        yield last_event(0, cancel, stopped=True)
        return
    forget = cycle(lambda: task.batches("forget", config.batch_size, rng))
    remain = cycle(lambda: task.batches("remain", config.batch_size, rng))

    def objective(_: int) -> Objective:
        remain_loss = task.losses(next(remain), rng).mean()
        forget_loss = task.redirect_losses(next(forget), rng).mean()
        total = config.forget_weight * forget_loss + config.remain_weight * remain_loss
        return Objective(total, forget=forget_loss, remain=remain_loss)

    yield from train_steps(task, config, objective, cancel=cancel, mask=mask)


def saliency(
    task: Task,
    fraction: float,
    size: int,
    clip: float | None,
    *,
    limit: int | None = None,
    rng: torch.Generator,
    cancel: CancelToken,
) -> Generator[Event, None, Tensors | None]:
    """The entries with the largest |sum over forget batches of the gradient of the batch mean|, in eval mode.

    Args:
        fraction: share of all entries that is kept.
        clip: norm to which each batch gradient is cut before it is added.
        limit: batches at most; None takes one whole pass.

    Returns:
        The mask by parameter name (bool, true = may move), or None if it was cancelled.
    """
    parameters = task.parameters()
    batches = islice(task.fisher_batches("forget", size, rng), limit)
    total = batch_count(task.count("forget"), size)
    total = min(total, limit or total)
    yield PhaseStarted(phase="mask", total=total)
    summed, done = zeros_like_parameters(parameters), 0
    with training_run(task.model):
        while True:
            if cancel.cancelled:
                return None
            task.model.eval()
            batch = next(batches, None)
            if batch is None:
                break
            losses = task.fisher_losses(batch, rng)
            finite(losses.mean())
            for name, gradient in batch_gradients(parameters, losses.mean(), clip).items():
                summed[name] += gradient
            done += 1
            yield PhaseProgress(phase="mask", done=done, total=total)
    if not done:
        raise InputError("There is nothing to estimate the mask on.", hint="Choose a larger set.")
    scores = {name: value.abs_() for name, value in summed.items()}
    mask, cut_off = top_fraction_mask(scores, fraction)
    largest = max(float(value.max()) for value in scores.values()) or 1.0
    # An empty mask has no cut-off; JSON has no infinity.
    yield describe_mask(mask, min(cut_off, largest), scores, tuple(largest * share for share in DECADES))
    return mask
