"""What a running page is shown of a generator: judged samples as one sheet, and the shares that the judge accepts."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from sfr_core.data.class_sets import PreviewSettings
from sfr_core.data.reduced import reduced
from sfr_core.events import Sheet
from sfr_core.ops.sampling import sheet_png
from sfr_core.results import LiveRecord
from sfr_core.tasks.base import Previewed


def previewed(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    accepted: NDArray[np.int64] | None,
    forgotten: Collection[int],
    how: PreviewSettings,
) -> Previewed:
    """A preview of samples [n, h, w, c] of `labels` [n], `how.columns` a row.

    Args:
        accepted: label that the judge accepts for each, -1 where none; None of a model that has no judge.
        forgotten: labels that are counted apart.
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
        png=sheet_png(images, how.columns),
        side=images.shape[1],
        columns=how.columns,
        labels=tuple(labels.tolist()),
        accepted=() if accepted is None else tuple(accepted.tolist()),
        steps=how.steps,
        guidance=how.guidance,
    )
    return Previewed(record=record, sheet=sheet)
