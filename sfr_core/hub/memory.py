"""What forgetting takes of memory, before anything is loaded: counted from the weights' headers and the network's config.

    trained * (4 weights + c + 4 gradient + s optimiser + 1 mask) + still * f + whole * 4 + activations, but at least
    trained * (4 weights + c + 8 Fishers) + still * f + whole * 4 + activations while the mask is made,

with s = 8 bytes for Adam, 4 for SGD with momentum, 2 for Adam with 8-bit states; c = 2 bytes for the copy that a pass in half
precision keeps of every weight that moves, else 0; f = 4 bytes. While the second Fisher is estimated (4 gradient + 4 Fisher) the
first one waits outside the device. Sparing memory (RunConfig.memory "spare") holds in half precision what does not move (f = 2),
and recomputes blocks, so that fewer activations are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

FLOAT, HALF, FLAG = 4, 2, 1
OPTIMISER = {"sgd": 4, "adam": 8, "adamw": 8, "adam8bit": 2, "adamw8bit": 2}
"""Bytes of state for one trained weight, by MethodConfig.optimizer."""
UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """Bytes on the device.

    Attributes:
        weights: of everything, trained or not.
        training: gradient, optimiser states and mask, or the Fishers where they take more.
        activations: what autograd keeps of one forward pass of a batch.
    """

    weights: int
    training: int
    activations: int

    @property
    def total(self) -> int:
        return self.weights + self.training + self.activations

    def sentence(self) -> str:
        """For people."""
        return (
            f"about {in_words(self.total)} of memory: {in_words(self.weights)} for weights, {in_words(self.training)} for "
            f"gradients, optimiser and mask, {in_words(self.activations)} for a batch"
        )


def needed_memory(
    *,
    trained: int,
    still: int,
    activations: int,
    whole: int = 0,
    optimizer: str = "adam",
    mask: bool = True,
    spare: bool = False,
    half: bool = False,
) -> MemoryNeed:
    """Bytes that forgetting takes.

    Args:
        trained: weights that move. still: all others, of every part of the model.
        activations: bytes that autograd keeps of one batch, see activations.py.
        whole: weights that do not move either and stay in single precision: a safety checker, a teacher of what moves.
        optimizer: as in MethodConfig. mask: the method makes a saliency mask from two Fishers.
        spare: as RunConfig.memory "spare". half: passes in half precision.
    """
    steps = FLOAT + OPTIMISER[optimizer] + (FLAG if mask else 0)
    making = 2 * FLOAT if mask else 0
    copy = HALF if half else 0
    return MemoryNeed(
        weights=trained * (FLOAT + copy) + still * (HALF if spare else FLOAT) + whole * FLOAT,
        training=trained * max(steps, making),
        activations=activations,
    )


def in_words(size: int) -> str:
    """Bytes for people: 3.4 GB."""
    for unit, name in UNITS:
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"
