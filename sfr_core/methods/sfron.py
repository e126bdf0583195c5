"""SFR-on: saliency forgetting in the remain-preserving manifold, online (Huang et al., NeurIPS 2024, arXiv 2409.19732).

One loop for every task, and for SFR-on redirected too (catalog/sfron_redirected.py). Three phases: estimate both diagonal Fishers, make the mask (S), then alternate a fast forgetting
step with adaptive weights (F) and slow remain steps (R-on). Where paper and published code differ, a config field decides.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import islice
from typing import cast

import torch
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.catalog.sfron import UNSEEN_ROWS, SFRonConfig
from sfr_core.catalog.sfron_redirected import RedirectedConfig
from sfr_core.errors import InputError
from sfr_core.events import Event, PhaseProgress, PhaseStarted, Step
from sfr_core.methods.common import clip_gradients, cycle, finite, frozen_copy, last_event, training_run
from sfr_core.ops.optimizers import COUPLED_DECAY, make_optimizer, set_lr
from sfr_core.ops.ranks import average, average_gradients, processes, stopping
from sfr_core.ops.saliency import (
    Tensors,
    add_squares,
    batch_gradients,
    describe_saliency,
    saliency_mask,
    zeros_like_parameters,
)
from sfr_core.ops.schedules import alpha_at, cosine, warmed
from sfr_core.ops.weighting import (
    Unseen,
    adaptive_weights,
    inverse_losses,
    set_weights,
    uniform_weights,
    unseen_weights,
)
from sfr_core.tasks.base import Batch, Part, Task
from sfr_core.tasks.classifier import ClassifierTask
from sfr_core.tasks.diffusion import DiffusionTask

ENOUGH = 5
"""Forgetting steps over whose mean a run knows how much is left (RedirectedConfig.forget_down_to): one batch says little."""


def sfron(task: Task, config: SFRonConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """Runs SFR-on on `task.model` in place.

    Args:
        config: it asks for nothing that the task's kind lacks (`check_abilities`).

    Yields:
        PhaseStarted, PhaseProgress, MaskReady, one Step per outer step, then Finished or Cancelled.

    Raises:
        Diverged: a loss or gradient is no longer finite. InputError: there is nothing to estimate the mask on.
    """
    mask: Tensors | None = None
    if config.mask:
        fishers: list[Tensors] = []
        for part in ("forget", "remain"):
            fisher = yield from estimate_fisher(task, part, config, rng=rng, cancel=cancel)
            if fisher is None:
                yield last_event(0, cancel, stopped=True)
                return
            # The first one waits in main memory: a GPU would hold it beside the second one and all gradients.
            fishers.append({name: value.cpu() for name, value in fisher.items()} if part == "forget" else fisher)
        yield PhaseStarted(phase="mask", total=0)
        fishers[0] = {name: value.to(fishers[1][name].device) for name, value in fishers[0].items()}
        mask = saliency_mask(fishers[0], fishers[1], config.gamma, config.mask_eps)
        yield describe_saliency(mask, fishers[0], fishers[1], config.gamma, config.mask_eps)
        del fishers
    yield from unlearn(task, config, mask, rng=rng, cancel=cancel)


def estimate_fisher(
    task: Task, part: Part, config: SFRonConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Generator[Event, None, Tensors | None]:
    """F = (1/n) * sum_b (gradient of the mean loss of batch b)**2, in eval mode at the present weights.

    A squared batch mean, as published; the Fisher of single samples would square before averaging (docs/reference.md, section 6.6).

    Returns:
        The diagonal by parameter name, or None if it was cancelled.
    """
    parameters = task.parameters()
    total = math.ceil(task.count(part) / config.fisher_batch_size)
    if config.fisher_last_batch == "drop":
        total = max(1, task.count(part) // config.fisher_batch_size)
    total = math.ceil(min(total, config.fisher_batches or total) / processes())
    yield PhaseStarted(phase="fisher", total=total)
    fisher, used = zeros_like_parameters(parameters), 0
    limit = total if processes() > 1 else config.fisher_batches
    with training_run(task.model):
        task.model.eval()
        for batch in islice(task.fisher_batches(part, config.fisher_batch_size, rng), limit):
            if stopping(cancel):
                return None
            losses = task.fisher_losses(batch, rng)
            if config.fisher_last_batch == "drop" and used and len(losses) < config.fisher_batch_size:
                continue
            add_squares(fisher, batch_gradients(parameters, losses.mean(), config.fisher_clip))
            used += 1
            yield PhaseProgress(phase="fisher", done=used, total=total)
    if not used:
        raise InputError("There is nothing to estimate the mask on.", hint="Choose a larger set.")
    average(fisher.values())
    return {name: total_squares.div_(used) for name, total_squares in fisher.items()}


def unlearn(
    task: Task, asked: SFRonConfig, mask: Tensors | None, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """The alternating loop (R-on), T outer steps; every K-th begins with a forgetting step."""
    config = RedirectedConfig.of(asked)
    parameters = task.parameters()
    masks = None if mask is None else [mask[name] for name in parameters]
    remain_optimizer = make_optimizer(config, parameters.values(), eps=config.adam_eps)
    forget_optimizer = remain_optimizer
    if config.separate:
        rule = config.optimizer if config.forget_optimizer == "same" else config.forget_optimizer
        # Adam makes a full step of decay, however small, where the mask leaves no other gradient; AdamW keeps the two apart.
        decay = 0.0 if rule in COUPLED_DECAY and rule != config.optimizer else config.weight_decay
        own = replace(config, optimizer=rule, weight_decay=decay)
        forget_optimizer = make_optimizer(own, parameters.values(), eps=config.adam_eps)
    forget = cycle(lambda: task.batches("forget", config.batch_size, rng))
    remain = cycle(lambda: task.batches("remain", config.batch_size, rng))
    slow = _slow_copy(task, config)
    before = frozen_copy(task.model) if config.recalls else None
    unseen = None
    if config.stop_when_unseen:
        unseen = cast(ClassifierTask, task).unseen(UNSEEN_ROWS, config.unseen_tau)
    left: deque[float] = deque(maxlen=ENOUGH)
    yield PhaseStarted(phase="unlearn", total=config.steps)
    done = 0
    with training_run(task.model):
        for t in range(config.steps):
            if stopping(cancel):
                break
            started = time.perf_counter()
            task.model.train()
            lr = _rate(config.lr, t, config)
            alpha = alpha_at(t, config.steps, config.alpha, config.alpha_schedule)
            set_lr(remain_optimizer, lr)
            set_lr(forget_optimizer, lr if config.forget_lr is None else _rate(config.forget_lr, t, config))
            forget_loss = forget_norm = None
            due = t % config.forget_every == 0 and (config.forget_steps is None or t < config.forget_steps)
            if (
                due
                and not _forgot_enough(left, config)
                and not _label_misleads(task, batch := next(forget), config, rng)
            ):
                forget_loss = forget_gradient(task, batch, config, alpha, masks, rng, before, unseen)
                if config.forget_down_to is not None:
                    left.append(_mean_of_processes(forget_loss, task))
                if config.alternate:
                    forget_norm = clip_gradients(parameters.values(), config.clip_forget)
                    _forget_step(forget_optimizer, parameters, masks if config.masked_weights == "hold" else None)
            if config.alternate:
                remain_optimizer.zero_grad()
            remain_loss = _remain_losses(task, next(remain), config, rng, before).mean()
            torch.autograd.backward(remain_loss)
            average_gradients(parameters.values())
            # One joint step (ablation R) has one gradient: the forgetting part bounds it.
            clip = config.clip_remain if config.alternate else config.clip_forget
            remain_norm = clip_gradients(parameters.values(), clip)
            remain_optimizer.step()
            remain_optimizer.zero_grad()
            done = t + 1
            # The last cycle may be short; it ends with the run.
            cycle_ends = done % config.forget_every == 0 or done == config.steps
            if slow is not None and (config.slow_scope == "step" or cycle_ends):
                _move_slow(slow, config.slow_beta)
            yield Step(
                i=done,
                total=config.steps,
                forget_loss=forget_loss,
                remain_loss=finite(remain_loss),
                alpha=None if forget_loss is None else alpha,
                lr=lr,
                forget_grad_norm=forget_norm,
                remain_grad_norm=remain_norm,
                seconds=time.perf_counter() - started,
            )
    yield last_event(done, cancel, stopped=done < config.steps)


def _rate(start: float, t: int, config: RedirectedConfig) -> float:
    """Learning rate of outer step t (from 0) that begins with `start`."""
    rate = start * cosine(t / config.steps) if config.lr_schedule == "cosine" else start
    return rate * warmed(t, config.lr_warmup)


def _label_misleads(task: Task, batch: Batch, config: RedirectedConfig, rng: torch.Generator) -> bool:
    """Whether the label already misleads the model by `forget_until`, so that ascent would only harm (docs/adr/0028)."""
    if config.forget_until is None:
        return False
    return _mean_of_processes(cast(DiffusionTask, task).label_gap(batch, rng), task) >= config.forget_until


def _forgot_enough(left: deque[float], config: RedirectedConfig) -> bool:
    """Whether the last ENOUGH forgetting steps found no more than `forget_down_to` of the way left (docs/adr/0041)."""
    return config.forget_down_to is not None and len(left) == ENOUGH and sum(left) / ENOUGH <= config.forget_down_to


def _mean_of_processes(value: float, task: Task) -> float:
    """The mean of a number over all processes, which must decide alike."""
    if processes() == 1:
        return value
    mean = torch.tensor(value, device=next(task.model.parameters()).device)
    average([mean])
    return float(mean)


def forget_gradient(
    task: Task, batch: Batch, config: RedirectedConfig, alpha: float, masks: list[Tensor] | None, rng: torch.Generator,
    before: nn.Module | None = None, unseen: Unseen | None = None,
) -> float:  # fmt: skip
    """Leaves m * grad(-alpha_t * sum_i w_i l_i) in `.grad` (redirecting: +alpha_t); returns sum_i w_i l_i.

    `before` is the model as it was, where the config recalls it; `unseen` weighs rows by how unseen they look.
    """
    parameters = list(task.parameters().values())
    for p in parameters:
        p.grad = None
    mean_inverse = None
    if config.adaptive and config.weight_scope == "forget-set":
        mean_inverse = _mean_inverse_loss(task, config, rng, before)
        task.model.train()
    losses = _forget_losses(task, batch, config, rng, before)
    if not config.adaptive:
        weights = uniform_weights(losses)
    elif mean_inverse is None:
        weights = adaptive_weights(losses, config.lam, config.weight_eps, config.loss_floor)
    else:
        weights = set_weights(losses, mean_inverse, config.lam, config.weight_eps, config.loss_floor)
    if unseen is not None:
        weights = weights * unseen_weights(losses, batch.y, unseen)
    loss = (weights * losses).sum()
    value = finite(loss)
    torch.autograd.backward((-alpha if config.forget_loss == "ascent" else alpha) * loss)
    average_gradients(parameters)
    if masks is not None:
        for p, m in zip(parameters, masks, strict=True):
            if p.grad is not None:
                p.grad.mul_(m)
    return value


def _remain_losses(
    task: Task, batch: Batch, config: RedirectedConfig, rng: torch.Generator, before: nn.Module | None
) -> Tensor:
    """Per-sample losses [n] of a remain batch, which the repair descends."""
    if config.remain_loss == "recall" and before is not None:
        return cast(DiffusionTask, task).recall_losses(batch, before, rng, config.recall_weights)
    return task.losses(batch, rng)


def _forget_losses(
    task: Task, batch: Batch, config: RedirectedConfig, rng: torch.Generator, before: nn.Module | None
) -> Tensor:
    """Per-sample losses [n] that the forgetting step climbs, or descends where the config redirects."""
    if config.forget_loss == "relative" and before is not None:
        return cast(DiffusionTask, task).relative_losses(batch, before, rng, config.other)
    if config.forget_loss == "redirect":
        return task.redirect_losses(batch, rng)
    return task.losses(batch, rng)


def _forget_step(
    optimizer: torch.optim.Optimizer, parameters: dict[str, nn.Parameter], hold: list[Tensor] | None
) -> None:
    """One optimiser step; with `hold`, entries where the mask is 0 keep their value in spite of momentum and decay."""
    before = None if hold is None else [p.detach().clone() for p in parameters.values()]
    optimizer.step()
    if before is not None and hold is not None:
        with torch.no_grad():
            for p, old, m in zip(parameters.values(), before, hold, strict=True):
                p.copy_(torch.where(m.bool(), p, old))


@torch.no_grad()
def _mean_inverse_loss(task: Task, config: RedirectedConfig, rng: torch.Generator, before: nn.Module | None) -> Tensor:
    """Mean of c_j over the whole forget set at the present weights (eval mode, so that no BatchNorm statistics move)."""
    task.model.eval()
    all_c = [
        inverse_losses(
            _forget_losses(task, batch, config, rng, before), config.lam, config.weight_eps, config.loss_floor
        )
        for batch in task.batches("forget", config.fisher_batch_size, rng)
    ]
    return torch.cat(all_c).mean()


def _slow_copy(task: Task, config: SFRonConfig) -> list[tuple[Tensor, Tensor]] | None:
    """Pairs (live, slow copy); the paper's outer cycle averages BatchNorm statistics too, the published step does not."""
    if config.slow_beta == 1.0:
        return None
    live: list[Tensor] = list(task.parameters().values())
    if config.slow_scope == "outer":
        live += [b for b in task.model.buffers() if b.is_floating_point()]
    return [(tensor, tensor.detach().clone()) for tensor in live]


@torch.no_grad()
def _move_slow(slow: list[tuple[Tensor, Tensor]], beta: float) -> None:
    """theta <- (1 - beta) * theta_slow + beta * theta, and the slow copy follows (paper: theta_t - alpha(theta_t - theta_r))."""
    for live, copy in slow:
        live.lerp_(copy, 1.0 - beta)
        copy.copy_(live)
