"""Accuracy, confusion matrix and the entropy of a prediction, on numpy arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sfr_core.errors import InputError

Floats = NDArray[np.float64]


def softmax(logits: ArrayLike) -> Floats:
    """Probabilities [n, classes] (each row sums to 1) from logits [n, classes], in float64, safe for large logits."""
    values = np.asarray(logits, np.float64)
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    result: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return result


def accuracy(predicted: ArrayLike, labels: ArrayLike) -> float:
    """Share of rows whose predicted class [n] is the label [n], in percent (0 to 100).

    Raises:
        InputError: no rows, or two lengths.
    """
    guesses, truth = _pair(predicted, labels)
    return 100.0 * float(np.mean(guesses == truth))


def confusion(predicted: ArrayLike, labels: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Counts [classes, classes]: row = label, column = predicted class.

    Raises:
        InputError: no rows, two lengths, or a class outside 0 to classes - 1.
    """
    guesses, truth = _pair(predicted, labels)
    for what, values in (("label", truth), ("predicted class", guesses)):
        if values.min() < 0 or values.max() >= classes:
            raise InputError(
                f"A {what} lies outside 0 to {classes - 1}.", hint="Give the number of classes of the model."
            )
    counts = np.bincount(truth * classes + guesses, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def entropy(probabilities: ArrayLike) -> Floats:
    """-sum p ln p of each row, shape [n], in nats (0 to ln classes); a probability of 0 contributes 0."""
    p = np.asarray(probabilities, np.float64)
    rows: Floats = -(p * np.log(np.where(p > 0.0, p, 1.0))).sum(axis=-1)
    return np.maximum(rows, 0.0)  # rounding, and the minus sign of an exact 0


def _pair(predicted: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    guesses, truth = np.asarray(predicted, np.int64), np.asarray(labels, np.int64)
    if guesses.shape != truth.shape or guesses.ndim != 1 or not guesses.size:
        raise InputError(
            f"Predictions {guesses.shape} and labels {truth.shape} do not fit together.",
            hint="Give one predicted class per label, and at least one row.",
        )
    return guesses, truth
