"""A run's row of a race: of one that ended on the page or in a race, whatever became of it. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfr_core import passes
from sfr_core.data.datasets import Dataset
from sfr_core.errors import PlaygroundError, reason
from sfr_core.metrics.neighbours import neighbours_of
from sfr_core.plan import RunPlan
from sfr_core.results import ModelReport, Report, RunResult
from sfr_core.runs.race_record import Neighbour, RaceRow, Status
from sfr_core.zoo.shipped import shareable

STOPPED = "It was stopped after {steps} steps."
UNFORESEEN = "The run failed unexpectedly ({what})."


def ended_row(entry: str, run: RunPlan, status: Status, *, said: str = "", steps: int | None = None) -> RaceRow:
    """Of a run that has no result.

    Args:
        entry: its name in the race. said: why it has none.
    """
    config = run.config
    return RaceRow(
        entry=entry,
        model=shareable(config.model),
        forget=run.forget.spec.text,
        method=config.method,
        preset=config.preset,
        variant=config.variant,
        data=config.data,
        seed=config.seed,
        settings=run.settings.to_dict(),
        status=status,
        said=said,
        steps=steps,
        retrain_passes=passes.retraining(run),
        date=datetime.now(UTC).date().isoformat(),
    )


def result_row(entry: str, run: RunPlan, result: RunResult, reports: Mapping[Any, Report], dataset: Dataset) -> RaceRow:
    """Of a run that went to its end.

    Args:
        entry: its name in the race. reports: answers picture by picture (Session.reports). dataset: the model's pictures.
    """
    return replace(
        ended_row(entry, run, "done", steps=result.steps),
        before=result.before,
        after=result.after,
        retrained=result.retrained,
        avg_d=result.avg_d,
        kl_floor=result.kl_floor,
        neighbours=neighbours(run, reports, dataset),
        mask_density=result.mask_density,
        passes=result.passes,
        retrain_passes=result.retrain_passes,
        seconds=result.seconds,
        device=result.device,
        machine=machine_of(result),
    )


def machine_of(result: RunResult) -> str:
    """Where a run was made, with the versions that its numbers depend on."""
    return ", ".join([result.device, *(f"{name} {version}" for name, version in result.versions.items())])


def why(error: Exception) -> str:
    """Why a run failed, in one sentence for its row."""
    if isinstance(error, PlaygroundError):
        return str(error)
    return UNFORESEEN.format(what=f"{type(error).__name__}: {reason(error)}")


def neighbours(run: RunPlan, reports: Mapping[Any, Report], dataset: Dataset) -> tuple[Neighbour, ...]:
    """What became of the forgotten classes' neighbours; none of a generator, and where no class is forgotten. Arguments as for `result_row`."""
    before, after, retrained = (reports.get(who) for who in ("before", "after", "retrained"))
    if not isinstance(before, ModelReport) or not isinstance(after, ModelReport):
        return ()
    labels = dataset.test.labels
    other = retrained.test_predicted if isinstance(retrained, ModelReport) else None
    return tuple(
        Neighbour(
            name=run.forget.names[near],
            before=_right(before.test_predicted, labels, near),
            after=_right(after.test_predicted, labels, near),
            retrained=None if other is None else _right(other, labels, near),
        )
        for near in neighbours_of(run.forget.spec.classes, labels, before.test_predicted)
    )


def _right(predicted: NDArray[np.int64], labels: NDArray[np.int64], label: int) -> float:
    """Accuracy on the rows of one class, percent; a class that was confused has rows, but perhaps no test picture."""
    mine = labels == label
    return float(100.0 * (predicted[mine] == label).mean()) if mine.any() else 0.0
