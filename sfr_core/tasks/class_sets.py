"""Which classes and pictures stand in a generator's sets: chosen without a network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sfr_core.data.datasets import Dataset


def free_labels(
    forgotten: tuple[int, ...], others: NDArray[np.int64], *, forget: int, remain: int, most: int
) -> NDArray[np.int64]:
    """Labels, sorted, of the pictures that a model without data draws of itself.

    Args:
        forget: pictures of the forgotten classes together.
        remain: pictures of each other class. most: of all others together; then they are of evenly chosen ones.
    """
    kept = evenly(others, max(1, most // remain))
    counts = {**dict.fromkeys(forgotten, max(1, forget // len(forgotten))), **dict.fromkeys(kept.tolist(), remain)}
    labels = sorted(counts)
    return np.repeat(np.array(labels, np.int64), [counts[c] for c in labels])


def evenly(values: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of the values, evenly spaced, in their order."""
    if len(values) <= most:
        return values
    return values[np.arange(most) * len(values) // most]


def frozen_flips(dataset: Dataset, seed: int) -> NDArray[np.uint8]:
    """The training pictures; where a mirrored one is natural, half of them flipped, the same ones in the whole run."""
    images = dataset.train.images
    if not dataset.mirror:
        return images
    flipped = np.random.default_rng(seed).random(len(images)) < 0.5
    out = images.copy()
    out[flipped] = out[flipped, :, ::-1]
    return out


def next_kept(forgotten: tuple[int, ...], classes: int, step: int = 1) -> NDArray[np.int64]:
    """For every class the one to draw instead: the first kept one from `step` after a forgotten one, round the end; others stay."""
    out = np.arange(classes, dtype=np.int64)
    for c in forgotten:
        out[c] = next(k % classes for k in range(c + step, c + step + classes) if k % classes not in forgotten)
    return out
