"""From a classifier's answers to its record: which rows enter which metric (docs/contracts.md, section result.json)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split
from sfr_core.metrics.classification import Floats, accuracy, entropy, softmax
from sfr_core.metrics.divergence import kl
from sfr_core.metrics.membership import entropy_attack, relative_attack, svc_attack
from sfr_core.results import ClassifierRecord, ModelReport


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's class probabilities on every picture: `train` [n, classes] and `test` [m, classes], rows sum to 1."""

    train: NDArray[np.float64]
    test: NDArray[np.float64]

    @classmethod
    def from_logits(cls, train: NDArray[np.float32], test: NDArray[np.float32]) -> Answers:
        """The softmax of logits of the same shapes."""
        return cls(softmax(train), softmax(test))


def judge(answers: Answers, dataset: Dataset, split: Split, retrained: Answers | None) -> ClassifierRecord:
    """All metrics of one model; `retrained` answers give KL on the forget rows."""
    train_labels, test_labels = dataset.train.labels, dataset.test.labels
    forget, remain = split.forget, split.remain
    train_best, test_best = answers.train.argmax(1), answers.test.argmax(1)
    forgotten = np.isin(test_labels, split.spec.classes)
    by_class = bool(split.spec.classes) and bool(forgotten.any()) and not bool(forgotten.all())
    shares = svc_attack(
        (answers.train[remain], train_labels[remain]),
        (answers.test, test_labels),
        (answers.train[forget], train_labels[forget]),
    )
    return ClassifierRecord(
        FA=accuracy(train_best[forget], train_labels[forget]),
        RA=accuracy(train_best[remain], train_labels[remain]),
        TA=accuracy(test_best, test_labels),
        MIA=entropy_attack(entropy(answers.train[remain]), entropy(answers.test), entropy(answers.train[forget])),
        TA_forget=accuracy(test_best[forgotten], test_labels[forgotten]) if by_class else None,
        TA_remain=accuracy(test_best[~forgotten], test_labels[~forgotten]) if by_class else None,
        KL=None if retrained is None else kl(retrained.train[forget], answers.train[forget]),
        MIA_svc=shares.confidence,
        n_forget=len(forget),
        n_remain=len(remain),
        n_test=len(test_labels),
    )


def relative(answers: Answers, dataset: Dataset, split: Split, retrained: Answers) -> float | None:
    """RMIA of one model against the retrained one, percent; None where no test picture is of the kind that was forgotten.

    The others are the test rows of the forgotten classes, of a random share all test rows; the population is the test set.
    """
    train, test = dataset.train.labels, dataset.test.labels
    alike = np.flatnonzero(np.isin(test, split.spec.classes)) if split.spec.classes else np.arange(len(test))
    if not len(alike):
        return None

    def chances(rows: NDArray[np.int64], labels: NDArray[np.int64], part: str) -> tuple[Floats, Floats]:
        mine, theirs = getattr(answers, part), getattr(retrained, part)
        return mine[rows, labels[rows]], theirs[rows, labels[rows]]

    every = np.arange(len(test))
    return relative_attack(
        chances(split.forget, train, "train"), chances(alike, test, "test"), chances(every, test, "test")
    )


def report(answers: Answers) -> ModelReport:
    """What the page shows picture by picture."""
    return ModelReport(
        train_predicted=answers.train.argmax(1),
        test_predicted=answers.test.argmax(1),
        train_confidence=answers.train.max(1).astype(np.float32),
        test_confidence=answers.test.max(1).astype(np.float32),
        train_entropy=entropy(answers.train).astype(np.float32),
        test_entropy=entropy(answers.test).astype(np.float32),
    )
