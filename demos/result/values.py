"""From a run to what the components of Compare show; no layout, no wiring."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from demos import render
from demos.pictures.sheet_text import sheet_value
from demos.plots.layers import nearest_threshold, recount
from demos.records.metrics import metric_rows
from demos.records.predictions import (
    Found,
    agreements,
    class_accuracy,
    confusions,
    not_forgotten,
    over_forgotten,
    shown_confusions,
)
from demos.records.record import RunRecord
from demos.records.summary import of_record
from demos.result import tables
from demos.text import result as copy
from demos.text import rules as rules_copy
from sfr_core.results import GeneratorRecord

GALLERY = 24
"""Pictures shown of each kind."""
ENLARGE = 4


def summary(record: RunRecord) -> str:
    """The sentence, or why there is none; a generator's says on how few samples it stands."""
    if record.unjudged:
        return render.note(copy.UNJUDGED)
    found = of_record(record)
    if found is None:
        return render.note(copy.NO_METRICS)
    after = record.result.after if record.result else None
    if not isinstance(after, GeneratorRecord):
        return tables.summary_html(found)
    basis = (copy.SUMMARY_BASIS_CONCEPT if record.of_concept else copy.SUMMARY_BASIS).format(
        forget=after.n_samples, remain=after.n_remain, words=after.n_paraphrase, near=after.n_neighbours,
        far=after.n_remain - after.n_neighbours, steps=after.sampler_steps, guidance=after.guidance,
    )  # fmt: skip
    return tables.summary_html(found, basis)


def metrics(record: RunRecord) -> str:
    """The metrics table."""
    return tables.metrics_html(record, metric_rows(record))


def second_choices(record: RunRecord) -> list[tuple[str, str]]:
    """What the right-hand matrix can show for this run, as (label, value)."""
    names = ["after", "change"] + (["retrained"] if "retrained" in record.reports else [])
    return [(copy.CONFUSION_CHOICES[name], name) for name in names]


def confusion_plot(record: RunRecord, which: str) -> Any:
    """One confusion matrix as a figure; `which` is "before", "after", "retrained" or "change"; None without answers."""
    from demos.plots.confusion import confusion_change_figure, confusion_figure

    shown = shown_confusions(record)
    matrices, names = shown.matrices, shown.names
    if which == "change" and {"before", "after"} <= matrices.keys():
        return confusion_change_figure("After minus before", matrices["before"], matrices["after"], names)
    if which in matrices:
        title = f"{which.capitalize()} (test set, n = {int(matrices[which].sum()):,})"
        return confusion_figure(title, matrices[which], names)
    return None


def confusion_tables(record: RunRecord) -> str:
    """All matrices as tables, or why there are none."""
    shown = shown_confusions(record)
    if not shown.matrices:
        return render.note(copy.NO_REPORTS)
    found = [tables.confusion_table(name.capitalize(), m, shown.names) for name, m in shown.matrices.items()]
    if shown.left_out:
        found.insert(0, render.note(copy.LEFT_OUT.format(shown=len(shown.names) - 1, left=shown.left_out)))
    return render.joined(found)


def classes_plot(record: RunRecord) -> Any:
    """Class-wise change as a figure, None without answers."""
    from demos.plots.confusion import class_change_figure

    matrices = confusions(record)
    if not {"before", "after"} <= matrices.keys():
        return None
    classes = shown_confusions(record).changes
    return class_change_figure(matrices, tuple(record.class_names[c] for c in classes), classes)


def classes_table(record: RunRecord) -> str:
    """Class-wise accuracies as a table."""
    matrices = confusions(record)
    if not {"before", "after"} <= matrices.keys():
        return ""
    classes = shown_confusions(record).changes
    accuracies = {name: class_accuracy(matrix)[classes].tolist() for name, matrix in matrices.items()}
    names = tuple(record.class_names[c] for c in classes)
    return tables.classes_table(accuracies, names, matrices["before"].sum(axis=1)[classes].tolist())


def found(record: RunRecord, kind: str) -> Found:
    """The pictures of one gallery; `kind` is "not" or "over"."""
    return (not_forgotten if kind == "not" else over_forgotten)(record, GALLERY)


def gallery(record: RunRecord, pictures: Found) -> list[tuple[NDArray[np.uint8], str]]:
    """(picture, caption) for a gallery; the caption is its alternative text too."""
    if record.dataset is None:
        return []
    names, out = record.class_names, []
    for one in pictures.samples:
        source = record.dataset.train if one.part == "train" else record.dataset.test
        image = source.images[one.row].repeat(ENLARGE, axis=0).repeat(ENLARGE, axis=1)
        image = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
        out.append((image, f"{names[one.label]} → {names[one.after]} {100 * one.after_confidence:.0f}\u00a0%"))
    return out


def found_text(record: RunRecord, pictures: Found, kind: str) -> str:
    """How many there are and what they are."""
    if not record.reports:
        return render.note(copy.NO_REPORTS) if kind == "not" else ""
    has = "retrained" in record.reports
    if kind == "not":
        text = copy.NOT_FORGOTTEN_HELP.format(retrained=copy.NOT_FORGOTTEN_RETRAINED if has else "")
        return tables.found_html(pictures, text, copy.NOT_FORGOTTEN)
    text = copy.OVER_FORGOTTEN_HELP.format(retrained=copy.OVER_FORGOTTEN_RETRAINED if has else "")
    return tables.found_html(pictures, text, copy.OVER_FORGOTTEN)


def agreement(record: RunRecord) -> str:
    """Agreement with retrained as a table."""
    return tables.agreement_html(agreements(record))


def saliency_slider(record: RunRecord) -> dict[str, Any]:
    """The slider over the recorded thresholds, standing at the run's own."""
    mask = record.mask
    if mask is None or len(mask.thresholds) < 2:
        return gr.update(visible=False)
    return gr.update(visible=True, minimum=0, maximum=len(mask.thresholds) - 1, step=1, value=nearest_threshold(mask))


def saliency(record: RunRecord, position: float | None) -> tuple[str, Any]:
    """Table and figure at a position of the slider, None for the run's own threshold (whose counts are the run's own too)."""
    from demos.plots.layers import layers_figure

    mask = record.mask
    if mask is None:
        early = record.stopped_after is not None and not record.steps
        return render.note(copy.MASK_NOT_MADE if early else copy.NO_MASK), None
    index = None if position is None or not mask.thresholds else min(max(int(position), 0), len(mask.thresholds) - 1)
    counts = recount(mask, index)
    return tables.layers_html(mask, counts, None if index is None else mask.thresholds[index]), layers_figure(counts)


def timeline_slider(record: RunRecord) -> dict[str, Any]:
    """The slider over the recorded moments, standing at the last."""
    moments = record.timeline()
    if len(moments) < 2:
        return gr.update(visible=False)
    return gr.update(visible=True, minimum=1, maximum=len(moments), step=1, value=len(moments))


def moment(record: RunRecord, position: float) -> str:
    """The moment at a position of the slider, counted from 1."""
    moments = record.timeline()
    if not moments:
        return render.note(copy.NO_TIMELINE)
    return tables.moment_html(record, moments[min(max(int(position), 1), len(moments)) - 1])


def moment_sheet(record: RunRecord, position: float) -> dict[str, Any]:
    """The samples of that moment, for demos/static/grid.js; none for a classifier."""
    moments = record.timeline()
    if not moments:
        return {"sheet": None, "blurred": False}
    at = moments[min(max(int(position), 1), len(moments)) - 1]
    sheet = sheet_value(at.sheet, record.class_names, record.forgotten, record.roles)
    return {"sheet": sheet, "blurred": record.blurred}


def rules(record: RunRecord) -> str:
    """The rules by which the run's sentence is made."""
    if record.of_concept:
        return rules_copy.RULES_CONCEPT
    return rules_copy.RULES_GENERATOR if record.generates else rules_copy.RULES
