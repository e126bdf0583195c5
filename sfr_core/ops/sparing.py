"""Forgetting on a small card: recomputed blocks, and half precision for what a run does not change."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from sfr_core.errors import InputError
from sfr_core.ops.device import UsedPrecision


@runtime_checkable
class Latent(Protocol):
    """Tasks whose pictures pass through a frozen autoencoder."""

    autoencoder: nn.Module


@runtime_checkable
class Worded(Protocol):
    """Tasks whose prompts pass through a frozen text encoder, all of them before a run."""

    text_encoder: nn.Module


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


def halve_still(task: object, model: nn.Module, precision: UsedPrecision) -> None:
    """Holds in bfloat16 what a run does not change: autoencoder, text encoder, weights outside the trained slice. In place.

    Only where forward passes run in half precision anyway: else the two would not fit together.
    """
    if precision != "bf16":
        return
    if isinstance(task, Latent):
        task.autoencoder.to(torch.bfloat16)
    if isinstance(task, Worded):
        task.text_encoder.to(torch.bfloat16)
    for weight in model.parameters():
        if not weight.requires_grad:
            weight.data = weight.data.to(torch.bfloat16)
