"""What a quality recipe says of a model's samples: shares that a judge accepts, and a file beside the model."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipes.publish import QUALITY
from sfr_core.nets.judge import Verdict


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


def write_quality(work: Path, digest: str, metrics: dict[str, float], quality: dict[str, Any]) -> None:
    """Keeps what was measured on the weights `digest`, for `publish.measured`."""
    said = {"sha256": digest, "metrics": metrics, "quality": quality}
    (work / QUALITY).write_text(json.dumps(said) + "\n", encoding="utf-8")
