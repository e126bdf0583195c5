"""Whether a run on a model of the Hub fits into memory, asked before anything is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfr_core.catalog import spec_of
from sfr_core.configs import RunConfig
from sfr_core.errors import HubError
from sfr_core.hub.describe import describe
from sfr_core.hub.memory import MemoryNeed, in_words
from sfr_core.hub.names import read_name
from sfr_core.hub.phases import WITHOUT_GRADIENTS
from sfr_core.hub.resolve import recall
from sfr_core.zoo.cards import ModelCard

if TYPE_CHECKING:
    import torch

    from sfr_core.ops.device import UsedPrecision


def hub_precision(config: RunConfig, device: torch.device) -> UsedPrecision:
    """The precision of a run on a generator of the Hub; "auto" is half precision on a GPU and where memory is spared.

    Nothing is timed: that takes a second copy of the network and its gradients, which may be all the memory there is.
    """
    if config.precision != "auto":
        return config.precision
    return "bf16" if config.memory == "spare" or device.type == "cuda" else "fp32"


def _counted(kind: str, config: RunConfig, device: torch.device) -> UsedPrecision:
    """The precision that is counted: of a classifier, whose "auto" is timed once it is open, the one that takes more."""
    timed = kind == "classifier" and (config.memory, config.precision) == ("plain", "auto")
    return "fp32" if timed else hub_precision(config, device)


def needed(card: ModelCard, config: RunConfig, device: torch.device) -> MemoryNeed | None:
    """What a run takes, by the formula in memory.py; None for a model that was not fetched here."""
    model = recall(read_name(card.origin or card.id))
    if model is None:
        return None
    settings = spec_of(config.method, card.kind).config_cls.from_dict(config.settings).to_dict()
    return describe(model).memory(
        config.method, settings, spare=config.memory == "spare", half=_counted(card.kind, config, device) == "bf16",
        on_gpu=device.type == "cuda",
    )  # fmt: skip


def check_memory(card: ModelCard, config: RunConfig, device: torch.device, *, waits: bool = False) -> None:
    """Refuses a run that would not fit.

    Args:
        card: of a model of the Hub that was fetched.
        waits: the run begins later, so that what this process holds now counts as free.

    Raises:
        HubError: too little free memory.
    """
    from sfr_core.ops.device import free_bytes, used_bytes

    need, free = needed(card, config, device), free_bytes(device)
    if need is None or free is None:
        return
    if waits:
        free += used_bytes(device)
    if need.total > free:
        there = "can be free" if waits else "are free"
        raise HubError(
            f"Forgetting with {card.title} needs about {in_words(need.total)} of memory, and {in_words(free)} {there}.",
            hint=_hint(card, config),
        )


def _hint(card: ModelCard, config: RunConfig) -> str:
    """What would make the run smaller, as far as its method has it."""
    fields = {s.name for s in spec_of(config.method, card.kind).config_cls.settings()}
    learns = config.method not in WITHOUT_GRADIENTS
    ways = [
        way
        for way, there in (
            ("a smaller batch", learns),
            ("the memory 'spare'", config.memory == "plain" and card.kind != "classifier"),
            ("8-bit optimiser states", learns and "optimizer" in fields),
            ("a smaller trained part", "trainable" in fields),
        )
        if there
    ]
    return f"Choose {_listed(ways)}." if ways else "Free some memory, or choose a smaller model."


def _listed(ways: list[str]) -> str:
    return ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])} or {ways[-1]}"
