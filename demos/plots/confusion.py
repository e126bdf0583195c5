"""Confusion matrices and class-wise change as Plotly figures, from counts alone."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from demos.colours import token
from demos.plots.style import FORGET, MODEL_COLOURS, MODEL_PATTERNS, REMAIN, axis, layout
from demos.records.predictions import class_accuracy

COUNT_SCALE = [
    [at, token(f"count-{name}")] for at, name in ((0.0, "none"), (0.02, "few"), (0.3, "some"), (1.0, "many"))
]
CHANGE_SCALE = [[0.0, REMAIN], [0.5, token("count-none")], [1.0, FORGET]]


def confusion_figure(title: str, matrix: NDArray[np.int64], class_names: tuple[str, ...]) -> go.Figure:
    """One matrix; rows are true classes, columns what the model says. Numbers stand in the cells, zeros are left out."""
    return _heatmap(title, matrix, [[str(v) if v else "" for v in row] for row in matrix.tolist()], class_names)


def confusion_change_figure(
    title: str, before: NDArray[np.int64], after: NDArray[np.int64], class_names: tuple[str, ...]
) -> go.Figure:
    """after minus before; a sign stands before every number, so that colour is not the only one."""
    change = after - before
    text = [[f"{v:+d}".replace("-", "\u2212") if v else "" for v in row] for row in change.tolist()]
    return _heatmap(title, change, text, class_names, symmetric=True)


def _heatmap(
    title: str,
    values: NDArray[np.int64],
    text: list[list[str]],
    class_names: tuple[str, ...],
    *,
    symmetric: bool = False,
) -> go.Figure:
    top = int(max(np.abs(values).max(), 1))
    unit = "change" if symmetric else "pictures"
    figure = go.Figure(
        go.Heatmap(
            z=values.tolist(),
            x=list(class_names),
            y=list(class_names),
            text=text,
            texttemplate="%{text}",
            textfont={"size": 10},
            colorscale=CHANGE_SCALE if symmetric else COUNT_SCALE,
            zmin=-top if symmetric else 0,
            zmax=top,
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate="true %{y}<br>model says %{x}<br>%{z} " + unit + "<extra></extra>",
        )
    )
    return figure.update_layout(
        layout(
            title,
            height=430,
            margin={"l": 76, "r": 8, "t": 42, "b": 84},
            xaxis=axis("model says", tickangle=-45, showgrid=False, tickfont={"size": 11}),
            yaxis=axis("true class", autorange="reversed", showgrid=False, tickfont={"size": 11}),
        )
    )


def class_change(
    matrices: dict[str, NDArray[np.int64]], classes: NDArray[np.int64] | slice = slice(None)
) -> dict[str, list[float]]:
    """Points by which the classes' test accuracy changed against before, of `after` and (if given) `retrained`."""
    start = class_accuracy(matrices["before"])
    return {
        name: (class_accuracy(matrices[name]) - start)[classes].round(4).tolist()
        for name in ("after", "retrained")
        if name in matrices
    }


def class_change_figure(
    matrices: dict[str, NDArray[np.int64]],
    class_names: tuple[str, ...],
    classes: NDArray[np.int64] | slice = slice(None),
) -> go.Figure:
    """Bars by class, one pattern and colour a model; `class_names` are those of `classes`."""
    figure = go.Figure()
    for name, values in class_change(matrices, classes).items():
        figure.add_bar(
            x=list(class_names),
            y=values,
            name=f"{name} − before",
            marker={
                "color": MODEL_COLOURS[name],
                "pattern": {
                    "shape": MODEL_PATTERNS[name],
                    "bgcolor": MODEL_COLOURS[name],
                    "fgcolor": "white",
                    "fillmode": "replace",
                    "solidity": 0.2,
                    "size": 7,
                },
            },
            hovertemplate="%{x}: %{y:+.1f} points<extra>%{fullData.name}</extra>",
        )
    return figure.update_layout(
        layout(
            "Change of test accuracy by class (points)",
            height=420,
            margin={"l": 52, "r": 12, "t": 104, "b": 70},
            barmode="group",
            xaxis=axis("", tickangle=-45, showgrid=False),
            yaxis=axis("points", ticksuffix="", zeroline=True),
            legend={"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
        )
    )
