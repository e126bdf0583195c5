"""What a quality recipe says of a model's samples: shares that a judge accepts, a sheet to look at, a file beside the model."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recipes.publish import QUALITY
from sfr_core.nets.judge import Verdict

GREY = 96


def percent(hits: NDArray[np.bool_]) -> float:
    return round(100 * float(hits.mean()), 2)


def shares(found: Verdict, right: Collection[int]) -> dict[str, float]:
    """Of samples that should show one of the classes `right`, in percent: accepted as one, one the best class, rejected."""
    return {
        "accuracy": percent(np.isin(found.labels, list(right))),
        "plain_accuracy": percent(np.isin(found.plain, list(right))),
        "rejected": percent(found.rejected),
    }


def means(rows: Mapping[str, Mapping[str, float]], digits: int) -> dict[str, float]:
    """The mean over the rows of everything that they say."""
    keys = next(iter(rows.values()))
    return {key: round(float(np.mean([row[key] for row in rows.values()])), digits) for key in keys}


def sheet(images: NDArray[np.uint8], columns: int, *, scale: int = 1, gap: int = 0) -> Image.Image:
    """Pictures [n, h, w, c] in rows of `columns`, each pixel `scale` wide, with grey lines of `gap` pixels between them."""
    shown = images[: len(images) // columns * columns].repeat(scale, 1).repeat(scale, 2)
    shown = np.pad(shown, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=GREY)
    _, height, width, channels = shown.shape
    tiled = shown.reshape(-1, columns, height, width, channels).swapaxes(1, 2)
    return Image.fromarray(tiled.reshape(-1, columns * width, channels).squeeze())


def write_quality(work: Path, digest: str, metrics: dict[str, float], quality: dict[str, Any]) -> None:
    """Keeps what was measured on the weights `digest`, for `publish.measured`."""
    said = {"sha256": digest, "metrics": metrics, "quality": quality}
    (work / QUALITY).write_text(json.dumps(said) + "\n", encoding="utf-8")
