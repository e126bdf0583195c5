"""MUNBa: unlearning as a Nash bargain of two gradients (Wu and Harandi, ICCV 2025, arXiv 2411.15537).

Checked against the authors' code (JingWu321/MUNBa, Classification/unlearn/MUNBa.py), which takes the closed form; the
abstract and introduction were read, not the proofs. The bargain G^T G alpha = 1 / alpha of two gradients has one solution,
alpha_i = 1 / (|g_i| sqrt(1 + cos)), so the step has length sqrt(2) and then the clip. Forget labels are drawn anew for each
batch and may be the true ones; once the forget set is used up, an epoch ends with plain remain steps without a clip. Where
no bargain exists (opposite gradients, or one of length 0) the code descends L_r + 0.1 L_f.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from sfr_core.cancel import CancelToken
from sfr_core.catalog.munba import MunbaConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, cycle, train_epochs
from sfr_core.tasks.classifier import ClassifierTask, training_batches

FAILED = (1.0, 0.1)
"""Weights of remaining and forgetting where no bargain exists."""


def munba(task: ClassifierTask, config: MunbaConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """In each epoch one step along the bargain for every forget batch, then remain steps to the end of the remain set.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    weights = list(task.parameters().values())

    def epoch(_: int) -> Iterator[Objective]:
        forget = task.batches("forget", config.batch_size, rng)
        remain = cycle(lambda: task.batches("remain", config.batch_size, rng))
        for _ in range(length):
            remain_loss = task.losses(next(remain), rng).mean()
            batch = next(forget, None)
            if batch is None:
                yield Objective(remain_loss, remain=remain_loss)
                continue
            remain_gradients = torch.autograd.grad(remain_loss, weights, materialize_grads=True)
            logits = task.logits(batch)
            labels = torch.randint(0, logits.shape[1], (len(logits),), generator=rng).to(logits.device)
            forget_loss = F.cross_entropy(logits, labels, reduction="none").mean()
            forget_gradients = torch.autograd.grad(forget_loss, weights, materialize_grads=True)
            step = bargained(remain_gradients, forget_gradients, config.clip)
            # Linear in the weights, so that its gradient is the step.
            total = torch.stack([(w * s).sum() for w, s in zip(weights, step, strict=True)]).sum()
            yield Objective(total, forget=forget_loss, remain=remain_loss)

    length = max(training_batches(task.count(part), config.batch_size) for part in ("forget", "remain"))
    yield from train_epochs(task, config, epoch, steps=config.epochs * length, cancel=cancel)


def bargained(remain: Sequence[Tensor], forget: Sequence[Tensor], clip: float | None) -> list[Tensor]:
    """alpha_r g_r + alpha_f g_f, cut to a length of `clip`; both gradients as lists of tensors of the same shapes."""
    ours, theirs = (float(torch.nn.utils.get_total_norm(list(g))) for g in (remain, forget))
    dot = float(torch.stack([(r * f).sum() for r, f in zip(remain, forget, strict=True)]).sum())
    of_remain, of_forget = shares(ours, theirs, dot)
    step = [of_remain * r + of_forget * f for r, f in zip(remain, forget, strict=True)]
    length = float(torch.nn.utils.get_total_norm(step))
    factor = 1.0 if clip is None else min(1.0, clip / (length + 1e-6))
    return [s * factor for s in step]


def shares(remain: float, forget: float, dot: float) -> tuple[float, float]:
    """(alpha_r, alpha_f) from the lengths of both gradients and their inner product; FAILED where no bargain exists."""
    both = remain * forget
    room = 1.0 + dot / both if both > 0 else 0.0
    if not room > 1e-6:
        return FAILED
    return 1.0 / (remain * math.sqrt(room)), 1.0 / (forget * math.sqrt(room))
