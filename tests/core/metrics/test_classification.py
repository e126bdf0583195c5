"""Accuracy, confusion and entropy against torchmetrics, scipy and numbers computed by hand."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_confusion_matrix

from sfr_core.errors import InputError
from sfr_core.metrics.classification import accuracy, confusion, entropy, softmax


def test_accuracy_by_hand() -> None:
    assert accuracy([0, 1, 2, 2], [0, 1, 2, 1]) == 75.0
    assert accuracy([3], [3]) == 100.0
    assert accuracy([3], [2]) == 0.0


def test_accuracy_and_confusion_agree_with_torchmetrics() -> None:
    draw = np.random.default_rng(4)
    predicted, labels = draw.integers(0, 7, 301), draw.integers(0, 7, 301)
    theirs = multiclass_accuracy(torch.tensor(predicted), torch.tensor(labels), num_classes=7, average="micro")
    assert accuracy(predicted, labels) == pytest.approx(100 * float(theirs), abs=1e-4)
    matrix = confusion(predicted, labels, 7)
    wanted = multiclass_confusion_matrix(torch.tensor(predicted), torch.tensor(labels), num_classes=7)
    assert np.array_equal(matrix, wanted.numpy())


def test_confusion_rows_are_labels_and_columns_predictions() -> None:
    assert confusion([1, 1, 0], [0, 0, 2], 3).tolist() == [[0, 2, 0], [0, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize(
    ("predicted", "labels", "message"),
    [([], [], "do not fit"), ([1, 2], [1], "do not fit"), ([[1]], [[1]], "do not fit")],
)
def test_accuracy_refuses(predicted: list[int], labels: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        accuracy(predicted, labels)


@pytest.mark.parametrize(
    ("predicted", "labels", "what"), [([3], [0], "predicted"), ([0], [3], "label"), ([-1], [0], "predicted")]
)
def test_confusion_refuses_a_class_out_of_range(predicted: list[int], labels: list[int], what: str) -> None:
    with pytest.raises(InputError, match=what):
        confusion(predicted, labels, 3)


def test_softmax_agrees_with_scipy_and_survives_large_logits() -> None:
    logits = np.random.default_rng(0).normal(0, 5, (40, 10)).astype(np.float32)
    np.testing.assert_allclose(softmax(logits), scipy.special.softmax(logits.astype(np.float64), axis=1), rtol=1e-12)
    assert softmax([[1e4, 0.0, -1e4]]).tolist() == [[1.0, 0.0, 0.0]]


def test_entropy_by_hand() -> None:
    rows = entropy([[0.25] * 4, [1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.9, 0.1, 0.0, 0.0]])
    by_hand = [math.log(4), 0.0, math.log(2), 0.9 * math.log(1 / 0.9) + 0.1 * math.log(10)]
    np.testing.assert_allclose(rows, by_hand, atol=1e-15)
    assert not np.signbit(rows[1])


def test_entropy_agrees_with_scipy() -> None:
    p = np.random.default_rng(1).dirichlet(np.full(10, 0.2), 100)
    np.testing.assert_allclose(entropy(p), scipy.stats.entropy(p, axis=1), atol=1e-12)
