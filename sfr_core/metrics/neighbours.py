"""The classes most like the forgotten ones, by what the original takes for what: they suffer first."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST = 2
"""Neighbours that are looked at."""


def neighbours_of(forgotten: Collection[int], labels: ArrayLike, predicted: ArrayLike, most: int = MOST) -> list[int]:
    """The classes that the original confuses most with the forgotten ones, in either direction; the most confused first, equals by number.

    Args:
        forgotten: classes; without any there are no neighbours.
        labels, predicted: int [n], of test rows: the class, and what the original says.

    Returns:
        At most `most` classes; fewer where it confuses fewer.
    """
    truth, said = np.asarray(labels), np.asarray(predicted)
    mine = np.array(sorted(forgotten), np.int64)
    wrong: NDArray[np.bool_] = np.isin(truth, mine) != np.isin(said, mine)
    others = np.where(np.isin(truth, mine), said, truth)[wrong]
    found, counts = np.unique(others, return_counts=True)
    return [int(found[at]) for at in np.lexsort((found, -counts))[:most]]
