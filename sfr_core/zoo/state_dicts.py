"""State dicts as they lie in files of one's own: wrappers before the names, heads that only train, values that are no numbers.

Importing this module imports no torch.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfr_core.errors import AssetError

if TYPE_CHECKING:
    from torch import Tensor

WRAPPERS = ("module.", "_orig_mod.")
"""What torch's DataParallel and torch.compile put before every name."""
PREFIXES = (*WRAPPERS, "model.")
"""The same, and what training scripts that hold a classifier in a class of their own do."""
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
"""Heads of GoogLeNet and Inception that only help in training; a network may be built without them."""


def bare_names(names: Iterable[str], prefixes: tuple[str, ...] = PREFIXES) -> dict[str, str]:
    """What the network itself calls each tensor of a file: without the prefixes that stand before all of them."""
    bare = {name: name for name in names}
    while bare:
        prefix = next((p for p in prefixes if all(name.startswith(p) for name in bare.values())), "")
        if not prefix:
            break
        bare = {name: short.removeprefix(prefix) for name, short in bare.items()}
    return bare


def shapes_in(weights: Path) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor in a safetensors file, by bare name; nothing where it is damaged, which reading it says in words."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, "numpy") as f:
            names = bare_names(f.keys())
            return {bare: tuple(f.get_slice(name).get_shape()) for name, bare in names.items()}
    except (SafetensorError, OSError):
        return {}


def run_of(weights: Path) -> dict[str, Any]:
    """What an after.safetensors says of its run ("method", "forget", "whole", ...); nothing of any other file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, "numpy") as f:
            about = json.loads((f.metadata() or {}).get("run", "{}"))
    except (SafetensorError, OSError, ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}


def of_network(wanted: Collection[str], found: Iterable[str]) -> set[str]:
    """The tensors of a file that are the network's: all, but for auxiliary heads where it has none."""
    heads = {prefix for prefix in AUXILIARY if not any(name.startswith(prefix) for name in wanted)}
    return {name for name in found if not any(name.startswith(head) for head in heads)}


def own_tensors(tensors: Mapping[str, Tensor], wanted: Collection[str], *, name: str) -> dict[str, Tensor]:
    """The tensors of a file under their bare names, as far as they are the network's.

    Args:
        wanted: names of the network's own tensors. name: of the file.

    Raises:
        AssetError: a value is NaN or infinite.
    """
    import torch

    bare = {short: tensors[long] for long, short in bare_names(tensors).items()}
    kept = of_network(wanted, bare)
    for key in sorted(kept):
        if not torch.isfinite(bare[key]).all():
            raise AssetError(
                f"{name} holds values that are no numbers (NaN or infinite, in '{key}').",
                hint="Choose weights of before its training diverged.",
            )
    return {key: value for key, value in bare.items() if key in kept}
