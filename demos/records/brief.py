"""A finished run in five lines: what is left, what the rest lost, neighbours, how far from retrained, what it cost. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from demos.records.predictions import class_accuracy, confusions
from demos.records.record import RunRecord
from demos.records.summary_text import STILL, cost_words, percent, points
from demos.text import brief as texts
from sfr_core.results import ClassifierRecord, GeneratorRecord

NEIGHBOURS = 2
"""Classes that count as neighbours of forgotten ones."""
NAMED = 4
"""Neighbours of a concept that are named."""


def lines(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """Title and sentence of each line; empty for a run that was not evaluated."""
    result = record.result
    if result is None:
        return ()
    before, after, retrained = result.before, result.after, result.retrained
    if isinstance(before, GeneratorRecord) and isinstance(after, GeneratorRecord):
        goal = retrained if isinstance(retrained, GeneratorRecord) else None
        found = _generator(record, before, after, goal)
    else:
        assert isinstance(before, ClassifierRecord)
        assert isinstance(after, ClassifierRecord)
        assert retrained is None or isinstance(retrained, ClassifierRecord)
        found = _classifier(record, before, after, retrained)
    return (*found, (texts.COST, cost_words(result)))


def _classifier(
    record: RunRecord, before: ClassifierRecord, after: ClassifierRecord, goal: ClassifierRecord | None
) -> list[tuple[str, str]]:
    whole = before.TA_forget is not None and after.TA_forget is not None
    left = texts.LEFT_CLASS if whole else texts.LEFT_ROWS
    rest = texts.REST_CLASSES if whole else texts.REST_ALL
    forget, remain = ("TA_forget", "TA_remain") if whole else ("FA", "TA")
    old, new = getattr(before, remain), getattr(after, remain)
    result = record.result
    far = texts.DISTANCE_NONE
    if result is not None and result.avg_d is not None and result.avg_d_before is not None:
        far = texts.DISTANCE_POINTS.format(after=f"{result.avg_d:.1f}", before=f"{result.avg_d_before:.1f}")
    copies = 0 if result is None else result.copies or 0
    kept = texts.COPIES[min(copies, 2)].format(n=copies) if copies else ""
    return [
        (texts.LEFT, _shares(left, getattr(before, forget), getattr(after, forget), _of(goal, forget)) + kept),
        (texts.REST, _shares(rest, old, new, _of(goal, remain))),
        (texts.NEIGHBOURS, _neighbour_classes(record) if whole else texts.NEIGHBOURS_APPLY),
        (texts.DISTANCE, far),
    ]


def _generator(
    record: RunRecord, before: GeneratorRecord, after: GeneratorRecord, goal: GeneratorRecord | None
) -> list[tuple[str, str]]:
    left = _shares(
        texts.LEFT_CONCEPT if record.of_concept else texts.LEFT_SAMPLES, before.FA, after.FA, _of(goal, "FA")
    )
    if before.FA_paraphrase is not None and after.FA_paraphrase is not None:
        left += _shares(texts.LEFT_PARAPHRASE, before.FA_paraphrase, after.FA_paraphrase, _of(goal, "FA_paraphrase"))
    far = texts.DISTANCE_NONE
    if goal is not None:
        forget, rest = abs(after.FA - goal.FA), abs(after.JA_remain - goal.JA_remain)
        far = texts.DISTANCE_SAMPLES.format(forget=f"{forget:.1f}", rest=f"{rest:.1f}")
    others = (texts.WORST, _worst(record))
    if before.JA_neighbours is not None and after.JA_neighbours is not None:
        names = _names(
            [name for name, role in zip(record.class_names, record.roles, strict=False) if role == "neighbour"]
        )
        near = before.JA_neighbours, after.JA_neighbours, _of(goal, "JA_neighbours")
        others = texts.NEIGHBOURS, _shares(texts.NEIGHBOUR_CONCEPTS, *near, names=names)
    rest_of = _shares(texts.REST_SAMPLES, before.JA_remain, after.JA_remain, _of(goal, "JA_remain"))
    return [(texts.LEFT, left), (texts.REST, rest_of), others, (texts.DISTANCE, far)]


def _of(goal: ClassifierRecord | GeneratorRecord | None, name: str) -> float | None:
    return None if goal is None else getattr(goal, name)


def _shares(text: str, before: float, after: float, retrained: float | None, **more: str) -> str:
    """A sentence on a share before and after, in percent."""
    beside = texts.BESIDE.format(before=percent(before))
    if retrained is not None:
        beside += texts.BESIDE_RETRAINED.format(retrained=percent(retrained))
    change = after - before
    said = (
        texts.SAME if abs(change) < STILL else (texts.FEWER if change < 0 else texts.MORE).format(points=points(change))
    )
    return text.format(after=percent(after), beside=beside, change=said, **more)


def neighbour_classes(record: RunRecord) -> tuple[int, ...]:
    """The classes that a classifier confused most with the forgotten ones before the run; none without predictions."""
    matrix = confusions(record).get("before")
    forgotten = list(record.forgotten)
    if matrix is None or not forgotten:
        return ()
    confused = matrix[forgotten].sum(axis=0) + matrix[:, forgotten].sum(axis=1)
    confused[forgotten] = 0
    order = np.argsort(-confused, kind="stable")[:NEIGHBOURS]
    return tuple(int(c) for c in order if confused[c])


def _neighbour_classes(record: RunRecord) -> str:
    found = confusions(record)
    if not {"before", "after"} <= found.keys():
        return texts.NEIGHBOURS_UNKNOWN
    classes = list(neighbour_classes(record))
    if not classes:
        return texts.NEIGHBOURS_NONE
    shares = {who: _listed([percent(v) for v in class_accuracy(found[who])[classes]]) for who in ("before", "after")}
    return texts.NEIGHBOUR_CLASSES.format(names=_names([record.class_names[c] for c in classes]), **shares)


def _worst(record: RunRecord) -> str:
    """Of a generator's other classes the one whose samples are recognised less often than before by most."""
    before, after = record.samples.get("before"), record.samples.get("after")
    if before is None or after is None or not len(before.accepted) or not len(after.accepted):
        return texts.WORST_UNKNOWN
    counts = {
        int(c): tuple(int((r.accepted[r.labels == c] == c).sum()) for r in (before, after))
        for c in np.unique(after.labels)
        if int(c) not in record.forgotten
    }
    label = min(counts, key=lambda c: counts[c][1] - counts[c][0], default=None)
    if label is None or counts[label][1] >= counts[label][0]:
        return texts.WORST_NONE
    old, new = counts[label]
    n = int((after.labels == label).sum())
    return texts.WORST_SAMPLES.format(name=record.class_names[label], before=old, after=new, n=n)


def _names(names: Sequence[str]) -> str:
    if not names:
        return texts.RELATED
    return _listed(names) if len(names) <= NAMED else f"{', '.join(names[:NAMED])} …"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
