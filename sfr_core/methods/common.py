"""What every method's loop shares: optimisers, learning-rate schedules, clipping, endless batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

from sfr_core.configs import MethodConfig
from sfr_core.errors import Diverged, InputError
from sfr_core.tasks.base import Batch

Parameters = dict[str, nn.Parameter]


def make_optimizer(config: MethodConfig, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimiser that the config names, over `parameters`."""
    if config.optimizer == "sgd":
        return torch.optim.SGD(parameters, config.lr, momentum=config.momentum, weight_decay=config.weight_decay)
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    return kind(parameters, config.lr, weight_decay=config.weight_decay)


def cosine(share: float) -> float:
    """(1 + cos(pi * share)) / 2: from 1 at share 0 to 0 at share 1."""
    return (1.0 + math.cos(math.pi * share)) / 2.0


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Sets the learning rate of every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = lr


def clip_gradients(parameters: Iterable[nn.Parameter], limit: float | None) -> float:
    """Scales all gradients by min(1, limit / (norm + 1e-6)); returns the global L2 norm that remains.

    Raises:
        Diverged: the norm is NaN or infinite.
    """
    grads = [p.grad for p in parameters if p.grad is not None]
    norm = float(torch.nn.utils.get_total_norm(grads))
    if not math.isfinite(norm):
        raise Diverged("A gradient is no longer finite.", hint="Lower the learning rate or the strength and run again.")
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
        raise Diverged("A loss is no longer finite.", hint="Lower the learning rate or the strength and run again.")
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
