"""Samples of generators as pictures: strips by class, whole sheets, differences. Pure: numpy and Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demos.pictures.inline import data_uri
from sfr_core.data.reduced import reduced
from sfr_core.results import GeneratorReport

MOST_LINES = 2
"""Lines of samples of one class by one model."""


@dataclass(frozen=True, slots=True)
class Strip:
    """The first samples of one class by one model, in lines, and the judge's word on all of them.

    Attributes:
        lines: for each line its samples as one picture (data URI), and the class that the judge accepts for each, NONE
            where it accepts none.
        accepted: the same for all samples of this class in the report; both are empty where nobody judged them.
        n: samples of this class in the report.
    """

    label: int
    lines: tuple[tuple[str, tuple[int, ...]], ...]
    accepted: tuple[int, ...]
    n: int


def lines_of(report: GeneratorReport, label: int, columns: int) -> list[NDArray[np.int64]]:
    """Rows of the report in lines of `columns` samples of one class, at most MOST_LINES of them."""
    rows = np.flatnonzero(report.labels == label)[: columns * MOST_LINES]
    return [rows[at : at + columns] for at in range(0, len(rows), columns)]


def strip(report: GeneratorReport, label: int, columns: int) -> Strip | None:
    """The strip of one class; None where the report has no sample of it."""
    accepted = report.accepted if len(report.accepted) else None
    lines = [
        (data_uri(_line(report, rows, columns)), () if accepted is None else tuple(int(a) for a in accepted[rows]))
        for rows in lines_of(report, label, columns)
    ]
    mine = report.labels == label
    said = () if accepted is None else tuple(int(a) for a in accepted[mine])
    return Strip(label, tuple(lines), said, int(mine.sum())) if lines else None


def classes_of(report: GeneratorReport, forgotten: Sequence[int]) -> list[int]:
    """The classes of a report, the forgotten ones first."""
    found = sorted({int(label) for label in report.labels})
    return [c for c in found if c in forgotten] + [c for c in found if c not in forgotten]


def whole_sheet(
    report: GeneratorReport, classes: Sequence[int], columns: int
) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    """Lines of `columns` samples, class by class: uint8 [lines * h, columns * w, c] and the class of each line."""
    lines = [(label, rows) for label in classes for rows in lines_of(report, label, columns)]
    pixels = np.concatenate([_line(report, rows, columns) for _, rows in lines], axis=0)
    return pixels, tuple(label for label, _ in lines)


def first_line(report: GeneratorReport, label: int, columns: int) -> NDArray[np.uint8]:
    """The first samples of one class, at most `columns`, beside each other: uint8 [h, samples * w, c]."""
    rows = np.flatnonzero(report.labels == label)[:columns]
    return _line(report, rows, len(rows))


def _line(report: GeneratorReport, rows: NDArray[np.int64], columns: int) -> NDArray[np.uint8]:
    """One line [h, columns * w, c]; missing samples are black."""
    images = reduced(report.images[rows])
    _, h, w, c = images.shape
    out = np.zeros((h, columns * w, c), np.uint8)
    out[:, : len(rows) * w] = np.concatenate(list(images), axis=1)
    return out


def mean_difference(a: GeneratorReport, b: GeneratorReport, label: int) -> float | None:
    """Mean absolute difference of the samples of one class from equal noise, gray levels (0 to 255); None without pairs."""
    left, right = (r.images[r.labels == label].astype(np.int16) for r in (a, b))
    n = min(len(left), len(right))
    return float(np.abs(left[:n] - right[:n]).mean()) if n and left.shape[1:] == right.shape[1:] else None
