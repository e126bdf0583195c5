"""Several processes that run one config together, as `accelerate launch` starts them (data parallel).

Every process holds the whole model, sees batches of its own and steps with the average gradient, so that the batch is as many
times larger. Rank 0 alone looks, measures, speaks and writes. In a single process everything here does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
from torch import Tensor, distributed, nn

from sfr_core.cancel import CancelToken
from sfr_core.catalog import BY_KIND
from sfr_core.errors import InputError

SEEDS, SEEDS_APART = 2**32, 2654435761
"""Torch's generator on the CPU tells so many seeds apart; an odd step between the processes, far beyond the usual small ones."""


def join(method: str) -> None:
    """Joins the other processes of the launcher, if there are any; later calls do nothing.

    Args:
        method: what is going to run.

    Raises:
        InputError: a method that several processes cannot run together.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or processes() > 1:
        return
    able = dict.fromkeys(name for table in BY_KIND.values() for name, spec in table.items() if spec.together)
    if method not in able:
        raise InputError(
            f"Several processes cannot run '{method}' together.", hint=f"Use one, or one of {', '.join(able)}."
        )
    from accelerate import PartialState

    PartialState(cpu=not torch.cuda.is_available() or os.environ.get("ACCELERATE_USE_CPU", "").casefold() == "true")


def processes() -> int:
    """How many run together."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def rank() -> int:
    """Number of this process, from 0."""
    return distributed.get_rank() if processes() > 1 else 0


def rank_seed(seed: int) -> int:
    """A seed for this process's own draws; rank 0 keeps the run's."""
    return (seed + SEEDS_APART * rank()) % SEEDS


def average(tensors: Iterable[Tensor]) -> None:
    """Replaces each tensor by its mean over all processes, in place; every process gives the same shapes in the same order."""
    if processes() > 1:
        for tensor in tensors:
            distributed.all_reduce(tensor)
            tensor.div_(processes())


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replaces each gradient by its mean over all processes; a missing one counts as zero."""
    if processes() > 1:
        for p in parameters:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
            average([p.grad])


def stopping(cancel: CancelToken) -> bool:
    """Whether any of the processes was asked to stop: they all do so in the same step."""
    if processes() == 1:
        return cancel.cancelled
    stop = torch.tensor([float(cancel.cancelled)], device="cuda" if torch.cuda.is_available() else "cpu")
    if distributed.get_backend() == "gloo":
        stop = stop.cpu()
    distributed.all_reduce(stop)
    return bool(stop.item() > 0)
