"""Whether a classifier that somebody brought recognises its own pictures: another order of classes, mean or crop than it was trained with
makes it answer by chance. Importing this module imports no torch.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sfr_core.cancel import CancelToken
from sfr_core.data.datasets import Dataset
from sfr_core.errors import AssetError

if TYPE_CHECKING:
    from torch import nn

ROWS = 500
"""Training pictures that are looked at, at most."""
SECONDS = 20.0
"""After which no more are looked at."""
TOGETHER = 20


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a classifier recognises.

    Attributes:
        share: of the training pictures that it calls by their class, percent; the mean over their classes, since a network that calls
            everything by the name of the largest class knows nothing. n: pictures that were looked at.
        classes: among which it chooses.
    """

    share: float
    n: int
    classes: int

    def of_retrained(self) -> str:
        """The sentence about a retrained network of somebody's own."""
        return f"The retrained network recognises {self.share:.0f} % of the training pictures ({self.n:,} looked at)."


def recognise(model: nn.Module, dataset: Dataset, *, cancel: CancelToken | None = None) -> Recognised:
    """Asks a network about some of its training pictures, drawn evenly from all classes.

    Args:
        model: in eval mode, on the CPU. dataset: with the mean and deviation that pictures are normalised by.
        cancel: asked before every batch.

    Raises:
        AssetError: an answer is NaN or infinite. Stopped: `cancel` was set or is past its deadline.
    """
    import torch

    rows, labels = _even(dataset.train.labels)[:ROWS], dataset.train.labels
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (dataset.mean, dataset.std))
    right = np.zeros(len(labels), bool)
    looked = 0
    started = time.monotonic()
    with torch.no_grad():
        for at in np.split(rows, range(TOGETHER, len(rows), TOGETHER)):
            if cancel is not None:
                cancel.check()
            x = torch.from_numpy(dataset.train.images[at]).permute(0, 3, 1, 2).float().div_(255).sub_(mean).div_(std)
            answers = model(x)
            if not torch.isfinite(answers).all():
                raise AssetError(
                    "The network's answers to its pictures are no numbers (NaN or infinite).",
                    hint="Check mean and std; else the weights are damaged.",
                )
            right[at] = answers.argmax(1).numpy() == labels[at]
            looked += len(at)
            if time.monotonic() - started > SECONDS:
                break
    seen = rows[:looked]
    shares = [right[seen][labels[seen] == label].mean() for label in np.unique(labels[seen])]
    return Recognised(100.0 * float(np.mean(shares)), looked, len(dataset.class_names))


def _even(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """All rows in a random order that is always the same: one of each class, then another of each, as long as there are any."""
    rows = np.random.default_rng(0).permutation(len(labels))
    by_class = np.argsort(labels[rows], kind="stable")
    sorted_labels = labels[rows][by_class]
    turn = np.empty(len(rows), np.int64)
    turn[by_class] = np.arange(len(rows)) - np.searchsorted(sorted_labels, sorted_labels)
    return rows[np.argsort(turn, kind="stable")]
