"""Curves of runs over their steps as Plotly figures: several runs over each other, told apart by dash, marker and colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import plotly.graph_objects as go

from demos.plots.style import RUN_COLOURS, RUN_DASHES, RUN_MARKERS, axis, layout
from demos.records.record import RunRecord
from sfr_core.results import LiveRecord

Quantity = Literal["forget accuracy", "remain accuracy", "forget loss", "remain loss"]
QUANTITIES: tuple[Quantity, ...] = ("forget accuracy", "remain accuracy", "forget loss", "remain loss")


GENERATOR_TITLES: dict[Quantity, str] = {
    "forget accuracy": "Forgotten classes accepted",
    "remain accuracy": "Other classes accepted",
    "forget loss": "Forget loss",
    "remain loss": "Remain loss",
}
"""The same quantities where a judge looks at samples instead of a network at pictures."""
CONCEPT_TITLES: dict[Quantity, str] = {
    **GENERATOR_TITLES,
    "forget accuracy": "Samples that still show the concept",
    "remain accuracy": "Everything else as asked",
}
"""Likewise where the samples answer prompts."""
GENERATOR_LOSS = "squared error"
"""Unit of a diffusion model's losses: of the predicted noise, summed or averaged over a picture."""
RELATIVE_LOSS = "share of the way left"
"""Unit of the forget loss of a run that goes a share of the way to another answer: 1 at the start, 0 at the goal."""


def quantity_title(quantity: Quantity, record: RunRecord) -> str:
    """A quantity of this kind of run as people read it."""
    if record.of_concept:
        return CONCEPT_TITLES[quantity]
    return GENERATOR_TITLES[quantity] if record.generates else quantity.capitalize()


def unit_of(quantity: Quantity, record: RunRecord) -> str:
    """Its unit in this run."""
    if quantity.endswith("accuracy"):
        return "%"
    if quantity == "forget loss" and record.config.settings.get("forget_loss") == "relative":
        return RELATIVE_LOSS
    return GENERATOR_LOSS if record.generates else "nats"


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one quantity of one run; `y` is percent for accuracies; losses are nats, of a generator squared errors."""

    x: tuple[int, ...]
    y: tuple[float, ...]


def curve(record: RunRecord, quantity: Quantity) -> Curve:
    """The recorded points of a quantity: live evaluations for accuracies, steps for losses (steps without it left out)."""
    if quantity.endswith("accuracy"):
        points = [
            (e.i, e.record.forget if quantity == "forget accuracy" else e.record.remain)
            for e in record.live()
            if isinstance(e.record, LiveRecord)
        ]
    else:
        losses = [(s.i, s.forget_loss if quantity == "forget loss" else s.remain_loss) for s in record.steps]
        points = [(i, value) for i, value in losses if value is not None]
    return Curve(tuple(i for i, _ in points), tuple(float(v) for _, v in points))


def overlay_figure(runs: Sequence[tuple[str, RunRecord]], quantity: Quantity) -> go.Figure:
    """One quantity of several named runs (at least one, all of one kind) over each other."""
    figure = go.Figure()
    for number, (name, record) in enumerate(runs):
        line = curve(record, quantity)
        k = number % len(RUN_COLOURS)
        figure.add_scatter(
            x=list(line.x),
            y=list(line.y),
            name=name,
            mode="lines+markers" if len(line.x) <= 60 else "lines",
            line={"color": RUN_COLOURS[k], "dash": RUN_DASHES[k], "width": 2},
            marker={"symbol": RUN_MARKERS[k], "size": 6},
            hovertemplate="step %{x}: %{y:.4g}<extra>%{fullData.name}</extra>",
        )
    first = runs[0][1]
    unit = " or ".join(dict.fromkeys(unit_of(quantity, record) for _, record in runs))
    bounds = {"range": [-3, 103]} if unit == "%" else {"rangemode": "tozero"}
    return figure.update_layout(
        layout(
            f"{quantity_title(quantity, first)} ({unit})",
            height=320,
            showlegend=True,
            xaxis=axis("step"),
            yaxis=axis(unit, **bounds),
        )
    )
