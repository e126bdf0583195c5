"""Forgetting on a small card: recomputed blocks, and half precision for what a run does not change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from sfr_core.errors import InputError
from sfr_core.ops.device import UsedPrecision


def recompute_blocks(model: nn.Module) -> None:
    """The backward pass computes each block's activations anew instead of keeping them: equal gradients, about a third
    more time. In place.

    Raises:
        InputError: the network has no such blocks.
    """
    start: Any = getattr(model, "enable_gradient_checkpointing", None)
    if start is None or not getattr(model, "_supports_gradient_checkpointing", False):
        raise InputError("This network cannot spare memory.", hint="Choose the memory 'plain'.")
    start()


def halve_frozen(still: Iterable[nn.Module], model: nn.Module, precision: UsedPrecision) -> None:
    """Holds in bfloat16 what a run does not change: networks beside the model, weights outside the trained slice. In place.

    Only where forward passes run in half precision anyway: else the two would not fit together.
    """
    if precision != "bf16":
        return
    for network in still:
        network.to(torch.bfloat16)
    for weight in model.parameters():
        if not weight.requires_grad:
            weight.data = weight.data.to(torch.bfloat16)
