"""What only a classifier's result has: confusion, the change of every class, and single pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from demos.context import LAST, QUICK
from demos.panel import ShownRun
from demos.records.predictions import Found, agreements, confusions, not_forgotten, over_forgotten, shown_confusions
from demos.records.record import RunRecord
from demos.render import note
from demos.result import tables
from demos.text import result as texts

GALLERY = 24
"""Pictures shown of each kind."""
ENLARGE = 4


def plot(prefix: str, name: str, value: Any) -> gr.Plot:
    """A figure of a result, hidden where there is none."""
    return gr.Plot(
        value,
        show_label=False,
        visible=value is not None,
        min_width=320,
        elem_id=f"{prefix}-{name}",
        elem_classes="cmp-plot",
    )


def draw_classes(run: ShownRun, record: RunRecord) -> None:
    """Confusion matrices, and the change of every class."""
    prefix = run.prefix
    gr.Markdown(texts.CONFUSION_HELP)
    second = gr.Radio(
        second_choices(record),
        value="after",
        label=texts.CONFUSION_SECOND,
        visible="after" in record.reports,
        elem_id=f"{prefix}-second",
        interactive=True,
    )
    with gr.Row():
        plot(prefix, "confusion-before", confusion_plot(record, "before"))
        matrix = plot(prefix, "confusion-second", confusion_plot(record, "after"))
    gr.HTML(tables.confusion_tables(record), elem_id=f"{prefix}-confusion-tables")
    plot(prefix, "changes", classes_plot(record))
    gr.HTML(tables.classes_table(record), elem_id=f"{prefix}-changes-table")

    def choose(browser: Any, which: str) -> Any:
        figure = confusion_plot(run.record(browser), which)
        return gr.update(value=figure, visible=figure is not None)

    second.input(choose, [run.ctx.browser, second], matrix, **LAST)


def draw_single(run: ShownRun, record: RunRecord) -> None:
    """Pictures that are not forgotten, and others that are by mistake."""
    prefix = run.prefix
    galleries: dict[Kind, gr.Gallery] = {}
    with gr.Row():
        for kind, label in KINDS.items():
            pictures = found(record, kind)
            with gr.Column(min_width=320):
                gr.HTML(tables.found_html(record, pictures, kind), elem_id=f"{prefix}-found-{kind}")
                galleries[kind] = gr.Gallery(
                    gallery(record, pictures),
                    label=label,
                    show_label=False,  # the sentence above begins with it
                    visible=bool(pictures.samples),
                    columns=6,
                    allow_preview=False,
                    buttons=[],
                    interactive=False,
                    elem_id=f"{prefix}-gallery-{kind}",
                    elem_classes="cmp-gallery",
                )
    any_shown = any(part.visible for part in galleries.values())
    sample = gr.HTML(note(texts.PICK_SAMPLE) if any_shown else "", elem_id=f"{prefix}-sample")
    gr.HTML(tables.agreement_html(agreements(record)), elem_id=f"{prefix}-agreement")
    for kind, part in galleries.items():
        part.select(_picker(run, kind), run.ctx.browser, sample, trigger_mode="multiple", **QUICK)


def _picker(run: ShownRun, kind: Kind) -> Callable[..., str]:
    def pick(event: gr.SelectData, browser: Any) -> str:
        record = run.record(browser)
        samples = found(record, kind).samples
        at = event.index
        if not isinstance(at, int) or not 0 <= at < len(samples):
            return note(texts.NO_REPORTS)
        return tables.sample_html(record, samples[at])

    return pick


Kind = Literal["not", "over"]
KINDS: dict[Kind, str] = {"not": texts.NOT_FORGOTTEN, "over": texts.OVER_FORGOTTEN}


def second_choices(record: RunRecord) -> list[tuple[str, str]]:
    """What the right-hand matrix can show for this run, as (label, value)."""
    names = ["after", "change"] + (["retrained"] if "retrained" in record.reports else [])
    return [(texts.CONFUSION_CHOICES[name], name) for name in names]


def confusion_plot(record: RunRecord, which: str) -> Any:
    """One confusion matrix as a figure; `which` is "before", "after", "retrained" or "change"; None without predictions."""
    from demos.plots.confusion import confusion_change_figure, confusion_figure

    shown = shown_confusions(record)
    matrices, names = shown.matrices, shown.names
    if which == "change" and {"before", "after"} <= matrices.keys():
        return confusion_change_figure("After minus before", matrices["before"], matrices["after"], names)
    if which in matrices:
        title = f"{which.capitalize()} (test set, n = {int(matrices[which].sum()):,})"
        return confusion_figure(title, matrices[which], names)
    return None


def classes_plot(record: RunRecord) -> Any:
    """Class-wise change as a figure, None without predictions."""
    from demos.plots.confusion import class_change_figure

    matrices = confusions(record)
    if not {"before", "after"} <= matrices.keys():
        return None
    classes = shown_confusions(record).changes
    return class_change_figure(matrices, tuple(record.class_names[c] for c in classes), classes)


def found(record: RunRecord, kind: Kind) -> Found:
    """The pictures of one gallery."""
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
