"""Which classes and pictures a generator draws of itself, for previews and to train on: chosen without a network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

LARGE = 2048
"""Values of a picture or latent above which a preview costs more than a visitor would wait for. Stable Diffusion has 16,384, the
shipped models half the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewSettings:
    """The samples that a running page shows.

    Attributes:
        times: previews in a run, beside the one before it.
        columns: samples of each class.
        classes: at most, the forgotten ones first and the others evenly chosen.
        steps, guidance: their sampler's.
    """

    times: int = 7
    columns: int = 4
    classes: int = 16
    steps: int = 8
    guidance: float = 2.0

    def for_values(self, values: int) -> PreviewSettings:
        """The same, or fewer where a picture or latent has more than LARGE values."""
        return replace(self, times=4, columns=2, classes=6) if values > LARGE else self

    def labels(self, forgotten: tuple[int, ...], others: NDArray[np.int64]) -> NDArray[np.int64]:
        """Classes of the samples of one preview, the forgotten ones first."""
        order = [*forgotten, *evenly(others, max(1, self.classes - len(forgotten)))]
        return np.repeat(np.array(order, np.int64), self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfGenerated:
    """The pictures that a model without data draws of itself before a run, to be trained on.

    Attributes:
        forget: pictures of the forgotten classes together. remain: of each other class.
        most: of the other classes together; then they are of evenly chosen ones.
        steps: their sampler's.
        guidance: of those to forget, in the look of what the model shows. Those to keep are drawn without guidance: that is what
            the model has learned, so that training on them moves nothing, while guided ones sharpen it step by step (docs/adr/0028).
    """

    forget: int = 192
    remain: int = 64
    most: int = 1024
    steps: int = 20
    guidance: float = 2.0

    def labels(self, forgotten: tuple[int, ...], others: NDArray[np.int64]) -> NDArray[np.int64]:
        """Labels of the pictures, sorted."""
        kept = evenly(others, max(1, self.most // self.remain)).tolist()
        mine = max(1, self.forget // len(forgotten))
        counts = {**dict.fromkeys(forgotten, mine), **dict.fromkeys(kept, self.remain)}
        labels = sorted(counts)
        return np.repeat(np.array(labels, np.int64), [counts[c] for c in labels])


def evenly(values: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of the values, evenly spaced, in their order."""
    if len(values) <= most:
        return values
    return values[np.arange(most) * len(values) // most]


def next_kept(forgotten: tuple[int, ...], classes: int, step: int = 1) -> NDArray[np.int64]:
    """For every class the one to draw instead: the first kept one from `step` after a forgotten one, round the end; others stay."""
    out = np.arange(classes, dtype=np.int64)
    for c in forgotten:
        out[c] = next(k % classes for k in range(c + step, c + step + classes) if k % classes not in forgotten)
    return out
