"""The saliency mask layer by layer: an exact recount at any recorded threshold, and its bars."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from demos.plots.style import REMAIN, axis, layout
from sfr_core.events import MaskReady


@dataclass(frozen=True, slots=True)
class LayerCount:
    """Selected entries of one parameter tensor at some threshold."""

    name: str
    shape: tuple[int, ...]
    size: int
    kept: int

    @property
    def share(self) -> float:
        """Selected share, percent."""
        return 100.0 * self.kept / self.size if self.size else 0.0


def recount(mask: MaskReady, index: int | None) -> tuple[LayerCount, ...]:
    """Counts at `mask.thresholds[index]`, or those of the run itself for None; order of the model."""
    return tuple(
        LayerCount(layer.name, layer.shape, layer.size, layer.kept if index is None else layer.kept_at[index])
        for layer in mask.layers
    )


def total_share(counts: tuple[LayerCount, ...]) -> float:
    """Selected share of all entries, percent."""
    size = sum(count.size for count in counts)
    return 100.0 * sum(count.kept for count in counts) / size if size else 0.0


def nearest_threshold(mask: MaskReady) -> int:
    """Position in `mask.thresholds` that is nearest to the run's own threshold."""
    return min(range(len(mask.thresholds)), key=lambda j: abs(mask.thresholds[j] - mask.threshold), default=0)


def layers_figure(counts: tuple[LayerCount, ...]) -> go.Figure:
    """One bar a layer, first layer on top."""
    names = [count.name for count in counts]
    figure = go.Figure(
        go.Bar(
            x=[count.share for count in counts],
            y=names,
            orientation="h",
            marker={"color": REMAIN},
            hovertemplate="%{y}: %{x:.2f} % selected<extra></extra>",
        )
    )
    return figure.update_layout(
        layout(
            "Share selected by layer (%)",
            height=max(260, 74 + 15 * len(names)),
            margin={"l": 150, "r": 12, "t": 42, "b": 54},
            xaxis=axis("%", range=[0, 100]),
            yaxis={
                "autorange": "reversed",
                "tickfont": {"size": 10},
                "automargin": True,
                "tickmode": "array",
                "tickvals": names,
            },
            showlegend=False,
        )
    )
