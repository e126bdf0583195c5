"""Whether a run on a model of the Hub fits into memory, asked before anything is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfr_core.cards import ModelCard
from sfr_core.configs import RunConfig
from sfr_core.errors import HubError
from sfr_core.hub.describe import describe
from sfr_core.hub.memory import in_words
from sfr_core.hub.names import read_name
from sfr_core.hub.resolve import recall

if TYPE_CHECKING:
    import torch

WITH_TEACHER = ("esd-x", "esd-u")
"""Methods that always ask a copy of the network as it was."""


def check_memory(card: ModelCard, config: RunConfig, settings: dict[str, Any], device: torch.device) -> None:
    """Refuses a run that would not fit, by the formula in memory.py.

    Args:
        card: of a pipeline of the Hub that was fetched. settings: every field of the method's config.

    Raises:
        HubError: too little free memory.
    """
    from sfr_core.ops.device import free_bytes

    model = recall(read_name(card.id))
    free = free_bytes(device)
    if model is None or free is None:
        return
    mask = bool(settings.get("mask", False))
    spare = config.memory == "spare"
    half = config.precision == "bf16" or (config.precision == "auto" and (spare or device.type == "cuda"))
    found = describe(model)
    need = found.memory(
        batch=_largest_batch(settings, guided=mask and card.kind == "text-to-image"),
        optimizer=str(settings.get("optimizer", "sgd")),
        mask=mask,
        spare=spare,
        half=half,
        cross_attention=settings.get("trainable") in ("cross-attention", "keys-values"),
        teacher=config.method in WITH_TEACHER or settings.get("teacher") == "frozen",
    )
    if need.total > free:
        raise HubError(
            f"Forgetting with {card.title} needs about {in_words(need.total)} of memory, and {in_words(free)} are free.",
            hint="Choose a smaller batch, the memory 'spare', 8-bit optimiser states or a smaller trained part.",
        )


def _largest_batch(settings: dict[str, Any], *, guided: bool) -> int:
    """Pictures of the largest forward pass; a guided prediction asks twice about each."""
    fisher = int(settings.get("fisher_batch_size", 0)) if settings.get("mask", False) else 0
    return max(int(settings.get("batch_size", 1)), fisher * (2 if guided else 1))
