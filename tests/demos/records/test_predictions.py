"""Confusion, found pictures and agreement on six pictures, counted by hand and by scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from demos.records import predictions as answers
from demos.records.predictions import (
    OTHERS,
    agreements,
    class_accuracy,
    confusion,
    confusions,
    not_forgotten,
    over_forgotten,
    sample,
    shown_confusions,
)
from tests.demos.compare_examples import TEST_LABELS, record, report


def test_confusion_counts_true_by_row_and_said_by_column() -> None:
    found = confusions(record())
    # after: Cat is called Dog and Owl; Dog once right, once Owl; Owl twice Dog.
    assert found["after"].tolist() == [[0, 1, 1], [0, 1, 1], [0, 2, 0]]
    assert list(found) == ["before", "after", "retrained"]


def test_confusion_equals_scikit_learn_on_random_answers() -> None:
    rng = np.random.default_rng(3)
    labels, said = rng.integers(0, 7, 500), rng.integers(0, 7, 500)
    assert (confusion(labels, said, 7) == confusion_matrix(labels, said, labels=range(7))).all()


def test_class_accuracy_is_the_diagonal_share_and_nan_without_pictures() -> None:
    accuracy = class_accuracy(np.array([[3, 1, 0], [0, 0, 0], [2, 0, 2]]))
    assert accuracy[0] == 75.0
    assert np.isnan(accuracy[1])
    assert accuracy[2] == 50.0


def test_of_many_classes_the_forgotten_and_the_changed_ones_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = shown_confusions(record())
    assert whole.names == ("Cat", "Dog", "Owl")
    assert (whole.changes.tolist(), whole.left_out) == ([0, 1, 2], 0)
    monkeypatch.setattr(answers, "ALL_SHOWN", 2)
    monkeypatch.setattr(answers, "MANY_SHOWN", 1)
    few = shown_confusions(record())
    assert few.names == ("Cat", OTHERS)
    assert (few.changes.tolist(), few.left_out) == ([0], 2)
    # after: [[0, 1, 1], [0, 1, 1], [0, 2, 0]]; no picture is lost.
    assert few.matrices["after"].tolist() == [[0, 2], [0, 4]]


def test_not_forgotten_are_forget_rows_right_after_and_wrong_in_retrained() -> None:
    found = not_forgotten(record(), 10)
    assert (found.total, found.out_of) == (1, 2)
    (only,) = found.samples
    assert (only.part, only.row, only.label, only.before, only.after, only.retrained) == ("train", 0, 0, 0, 0, 1)


def test_a_forget_row_that_retrained_knows_as_well_counts_as_forgotten() -> None:
    base = record()
    knows = {**base.reports, "retrained": report([0, 1, 1, 1, 2, 1], [1, 1, 1, 1, 2, 2])}
    assert not_forgotten(record(reports=knows), 10).total == 0
    without = {name: base.reports[name] for name in ("before", "after")}
    assert not_forgotten(record(reports=without), 10).total == 1


def test_over_forgotten_leaves_forgotten_classes_and_old_mistakes_out() -> None:
    # Test rows 0, 1 are Cat (meant to be wrong); 2 stays right; 3 and 4 turn wrong; 5 was wrong before.
    found = over_forgotten(record(), 10)
    assert (found.total, found.out_of) == (2, 4)
    assert [one.row for one in found.samples] == [3, 4]  # surest first: 0.6, then 0.5
    assert over_forgotten(record(), 1).total == 2
    assert len(over_forgotten(record(), 1).samples) == 1


def test_over_forgotten_needs_retrained_to_be_right() -> None:
    base = record()
    wrong_too = {**base.reports, "retrained": report([1, 1, 1, 1, 2, 1], [1, 1, 1, 0, 2, 2])}
    assert [one.row for one in over_forgotten(record(reports=wrong_too), 10).samples] == [4]


def test_agreement_counts_equal_answers_right_or_wrong() -> None:
    forget, remain, test = agreements(record())
    assert (forget.n, forget.before, forget.after) == (2, 0.0, 50.0)
    assert (remain.n, remain.before, remain.after) == (4, 75.0, 75.0)
    assert test.n == 6
    assert round(test.before, 6) == 50.0
    assert round(test.after, 6) == round(100 / 3, 6)


def test_one_sample_holds_every_answer() -> None:
    one = sample(record(), "test", 4)
    assert (one.label, one.before, one.after, one.retrained) == (2, 2, 1, 2)
    assert np.isclose(one.after_confidence, 0.5)


def test_nothing_is_found_without_answers() -> None:
    empty = record(reports={})
    assert not_forgotten(empty, 5).total == 0
    assert over_forgotten(empty, 5).samples == ()
    assert confusions(empty) == {}
    assert agreements(empty) == ()
    assert len(TEST_LABELS) == 6
