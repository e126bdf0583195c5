"""What three models predict, set against each other: confusion, classes, single pictures, agreement. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from demos.records.record import RunRecord

Part = Literal["train", "test"]
ALL_SHOWN = 200
"""Classes that a matrix shows one by one; of more, MANY_SHOWN: a table of a thousand by a thousand is no use, and 20 MB."""
MANY_SHOWN = 40
OTHERS = "all others"


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture and what was said of it; confidences are 0 to 1, labels are class numbers.

    `retrained` and `retrained_confidence` are None where there is no retrained model.
    """

    part: Part
    row: int
    label: int
    before: int
    before_confidence: float
    after: int
    after_confidence: float
    retrained: int | None = None
    retrained_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Samples to look at: `total` were found, `samples` are the first of them by confidence of the prediction after."""

    total: int
    out_of: int
    samples: tuple[Sample, ...]


def confusion(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Counts [classes, classes]: entry [t, p] is how many pictures of true class t were called p."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def class_accuracy(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Accuracy of every class, percent; NaN for a class without pictures."""
    totals = matrix.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return 100.0 * np.diag(matrix) / np.where(totals == 0, np.nan, totals)


def confusions(record: RunRecord) -> dict[str, NDArray[np.int64]]:
    """Confusion matrices on the test set of every model that has predictions: before, after, retrained."""
    if record.dataset is None:
        return {}
    labels, classes = record.dataset.test.labels, len(record.class_names)
    return {
        name: confusion(labels, record.predictions[name].test_predicted, classes)
        for name in ("before", "after", "retrained")
        if name in record.predictions
    }


@dataclass(frozen=True, slots=True)
class Shown:
    """Confusion as it is shown.

    Attributes:
        matrices: counts [k, k] by model; where classes are left out, the last row and column are all of those together.
        names: of rows and columns.
        changes: class numbers that have test pictures and a row of their own.
        left_out: classes that have no row of their own.
    """

    matrices: dict[str, NDArray[np.int64]]
    names: tuple[str, ...]
    changes: NDArray[np.int64]
    left_out: int = 0


def shown_confusions(record: RunRecord) -> Shown:
    """What `confusions` finds; of very many classes the forgotten ones and those whose predictions changed most."""
    matrices, names = confusions(record), record.class_names
    pictures = next(iter(matrices.values())).sum(axis=1) if matrices else np.zeros(len(names), np.int64)
    if len(names) <= ALL_SHOWN or not matrices:
        return Shown(matrices, names, np.flatnonzero(pictures))
    ends = [matrices[who] for who in ("before", "after") if who in matrices]
    change = np.abs(ends[-1] - ends[0])
    weight = change.sum(axis=0) + change.sum(axis=1) + (pictures > 0) / 2  # of equals, those that have pictures
    weight[list(record.forgotten)] = np.inf
    kept = np.sort(np.argsort(-weight, kind="stable")[:MANY_SHOWN])
    folded = {who: _folded(matrix, kept) for who, matrix in matrices.items()}
    some = (*(names[c] for c in kept), OTHERS)
    return Shown(folded, some, kept[pictures[kept] > 0], len(names) - len(kept))


def _folded(matrix: NDArray[np.int64], kept: NDArray[np.int64]) -> NDArray[np.int64]:
    """[k + 1, k + 1]: rows and columns that are not kept summed up in the last."""
    place = np.full(len(matrix), len(kept))
    place[kept] = np.arange(len(kept))
    out = np.zeros((len(kept) + 1,) * 2, np.int64)
    np.add.at(out, (place[:, None], place[None, :]), matrix)
    return out


def not_forgotten(record: RunRecord, limit: int) -> Found:
    """Forget rows (training) that the model still predicts right, where the retrained model (if any) does not."""
    if not {"before", "after"} <= record.predictions.keys() or record.dataset is None:
        return Found(0, 0, ())
    rows, labels = record.forget_rows(), record.dataset.train.labels
    wanted = record.predictions["after"].train_predicted[rows] == labels[rows]
    if "retrained" in record.predictions:
        wanted &= record.predictions["retrained"].train_predicted[rows] != labels[rows]
    return _found(record, "train", rows[wanted], len(rows), limit)


def over_forgotten(record: RunRecord, limit: int) -> Found:
    """Test pictures that were right before and are wrong after, though the retrained model (if any) has them right.

    Pictures of forgotten classes are meant to be wrong and do not count.
    """
    if not {"before", "after"} <= record.predictions.keys() or record.dataset is None:
        return Found(0, 0, ())
    labels = record.dataset.test.labels
    counted = ~np.isin(labels, record.spec.classes if record.spec else ())
    wanted = counted & (record.predictions["before"].test_predicted == labels)
    wanted &= record.predictions["after"].test_predicted != labels
    if "retrained" in record.predictions:
        wanted &= record.predictions["retrained"].test_predicted == labels
    return _found(record, "test", np.flatnonzero(wanted), int(counted.sum()), limit)


def _found(record: RunRecord, part: Part, rows: NDArray[np.int64], out_of: int, limit: int) -> Found:
    after = record.predictions["after"]
    confidence = after.train_confidence if part == "train" else after.test_confidence
    surest = rows[np.argsort(-confidence[rows], kind="stable")[:limit]]
    return Found(len(rows), out_of, tuple(sample(record, part, int(row)) for row in surest))


def sample(record: RunRecord, part: Part, row: int) -> Sample:
    """Everything known of one picture; `record` must hold the reports before and after."""
    if record.dataset is None:
        raise ValueError("a record without data has no pictures")
    labels = record.dataset.train.labels if part == "train" else record.dataset.test.labels
    said: dict[str, tuple[int, float]] = {}
    for name, report in record.predictions.items():
        predicted = report.train_predicted if part == "train" else report.test_predicted
        confidence = report.train_confidence if part == "train" else report.test_confidence
        said[name] = int(predicted[row]), float(confidence[row])
    retrained, sure = said.get("retrained", (None, None))
    return Sample(part, row, int(labels[row]), *said["before"], *said["after"], retrained, sure)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Share of pictures, percent, on which a model and the retrained one predict the same, before and after."""

    where: str
    n: int
    before: float
    after: float


def agreements(record: RunRecord) -> tuple[Agreement, ...]:
    """Agreement with the retrained model on the forget rows, on the remain rows and on the test set."""
    if record.dataset is None or not {"before", "after", "retrained"} <= record.predictions.keys():
        return ()
    before, after, retrained = (record.predictions[name] for name in ("before", "after", "retrained"))
    forget = np.zeros(len(record.dataset.train), bool)
    forget[record.forget_rows()] = True
    out = []
    for where, rows in (("Forget set (training)", forget), ("Remain set (training)", ~forget)):
        goal = retrained.train_predicted[rows]
        same = [100.0 * float(np.mean(r.train_predicted[rows] == goal)) for r in (before, after)]
        out.append(Agreement(where, int(rows.sum()), same[0], same[1]))
    same = [100.0 * float(np.mean(r.test_predicted == retrained.test_predicted)) for r in (before, after)]
    return (*out, Agreement("Test set", len(record.dataset.test), same[0], same[1]))
