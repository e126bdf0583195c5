"""What an entry of the catalog is made of. No torch."""

from __future__ import annotations

from dataclasses import dataclass

FORWARD = 1 / 3
"""A forward pass takes about a third of the time of forward, backward and update."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Of what a run works on.

    Attributes:
        forget, remain: pictures of the two sets.
        classes: classes or prompts of the model.
    """

    forget: int
    remain: int
    classes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run of a method takes, counted from its settings; with the defaults one in closed form, which trains nothing.

    Time, in forward-backward passes over single pictures (a pass without gradients counts as FORWARD), evaluation left out:

    Attributes:
        forget, remain: passes of all steps, by the set that their pictures are of.
        fisher: passes before the first step that make a Fisher or a mask.

    Memory, beside the network itself and one gradient for each weight that is trained:

    Attributes:
        batch: pictures in one pass of a step.
        batches: passes of a step whose activations wait together for one backward pass; 0 where nothing is trained.
        networks: whole copies of the network that are asked during the steps: teachers, and one with fresh weights.
        optimizers: sets of optimiser states.
        tensors: single-precision numbers for each trained weight that are held during all steps: slow weights, Fishers, start weights.
        masks: bytes for each trained weight that are held likewise; a mask is one byte a weight.
        aside: single-precision numbers for each trained weight that are held only while a step moves the weights.
        fishers: Fishers (or sums of gradients) that are made before the first step, one after the other, each of single precision.
        fisher_batch: pictures in one pass for a Fisher; a kind whose mask needs a guided answer asks twice about each.
    """

    forget: float = 0.0
    remain: float = 0.0
    fisher: float = 0.0
    batch: int = 0
    batches: int = 0
    networks: int = 0
    optimizers: int = 0
    tensors: int = 0
    masks: int = 0
    aside: int = 0
    fishers: int = 0
    fisher_batch: int = 0

    @property
    def passes(self) -> float:
        """All passes of the run."""
        return self.forget + self.remain + self.fisher

    @property
    def trains(self) -> bool:
        """Whether anything is kept for a backward pass."""
        return self.batches > 0
