"""Samples of generators as figures for files: models side by side, and the first and the last sheet of a run."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image

from demos.pictures.sheet_text import title_of
from demos.pictures.sheets import classes_of, whole_sheet
from demos.plots.style import FORGET
from demos.records.record import RunRecord

COLUMNS = 4
"""Samples in a line."""
TILE_INCHES = 0.36


def samples_figure(record: RunRecord) -> Figure:
    """Every model's first samples from the same noise, a row for each class, the forgotten rows framed."""
    reports = record.samples
    first = next(iter(reports.values()))
    classes = classes_of(first, record.forgotten)
    sheets = {name: whole_sheet(report, classes, COLUMNS) for name, report in reports.items()}
    figure, panels = _panels(len(reports), max(len(lines) for _, lines in sheets.values()), COLUMNS)
    for axes, (name, report) in zip(panels, reports.items(), strict=True):
        pixels, lines = sheets[name]
        numbers = []
        for at, c in enumerate(lines):
            mine = report.labels == c
            # A class of two lines has its count once; one that nobody judged has none.
            counted = c not in lines[:at] and len(report.accepted) > 0
            numbers.append(f"{int((report.accepted[mine] == c).sum())} of {int(mine.sum())}" if counted else "")
        _draw(axes, pixels, lines, record, numbers)
        axes.set_title(f"{name} ({report.sampler_steps} steps, guidance {report.guidance:g})", fontsize=9)
    return figure


def timeline_figure(record: RunRecord) -> Figure:
    """The recorded sheets of the first, the middle and the last moment."""
    moments = [moment for moment in record.timeline() if moment.sheet is not None]
    at = sorted({0, len(moments) // 2, len(moments) - 1})
    chosen = [(moments[k].i, moments[k].sheet) for k in at]
    sheets = [sheet for _, sheet in chosen if sheet is not None]
    rows, columns = len(sheets[0].labels) // sheets[0].columns, sheets[0].columns
    figure, panels = _panels(len(sheets), rows, columns)
    for axes, (i, sheet) in zip(panels, chosen, strict=True):
        if sheet is None:
            continue
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(sheet.png))))
        classes = list(sheet.labels[:: sheet.columns])
        starts = range(0, len(sheet.labels), sheet.columns)
        right = [
            sum(a == c for a in sheet.accepted[k : k + sheet.columns]) for k, c in zip(starts, classes, strict=True)
        ]
        numbers = [f"{n} of {sheet.columns}" if sheet.accepted else "" for n in right]
        _draw(axes, pixels.reshape(*pixels.shape[:2], -1), classes, record, numbers)
        axes.set_title(f"after step {i} ({sheet.steps} steps, guidance {sheet.guidance:g})", fontsize=9)
    return figure


def _panels(number: int, rows: int, columns: int) -> tuple[Figure, list[Any]]:
    size = (number * (columns * TILE_INCHES + 1.9), rows * TILE_INCHES + 0.6)
    figure = Figure(figsize=size, layout="constrained")
    return figure, list(figure.subplots(1, number, squeeze=False)[0])


def _draw(
    axes: Any,
    pixels: NDArray[np.uint8],
    classes: Sequence[int],
    record: RunRecord,
    numbers: Sequence[str],
) -> None:
    """One sheet with the names of its rows on the left and the accepted samples on the right."""
    height, width = pixels.shape[:2]
    side = height / len(classes)
    axes.imshow(pixels.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    middles = [(r + 0.5) * side - 0.5 for r in range(len(classes))]
    labels = [
        "" if c in classes[:at] else title_of(c, record.class_names, record.forgotten, record.roles)
        for at, c in enumerate(classes)
    ]
    axes.set_yticks(middles, labels, fontsize=7)
    axes.set_xticks([])
    for middle, text in zip(middles, numbers, strict=True):
        axes.text(width + 1, middle, text, fontsize=6, va="center")
    for r, c in enumerate(classes):
        if c in record.forgotten:
            axes.add_patch(
                Rectangle((-0.5, r * side - 0.5), width, side, fill=False, edgecolor=FORGET, linewidth=2, clip_on=False)
            )
