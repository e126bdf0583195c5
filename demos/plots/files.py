"""Figures for files (PNG, SVG): Matplotlib without pyplot, so that threads do not meet in a global state."""

from __future__ import annotations

import io
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from demos.plots.confusion import class_change
from demos.plots.curves import QUANTITIES, curve, quantity_title, unit_of
from demos.plots.layers import recount
from demos.plots.samples import samples_figure, timeline_figure
from demos.plots.style import FORGET, MODEL_COLOURS, MODEL_PATTERNS, REMAIN
from demos.records.predictions import confusions, shown_confusions
from demos.records.record import RunRecord

# Ids inside an SVG are hashes; a fixed salt makes equal figures equal files.
matplotlib.rcParams["svg.hashsalt"] = "unlearning-playground"

Format = Literal["png", "svg"]
HATCHES = {"/": "//", "x": "xx", "": ""}


def figures(record: RunRecord) -> dict[str, Figure]:
    """Every figure that this run has data for, by file stem: curves, confusion, classes, saliency."""
    out: dict[str, Figure] = {}
    if record.steps or record.live():
        out["curves"] = curves_figure(record)
    matrices = confusions(record)
    if {"before", "after"} <= matrices.keys():
        shown = shown_confusions(record)
        out["confusion"] = confusion_figure(shown.matrices, shown.names)
        changes = class_change(matrices, shown.changes)
        out["classes"] = classes_figure(changes, tuple(record.class_names[c] for c in shown.changes))
    if record.samples:
        out["samples"] = samples_figure(record)
    if any(moment.sheet for moment in record.timeline()):
        out["timeline"] = timeline_figure(record)
    if record.mask is not None:
        out["saliency"] = saliency_figure(record)
    return out


def curves_figure(record: RunRecord) -> Figure:
    """Accuracies, or shares of accepted samples, on the left, losses on the right, over steps."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    names = "accepted samples" if record.generates else "accuracy"
    for axes, kind, title in ((left, "accuracy", names), (right, "loss", "loss")):
        for part, colour, dash, marker in (("forget", FORGET, "-", "o"), ("remain", REMAIN, "--", "s")):
            quantity: Any = f"{part} {kind}"
            line = curve(record, quantity)
            axes.plot(
                line.x,
                line.y,
                dash,
                color=colour,
                marker=marker if len(line.x) <= 60 else None,
                ms=4,
                label=quantity_title(quantity, record).lower(),
            )
        axes.set_xlabel("step")
        units = dict.fromkeys(unit_of(quantity, record) for quantity in QUANTITIES if quantity.endswith(kind))
        axes.set_ylabel(f"{title} ({'; '.join(units)})")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    left.set_ylim(-3, 103)
    live = record.live()
    if live:
        first: Any = live[0].record
        left.set_title(
            f"{'preview samples' if record.generates else 'live subsets'}, n = {first.n_forget} and {first.n_remain}",
            fontsize=9,
        )
    return figure


def confusion_figure(matrices: dict[str, Any], class_names: tuple[str, ...]) -> Figure:
    """Every model's confusion matrix on the test set, side by side."""
    figure = Figure(figsize=(4.6 * len(matrices), 4.8), layout="constrained")
    for axes, (name, matrix) in zip(figure.subplots(1, len(matrices), squeeze=False)[0], matrices.items(), strict=True):
        top = max(int(matrix.max()), 1)
        axes.imshow(matrix, cmap="Purples", vmin=0, vmax=top)
        for (t, p), value in np.ndenumerate(matrix):
            if value:
                axes.text(p, t, str(value), ha="center", va="center", fontsize=7, color="w" if value > top / 2 else "k")
        axes.set_xticks(range(len(class_names)), class_names, rotation=45, ha="right", fontsize=8)
        axes.set_yticks(range(len(class_names)), class_names, fontsize=8)
        axes.set_xlabel("model says")
        axes.set_ylabel("true class")
        axes.set_title(f"{name} (test set, n = {int(matrix.sum()):,})", fontsize=10)
    return figure


def classes_figure(changes: dict[str, list[float]], class_names: tuple[str, ...]) -> Figure:
    """Change of every class's test accuracy against before, in points."""
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(changes)
    for k, (name, values) in enumerate(changes.items()):
        at = np.arange(len(class_names)) + (k - (len(changes) - 1) / 2) * width
        hatch = HATCHES[MODEL_PATTERNS[name]]
        axes.bar(at, values, width, color=MODEL_COLOURS[name], hatch=hatch, edgecolor="w", label=f"{name} minus before")
    axes.axhline(0, color="k", lw=0.8)
    axes.set_xticks(range(len(class_names)), class_names, rotation=45, ha="right", fontsize=8)
    axes.set_ylabel("test accuracy, points")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize=8)
    return figure


def saliency_figure(record: RunRecord) -> Figure:
    """Share of every layer that the run's own mask selected."""
    if record.mask is None:
        raise ValueError("a run without a mask has no saliency figure")
    counts = recount(record.mask, None)
    figure = Figure(figsize=(7, max(2.5, 0.22 * len(counts) + 1)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(counts)), [c.share for c in counts], color=REMAIN)
    axes.set_yticks(range(len(counts)), [c.name for c in counts], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel(f"share selected at threshold {record.mask.threshold:.4g}, %")
    axes.grid(axis="x", alpha=0.3)
    return figure


def render(figure: Figure, kind: Format) -> bytes:
    """The bytes of a figure; no date inside, so equal figures give equal files."""
    buffer = io.BytesIO()
    if kind == "png":
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png", dpi=144, metadata={"Software": None})
    else:
        FigureCanvasSVG(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
