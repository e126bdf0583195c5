"""A classifier's answers on a few pictures before the run, after it and retrained: one class a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from demos.pictures.inline import data_uri
from demos.pictures.sheet_text import SIGNS, name_of, sign_of
from demos.records.brief import neighbour_classes
from demos.records.predictions import Part, class_accuracy, confusions
from demos.records.record import RunRecord
from demos.render import note, render
from demos.result.strips import MODELS, TOO
from demos.text import result as texts
from demos.text.live import WRONG_BEFORE
from sfr_core.data.datasets import Dataset
from sfr_core.events import Prediction, Preview

PICTURES = 3
"""Pictures in a row."""
FORGOTTEN, OTHERS = 2, 4
"""Rows of classes."""

Picture = tuple[Part, int]
"""Part of the data, and row there."""
Answer = tuple[int, float]
"""The predicted class, and how sure the network is (0 to 1)."""


def answers_html(record: RunRecord, retrained: Sequence[Prediction] = ()) -> Markup:
    """The rows of a run; a sentence where its pictures are not here.

    Args:
        retrained: what the retrained model of a recorded run said of the pictures that the run looked at.
    """
    rows = [] if record.dataset is None else _Rows(record, record.dataset, retrained).rows()
    if not any(row["strips"] for row in rows):
        return note(texts.NO_REPORTS)
    return render(
        "strips.html",
        undrawn="",
        legend=f"{texts.ANSWERS_LEGEND}{texts.ANSWERS_PERCENT if record.predictions else ''} {WRONG_BEFORE}",
        many=False,
        smooth=False,
        columns=PICTURES,
        models=max(len(row["strips"]) for row in rows),
        rows=rows,
    )


class _Rows:
    """Chooses the pictures and says what each model says of them.

    With all predictions in memory these are the first test pictures of the forgotten classes, of their neighbours and of others;
    else those that the run looked at on the way.
    """

    def __init__(self, record: RunRecord, dataset: Dataset, retrained: Sequence[Prediction]) -> None:
        self.record, self.dataset = record, dataset
        self.near, self.matrices = neighbour_classes(record), confusions(record)
        looks = [event.predictions for event in record.events if isinstance(event, Preview) and event.predictions]
        first, last = (looks[0], looks[-1]) if looks else ((), ())
        self.pictures = {(p.source, p.row): p.label for p in first}
        looked = {"before": first, "after": last, "retrained": retrained}
        self.looked = {who: _said(predictions) for who, predictions in looked.items()}

    def rows(self) -> list[dict[str, Any]]:
        """The values of strips.html."""
        forgotten = self.record.forgotten
        if "before" in self.record.predictions:
            labels = self.dataset.test.labels
            of: Mapping[int, Sequence[Picture]] = {
                int(c): [("test", int(row)) for row in np.flatnonzero(labels == c)[:PICTURES]]
                for c in np.unique(labels)
            }
        else:
            of = _by_class(self.pictures)
        near = [c for c in self.near if c in of]
        mine = [c for c in forgotten if c in of][:FORGOTTEN]
        others = [*near, *(c for c in of if c not in (*forgotten, *near))][:OTHERS]
        shown = [self._row(c, of[c][:PICTURES]) for c in (*mine, *others)]
        if forgotten or "before" not in self.record.predictions:
            return shown
        chosen: list[Picture] = [("train", int(row)) for row in self.record.forget_rows()[:PICTURES]]
        return [self._row(None, chosen), *shown]

    def _row(self, label: int | None, pictures: Sequence[Picture]) -> dict[str, Any]:
        """A class's row; None: of the forget set, where no whole class is forgotten."""
        forgotten = label is None or label in self.record.forgotten
        role = texts.ROLES["neighbour"] if label in self.near else ""
        strips = [self._strip(who, label, pictures) for who in MODELS]
        return {
            "label": -1 if label is None else label,
            "name": texts.FORGET_SET if label is None else name_of(label, self.record.class_names),
            "role": texts.TO_FORGET if forgotten else role,
            "forgotten": forgotten,
            "strips": [one for one in strips if one is not None],
        }

    def _strip(self, who: str, label: int | None, pictures: Sequence[Picture]) -> dict[str, Any] | None:
        said = [self._answer(who, picture) for picture in pictures]
        names, signs, words = self.record.class_names, [], []
        for (part, row), answer in zip(pictures, said, strict=True):
            if answer is None:
                return None
            (predicted, sure), true = answer, int(self._part(part).labels[row])
            kind, name = sign_of(true, predicted), name_of(predicted, names)
            then = self._answer("before", (part, row)) if who == "after" and kind != "own" else None
            too = then is not None and then[0] != true
            # What a right answer says stands beside the row; a wrong one is what to look at.
            mark = SIGNS["own"] if kind == "own" else f"{SIGNS['none']} {name}"
            signs.append(
                (f"{kind}{TOO}" if too else kind, mark, texts.ANSWER.format(name=name, percent=f"{100 * sure:.0f}"))
            )
            text = texts.ANSWER_RIGHT if kind == "own" else texts.ANSWER_WRONG
            words.append(text.format(true=name_of(true, names), name=name))
        title = texts.MODELS[who]
        line = (data_uri(self._line(pictures)), f"{title}: {', '.join(words)}", signs)
        found = {"model": who, "title": title, "count": self._count(who, label), "lines": [line]}
        return {**found, "columns": len(pictures)}

    def _answer(self, who: str, picture: Picture) -> Answer | None:
        report, (part, row) = self.record.predictions.get(who), picture
        if report is None:
            return self.looked[who].get(picture)
        if part == "train":
            return int(report.train_predicted[row]), float(report.train_confidence[row])
        return int(report.test_predicted[row]), float(report.test_confidence[row])

    def _count(self, who: str, label: int | None) -> str:
        """Share of all test pictures of a class that a model recognises; "" where it is not known."""
        matrix = self.matrices.get(who)
        if matrix is None or label is None:
            return ""
        return texts.ANSWERS_COUNT.format(percent=f"{class_accuracy(matrix)[label]:.0f}")

    def _line(self, pictures: Sequence[Picture]) -> NDArray[np.uint8]:
        """The pictures of a row beside each other."""
        return np.concatenate([self._part(part).images[row] for part, row in pictures], axis=1)

    def _part(self, part: Part) -> Any:
        return self.dataset.train if part == "train" else self.dataset.test


def _by_class(pictures: Mapping[Picture, int]) -> dict[int, list[Picture]]:
    found: dict[int, list[Picture]] = {}
    for picture, label in pictures.items():
        found.setdefault(label, []).append(picture)
    return found


def _said(predictions: Sequence[Prediction]) -> dict[Picture, Answer]:
    return {(p.source, p.row): (p.predicted, p.confidence) for p in predictions}
