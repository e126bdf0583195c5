"""What forgetting takes of memory, before anything is loaded: counted from the weights' headers and the network's config.

    network + still * f + whole * 4 + the largest of the run's phases, each with
    trained * (its gradients, states, masks and Fishers) + passes * (batch * activations + c) + copies * network,

network = trained * 4 + rest * f

with f = 4 bytes, and c = 2 bytes for every weight of the network, which a pass in half precision copies and keeps until its backward
pass, else 0. Phases are those of phases.py. Sparing memory (RunConfig.memory "spare") holds in half precision what does not move
(f = 2, no copy), and recomputes blocks, so that fewer activations are kept. Drawing pictures is not counted: it keeps nothing for
a backward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FLOAT, HALF, FLAG = 4, 2, 1
OPTIMISER = {"sgd": 4, "adam": 8, "adamw": 8, "adam8bit": 2, "adamw8bit": 2}
"""Bytes of state for one trained weight, by MethodConfig.optimizer."""
UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A moment of a run at which it may hold most.

    Attributes:
        per_weight: bytes for each weight that moves, beside the weight: gradient, optimiser states, masks, Fishers, copies.
        batch: pictures in one pass.
        passes: passes that wait together for one backward pass.
        copies: other whole copies of the network on the device: a teacher, the model before the run.
    """

    per_weight: int
    batch: int = 0
    passes: int = 0
    copies: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """Bytes on the device.

    Attributes:
        weights: of everything, trained or not, with all copies.
        training: gradient, optimiser states, masks and Fishers.
        activations: what autograd keeps of all passes of a step.
    """

    weights: int
    training: int
    activations: int

    @property
    def total(self) -> int:
        return self.weights + self.training + self.activations

    def sentence(self) -> str:
        """For people, of what is held at the largest moment."""
        parts = (
            (self.weights, "weights"), (self.training, "gradients, optimiser and masks"), (self.activations, "a batch"),
        )  # fmt: skip
        listed = ", ".join(f"{in_words(size)} for {what}" for size, what in parts if size)
        return f"about {in_words(self.total)} of memory: {listed}"


def needed_memory(
    *,
    trained: int,
    rest: int = 0,
    still: int,
    phases: Sequence[Phase],
    activations: int,
    whole: int = 0,
    spare: bool = False,
    half: bool = False,
) -> MemoryNeed:
    """Bytes that forgetting takes: those of its largest phase.

    Args:
        trained: weights that move. rest: those of the same network that do not. still: all others, of every part of the model.
        phases: of the run, at least one.
        activations: bytes that autograd keeps of one picture in one pass, see activations.py.
        whole: weights that do not move either and stay in single precision: a safety checker.
        spare: as RunConfig.memory "spare". half: passes in half precision.
    """
    held = HALF if spare and half else FLOAT
    network = trained * FLOAT + rest * held
    copied = (trained if spare else trained + rest) * HALF if half else 0
    found = [
        MemoryNeed(
            weights=(1 + phase.copies) * network + still * held + whole * FLOAT + phase.passes * copied,
            training=trained * phase.per_weight,
            activations=phase.passes * phase.batch * activations,
        )
        for phase in phases
    ]
    return max(found, key=lambda need: need.total)


def in_words(size: int) -> str:
    """Bytes for people: 3.4 GB."""
    for unit, name in UNITS:
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"
