"""What a running page is shown of a generator: judged samples as one sheet, and the shares that the judge accepts."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from sfr_core.data.reduced import reduced
from sfr_core.events import Sheet
from sfr_core.nets.judge import Verdict
from sfr_core.ops.sampling import sheet_png
from sfr_core.results import LiveRecord
from sfr_core.tasks.base import Look


def accepted_classes(verdict: Verdict) -> NDArray[np.int64]:
    """Class that the judge accepts, -1 where it accepts none, [n]."""
    return np.where(verdict.rejected, -1, verdict.labels).astype(np.int64)


def look_at(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    accepted: NDArray[np.int64] | None,
    forgotten: Collection[int],
    *,
    columns: int,
    steps: int,
    guidance: float,
) -> Look:
    """A look at samples [n, h, w, c] of the classes `labels` [n], `columns` a row.

    Args:
        accepted: class that the judge accepts for each, -1 where none; None of a model that has no judge.
    """
    record = None
    if accepted is not None:
        right, mine = accepted == labels, np.isin(labels, list(forgotten))
        record = LiveRecord(
            forget=100.0 * float(right[mine].mean()),
            remain=100.0 * float(right[~mine].mean()),
            n_forget=int(mine.sum()),
            n_remain=int((~mine).sum()),
        )
    images = reduced(images)
    sheet = Sheet(
        png=sheet_png(images, columns),
        side=images.shape[1],
        columns=columns,
        labels=tuple(labels.tolist()),
        accepted=() if accepted is None else tuple(accepted.tolist()),
        steps=steps,
        guidance=guidance,
    )
    return Look(record=record, sheet=sheet)
