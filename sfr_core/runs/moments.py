"""The moments of a run whose weights are held, and which of them is nearest to the retrained model by the live numbers.

A live look is made at fixed small sets, so that the retrained model's numbers on the same sets say how far each moment is from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.errors import InputError
from sfr_core.results import LiveRecord
from sfr_core.runs.evaluate import Planned, Who, preview_of
from sfr_core.tasks.classifier import ClassifierTask
from sfr_core.tasks.diffusion import DiffusionTask

MOST = 8
"""Moments whose weights are held: all looks of a generator, the nearest of a classifier's twenty."""
MOST_BYTES = 512 * 1024**2
"""Of all of them together; a model that is larger holds fewer, or none."""


@dataclass(slots=True)
class Tally:
    """What a run has made so far.

    Attributes:
        seconds: wall time of Fisher, mask and steps.
        steps, total: made and planned. forgetting: those made that had a forget loss.
        mask_density: share of the weights in the mask; None without one.
        peak_bytes: ops.memory.PeakMemory; None before the last step.
    """

    seconds: float = 0.0
    steps: int = 0
    total: int = 0
    forgetting: int = 0
    mask_density: float | None = None
    peak_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A run after `tally.steps` steps.

    Attributes:
        record: its live numbers; None where nobody looked. weights: parameters and buffers that a run may change, on the CPU.
    """

    tally: Tally
    record: LiveRecord | None
    weights: Mapping[str, Tensor]

    @property
    def step(self) -> int:
        """After which it is."""
        return self.tally.steps


@dataclass(slots=True)
class Moments:
    """Those that are held.

    Attributes:
        bytes: of one moment's weights.
        goal: live numbers of the retrained model; None where there is none, and then nothing is held.
        held: by step.
    """

    bytes: int = 0
    goal: LiveRecord | None = None
    held: dict[int, Moment] = field(default_factory=dict)

    @property
    def room(self) -> int:
        """How many may be held at once."""
        return min(MOST, MOST_BYTES // self.bytes) if self.bytes else 0

    @property
    def nearest(self) -> Moment | None:
        """The one nearest to the retrained model, of equal ones the latest."""
        looked = [moment for moment in self.held.values() if moment.record is not None]
        return min(looked, key=self._far, default=None)

    def wants(self, record: LiveRecord) -> bool:
        """Whether a moment with these numbers is among the nearest so far."""
        if self.goal is None or not self.room:
            return False
        return len(self.held) < self.room or distance(record, self.goal) <= max(map(self._far, self.held.values()))[0]

    def add(self, moment: Moment, *, spare: int = 0) -> None:
        """Holds a moment, in place of the farthest where there is no room; `spare`: the step of one that stays."""
        others = [held for held in self.held.values() if held.step != spare]
        if len(self.held) >= self.room and others:
            del self.held[max(others, key=self._far).step]
        if len(self.held) < self.room:
            self.held[moment.step] = moment

    def clear(self) -> None:
        """Lets go of all of them."""
        self.held.clear()
        self.goal = None

    def _far(self, moment: Moment) -> tuple[float, int]:
        """Orders by distance, then the later ones first; what nobody looked at is farthest."""
        known = moment.record is not None and self.goal is not None
        gap = distance(moment.record, self.goal) if known else float("inf")  # type: ignore[arg-type]
        return gap, -moment.step


class Holds(Protocol):
    """A session as far as its moments go."""

    task: Any
    moments: Moments

    def has(self, who: Who) -> bool: ...


def check_moments(session: Holds) -> None:
    """Refuses to look for the best moment where none can be told.

    Raises:
        InputError: there is no retrained model, nobody judges the samples, or the weights are too large to be held.
    """
    if not session.has("retrained"):
        raise InputError(
            "There is no retrained model that a step could be near to.",
            hint="Leave out --keep-best, or give --retrained with a classifier of your own.",
        )
    if isinstance(session.task, DiffusionTask) and session.task.judge is None:
        raise InputError("Nobody judges what this model draws.", hint="Leave out --keep-best.")
    if not session.moments.room:
        raise InputError("The weights are too large to hold several.", hint="Leave out --keep-best.")


def distance(a: LiveRecord, b: LiveRecord) -> float:
    """Mean of the two gaps, points."""
    return (abs(a.forget - b.forget) + abs(a.remain - b.remain)) / 2


def goal_of(
    task: Any, run: Planned, retrained: Callable[[], nn.Module | None], cancel: CancelToken
) -> LiveRecord | None:
    """The retrained model's live numbers. None where nobody judges, or it was stopped."""
    if isinstance(task, ClassifierTask):
        return task.evaluate_live(retrained())
    if not isinstance(task, DiffusionTask) or task.judge is None:
        return None
    shown = preview_of(task, run, "retrained", retrained, cancel)
    return None if shown is None else shown.record
