"""A record from answers written by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sfr_core.data.datasets import Dataset, Pictures
from sfr_core.data.splits import parse_forget, split_rows
from sfr_core.metrics.classifier import Answers, judge, report

NAMES = ("a", "b", "c")


def data(train: list[int], test: list[int]) -> Dataset:
    def pictures(labels: list[int]) -> Pictures:
        return Pictures(np.zeros((len(labels), 1, 1, 1), np.uint8), np.array(labels, np.int64))

    return Dataset("hand", NAMES, pictures(train), pictures(test), (0.5,), (0.5,))


def sure(best: list[int], p: float = 0.8) -> np.ndarray:
    """Rows with probability `p` on the best class, and the rest shared."""
    out = np.full((len(best), 3), (1 - p) / 2)
    out[np.arange(len(best)), best] = p
    return out


DATA = data([0, 0, 1, 1, 2, 2, 2, 2], [0, 1, 1, 2])
ANSWERS = Answers(sure([0, 1, 1, 1, 2, 2, 0, 2]), sure([0, 1, 0, 0]))


def test_accuracies_of_a_forgotten_class() -> None:
    split = split_rows(parse_forget("class:c", NAMES), DATA.train.labels)
    record = judge(ANSWERS, DATA, split, None)
    assert (record.FA, record.RA, record.TA) == (75.0, 75.0, 50.0)  # 3 of 4, 3 of 4, 2 of 4
    assert record.TA_forget == 0.0
    assert record.TA_remain == pytest.approx(200 / 3)
    assert (record.n_forget, record.n_remain, record.n_test) == (4, 4, 4)
    assert record.KL is None
    assert record.MIA is not None
    assert 0 <= record.MIA <= 100
    assert record.MIA_svc is not None
    assert 0 <= record.MIA_svc <= 100


@pytest.mark.parametrize("text", ["samples:1,6", "random:0.25@0"])
def test_without_whole_classes_there_is_no_accuracy_by_class(text: str) -> None:
    split = split_rows(parse_forget(text, NAMES), DATA.train.labels)
    record = judge(ANSWERS, DATA, split, None)
    assert (record.TA_forget, record.TA_remain) == (None, None)
    if text.startswith("samples"):
        assert (record.FA, record.RA) == (0.0, 100.0)  # the two wrong ones


def test_a_test_set_without_the_forgotten_class() -> None:
    dataset = data([0, 0, 1, 1, 2, 2, 2, 2], [0, 1, 1, 0])
    split = split_rows(parse_forget("class:c", NAMES), dataset.train.labels)
    record = judge(ANSWERS, dataset, split, None)
    assert (record.TA_forget, record.TA_remain) == (None, None)


def test_kl_is_of_the_forget_rows_from_retrained_to_the_model() -> None:
    split = split_rows(parse_forget("samples:0", NAMES), DATA.train.labels)
    retrained = Answers(np.tile([0.5, 0.25, 0.25], (8, 1)), ANSWERS.test)
    # Row 0 is (0.8, 0.1, 0.1): 1/2 log(0.5/0.8) + 2 * 1/4 log(0.25/0.1)
    want = 0.5 * math.log(0.5 / 0.8) + 0.5 * math.log(2.5)
    after, itself = judge(ANSWERS, DATA, split, retrained), judge(retrained, DATA, split, retrained)
    assert pytest.approx([want, 0.0], abs=1e-12) == [after.KL, itself.KL]


def test_answers_are_the_softmax() -> None:
    answers = Answers.from_logits(np.log(np.array([[1.0, 2.0, 5.0]])).astype(np.float32), np.zeros((1, 3), np.float32))
    assert answers.train[0].tolist() == pytest.approx([0.125, 0.25, 0.625])
    assert answers.test[0].tolist() == pytest.approx([1 / 3] * 3)


def test_report_of_every_picture() -> None:
    found = report(ANSWERS)
    assert found.train_predicted.tolist() == [0, 1, 1, 1, 2, 2, 0, 2]
    assert found.test_confidence.tolist() == pytest.approx([0.8] * 4)
    entropy = -(0.8 * math.log(0.8) + 0.2 * math.log(0.1))
    assert found.test_entropy.tolist() == pytest.approx([entropy] * 4)
    assert (found.train_predicted.dtype, found.train_confidence.dtype) == (np.int64, np.float32)
