"""Optimisers by the name that a config gives, and those with 8-bit states where bitsandbytes is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from sfr_core.configs.base import OptimizerConfig
from sfr_core.errors import InputError

EIGHT_BIT = {"adam8bit": "Adam8bit", "adamw8bit": "AdamW8bit"}
"""Optimisers of bitsandbytes, by MethodConfig.optimizer."""
COUPLED_DECAY = ("adam", "adam8bit")
"""Optimisers whose weight decay is part of the gradient that they normalise."""


def make_optimizer(
    config: OptimizerConfig, parameters: Iterable[nn.Parameter], *, nesterov: bool = False, eps: float = 1e-8
) -> torch.optim.Optimizer:
    """The optimiser that the config names, over `parameters`; `nesterov` holds for SGD with momentum only, `eps` for Adam."""
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            parameters,
            config.lr,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            nesterov=nesterov and config.momentum > 0,
        )
    kind: Callable[..., torch.optim.Optimizer]
    if config.optimizer in EIGHT_BIT:
        kind = getattr(_bitsandbytes(), EIGHT_BIT[config.optimizer])
    else:
        kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    return kind(parameters, config.lr, eps=eps, weight_decay=config.weight_decay)


def check_optimizer(name: str) -> None:
    """Says before a run whether `make_optimizer` can make this optimiser.

    Raises:
        InputError: 8-bit states without bitsandbytes.
    """
    if name in EIGHT_BIT:
        _bitsandbytes()


def _bitsandbytes() -> Any:
    try:
        from bitsandbytes import optim
    except ImportError:
        raise InputError("bitsandbytes is not installed.", hint="Install it with: pip install bitsandbytes") from None
    return optim


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Sets the learning rate of every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = lr
