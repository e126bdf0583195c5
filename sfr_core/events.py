"""What a run says while it runs: frozen records that the page, the command line, the plots and the tests read.

Grammar of a run, checked for every method by one test helper:
``(PhaseStarted PhaseProgress* | MaskReady | Step | Evaluated | Preview)* (Finished | Cancelled)``; a failure is an exception.
Where a moment is kept, `Kept` stands before the evaluation of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from sfr_core.errors import AssetError
from sfr_core.reading import Count, Seconds, read
from sfr_core.results import AnyRecord, LiveRecord, RunResult, record_json

Phase = Literal["prepare", "fisher", "mask", "unlearn", "evaluate"]
When = Literal["before", "live", "after", "retrained"]
Threshold = Annotated[
    float,
    Field(ge=0, allow_inf_nan=True),
    BeforeValidator(lambda value: math.inf if value is None else value),
]
"""Of an empty mask it is infinite, which JSON writes as null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted:
    """A phase begins; `total` counts the units (batches or steps) of its PhaseProgress, 0 where there are none."""

    phase: Phase
    total: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseProgress:
    """`done` of `total` units of a phase are ready; steps of the phase `unlearn` report as Step instead."""

    phase: Phase
    done: Count
    total: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSaliency:
    """One parameter tensor in the mask. `kept_at[j]` counts the entries with ratio >= MaskReady.thresholds[j]."""

    name: str
    shape: tuple[Count, ...]
    size: Count
    kept: Count
    kept_at: tuple[Count, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskReady:
    """The saliency mask. `density` is the kept share (0 to 1) over all entries; `threshold` is gamma, or for SalUn the cut-off."""

    density: float
    threshold: Threshold
    thresholds: tuple[float, ...]
    layers: tuple[LayerSaliency, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One outer step is done.

    Attributes:
        i: number of the step, from 1 to `total`.
        total: outer steps of the run.
        forget_loss: un-scaled positive forget loss; None in a step without forget part.
        remain_loss: mean remain loss; None in a step without remain part.
        alpha: ascent strength used in this step; None where the method has none.
        lr: learning rate used in this step.
        forget_grad_norm, remain_grad_norm: global norm that the optimiser received.
        seconds: wall time of this step.
    """

    i: Count
    total: Count
    forget_loss: float | None = None
    remain_loss: float | None = None
    alpha: float | None = None
    lr: float
    forget_grad_norm: float | None = None
    remain_grad_norm: float | None = None
    seconds: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """Something was measured after step `i` (0: before the first step)."""

    i: Count
    when: When
    record: AnyRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a classifier says of one fixed picture: its `row` in the `source` split, and a `confidence` of 0 to 1."""

    source: Literal["train", "test"]
    row: Count
    label: Count
    predicted: Count
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Samples of a generator at fixed seeds, as one picture: a row of `columns` tiles for each class.

    Attributes:
        png: the whole sheet as a base64 PNG of `columns * side` by `len(labels) / columns * side` pixels, no gaps.
        side: width and height of one tile, pixels.
        columns: tiles in a row.
        labels: class asked for, tile by tile, row by row.
        accepted: class that the judge accepts for the tile, -1 where it accepts none; () of a model that has no judge.
        steps, guidance: of the sampler.
    """

    png: str
    side: Count
    columns: Count
    labels: tuple[int, ...]
    accepted: tuple[int, ...]
    steps: Count
    guidance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Live evidence after step `i`: a classifier's predictions on fixed pictures, or a generator's samples."""

    i: Count
    predictions: tuple[Prediction, ...] = ()
    sheet: Sheet | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """All steps are done. `result` is None where a bare method speaks, and filled in by the runner."""

    steps: Count
    result: RunResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The run stopped early, after `steps` whole steps; the weights of that moment can be kept or rolled back."""

    steps: Count
    reason: Literal["stopped", "deadline"] = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The weights after `steps` steps, held since then, became the run's outcome in place of the last ones; what follows measures them."""

    steps: Count


Event = PhaseStarted | PhaseProgress | MaskReady | Step | Evaluated | Preview | Kept | Finished | Cancelled


def to_json(event: Event) -> dict[str, Any]:
    """The wire form, `{"event": class name, **fields}`, of one event."""
    data = {"event": type(event).__name__, **asdict(event)}
    if isinstance(event, Finished) and event.result is not None:
        data["result"] = event.result.to_json()
    if isinstance(event, Evaluated):
        data["record"] = record_json(event.record)
    return data


def broken_off(events: Iterable[Event]) -> bool:
    """Whether a run finished though its phase `evaluate` did not: there was too little memory to draw its samples."""
    done = total = 0
    finished = False
    for event in events:
        if isinstance(event, PhaseStarted | PhaseProgress) and event.phase == "evaluate":
            done, total = (event.done if isinstance(event, PhaseProgress) else 0), event.total
        finished = finished or isinstance(event, Finished)
    return finished and done < total


def from_json(data: Any, where: str = "this line") -> Event:
    """Reads what `to_json` wrote (after a round through JSON, where tuples have become lists).

    Raises:
        AssetError: not an event of this schema; `where` is how its sentence calls the event.
    """
    hint = "Choose an events.jsonl file."
    values = dict(data) if isinstance(data, dict) else {}
    name = values.pop("event", None)
    kind = next((kind for kind in get_args(Event) if kind.__name__ == name), None)
    if kind is None:
        raise AssetError(f"{where[0].upper()}{where[1:]} is not an event of a run.", hint=hint)
    event: Event = read(kind, values, where, hint=hint)
    if isinstance(event, Evaluated) and isinstance(event.record, LiveRecord) != (event.when == "live"):
        raise AssetError(f"'record' in {where} is not what is measured {event.when}.", hint=hint)
    return event
