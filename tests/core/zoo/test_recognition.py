"""Does a classifier know its own pictures? Counted by hand on networks whose answers are plain to see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sfr_core.cancel import CancelToken, Stopped
from sfr_core.data.datasets import Dataset, Pictures
from sfr_core.errors import AssetError
from sfr_core.zoo import recognition
from sfr_core.zoo.recognition import Recognised, recognise


class Brighter(nn.Module):
    """Class 1 where the first pixel is above its mean, else class 0."""

    def forward(self, x: Tensor) -> Tensor:
        first = x[:, 0, 0, 0]
        return torch.stack([-first, first], dim=1)


def dataset(mean: float = 0.5, std: float = 1.0, n: int = 10) -> Dataset:
    """Dark pictures of class 0, bright ones of class 1, in turn."""
    labels = np.arange(n) % 2
    images = np.where(labels[:, None, None, None] == 1, 200, 50).astype(np.uint8) * np.ones((1, 2, 2, 1), np.uint8)
    pictures = Pictures(images, labels.astype(np.int64))
    return Dataset("x", ("dark", "bright"), pictures, pictures, (mean,), (std,), mirror=False)


def test_right_answers_are_counted_with_the_mean_that_pictures_are_read_by() -> None:
    assert recognise(Brighter(), dataset()) == Recognised(100.0, 10, 2)
    assert recognise(Brighter(), dataset(mean=0.0)) == Recognised(50.0, 10, 2)  # all seem bright: half of them are


def test_every_class_counts_the_same() -> None:
    """Of nine dark pictures and a bright one, a network that calls all of them bright knows one class of two."""
    even, labels = dataset(), np.array([0] * 9 + [1])
    images = np.concatenate([even.train.images[:1]] * 9 + [even.train.images[1:2]])
    uneven = replace(even, train=Pictures(images, labels))
    assert recognise(Brighter(), replace(uneven, mean=(0.0,))) == Recognised(50.0, 10, 2)
    assert recognise(Brighter(), uneven) == Recognised(100.0, 10, 2)


def test_rows_come_class_by_class_in_turn() -> None:
    labels = np.array([0] * 6 + [1] * 2 + [2] * 3)
    rows = recognition._even(labels)
    assert sorted(rows) == list(range(11))
    turns = [sorted(labels[rows][at]) for at in (slice(0, 3), slice(3, 6), slice(6, 8), slice(8, 11))]
    assert turns == [[0, 1, 2], [0, 1, 2], [0, 2], [0, 0, 0]]


def test_no_more_than_so_many_rows_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "ROWS", 30)
    assert recognise(Brighter(), dataset(n=100)).n == 30
    monkeypatch.setattr(recognition, "SECONDS", 0.0)
    assert recognise(Brighter(), dataset(n=100)).n == recognition.TOGETHER


def test_answers_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(AssetError, match=r"are no numbers .*Check mean and std"):
        recognise(Brighter(), dataset(std=float("nan")))


def test_a_stop_is_asked_for_before_every_batch() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Stopped):
        recognise(Brighter(), dataset(), cancel=token)
