"""The part of Compare that only classifiers have: who is taken for whom, and single pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from demos import render
from demos.context import LAST, QUICK
from demos.records.record import RunRecord
from demos.result import tables
from demos.result import values as show
from demos.text import result as copy


def plot(prefix: str, name: str) -> gr.Plot:
    """A figure of Compare."""
    return gr.Plot(show_label=False, min_width=320, elem_id=f"{prefix}-{name}", elem_classes="cmp-plot")


def figure(value: Any) -> Any:
    """The update that shows a figure, or hides it where there is none."""
    return gr.update(value=value, visible=value is not None)


class ClassifierPart:
    """Matrices, changes by class, galleries and agreement; hidden for generators."""

    def __init__(self, prefix: str, run: list[Any]) -> None:
        self.prefix, self.run = prefix, run
        with gr.Column(elem_id=f"{prefix}-classifier") as self.box:
            self._confusion()
            self._samples()

    def _confusion(self) -> None:
        gr.Markdown(f"### {copy.CONFUSION_TITLE}")
        self.second = gr.Radio(
            [(label, value) for value, label in copy.CONFUSION_CHOICES.items()],
            value="after",
            label=copy.CONFUSION_SECOND,
            elem_id=f"{self.prefix}-second",
            interactive=True,
        )
        with gr.Row():
            self.confusion_before = plot(self.prefix, "confusion-before")
            self.confusion_second = plot(self.prefix, "confusion-second")
        self.confusion_tables = gr.HTML(elem_id=f"{self.prefix}-confusion-tables")
        self.classes = plot(self.prefix, "classes")
        self.classes_table = gr.HTML(elem_id=f"{self.prefix}-classes-table")

    def _samples(self) -> None:
        gr.Markdown(f"### {copy.SAMPLES_TITLE}")
        self.found: dict[str, gr.HTML] = {}
        self.gallery: dict[str, gr.Gallery] = {}
        with gr.Row():
            for kind, label in (("not", copy.NOT_FORGOTTEN), ("over", copy.OVER_FORGOTTEN)):
                with gr.Column(min_width=320):
                    self.found[kind] = gr.HTML(elem_id=f"{self.prefix}-found-{kind}")
                    self.gallery[kind] = gr.Gallery(
                        label=label,
                        show_label=False,  # the sentence above begins with it
                        columns=6,
                        allow_preview=False,
                        buttons=[],
                        interactive=False,
                        elem_id=f"{self.prefix}-gallery-{kind}",
                        elem_classes="cmp-gallery",
                    )
        self.sample = gr.HTML(elem_id=f"{self.prefix}-sample")
        self.agreement = gr.HTML(elem_id=f"{self.prefix}-agreement")

    def updates_of(self, record: RunRecord) -> dict[Any, Any]:
        """What the part shows for a run; for a generator nothing."""
        if record.generates:
            return self.cleared()
        found = {kind: show.found(record, kind) for kind in self.found}
        return {
            self.box: gr.update(visible=True),
            self.second: gr.update(
                choices=show.second_choices(record), value="after", visible="after" in record.reports
            ),
            self.confusion_before: figure(show.confusion_plot(record, "before")),
            self.confusion_second: figure(show.confusion_plot(record, "after")),
            self.confusion_tables: show.confusion_tables(record),
            self.classes: figure(show.classes_plot(record)),
            self.classes_table: show.classes_table(record),
            **{self.found[kind]: show.found_text(record, found[kind], kind) for kind in found},
            **{
                self.gallery[kind]: gr.update(
                    value=show.gallery(record, found[kind]), visible=bool(found[kind].samples), selected_index=None
                )
                for kind in found
            },
            self.sample: render.note(copy.PICK_SAMPLE) if any(f.samples for f in found.values()) else "",
            self.agreement: show.agreement(record),
        }

    def cleared(self) -> dict[Any, Any]:
        """Hidden, and its bulk is gone."""
        emptied = (
            self.confusion_before,
            self.confusion_second,
            self.confusion_tables,
            self.classes,
            self.classes_table,
            *self.found.values(),
            *self.gallery.values(),
            self.sample,
            self.agreement,
        )
        return {
            self.box: gr.update(visible=False),
            self.second: gr.skip(),
            **{component: gr.update(value=None) for component in emptied},
        }

    def wire(self, record_of: Callable[[Any, Any], RunRecord]) -> None:
        """Connects the choice of the matrix and the galleries; `record_of(browser, key)` checks whose run it is."""
        self.second.input(
            lambda browser, key, which: figure(show.confusion_plot(record_of(browser, key), which)),
            [*self.run, self.second],
            self.confusion_second,
            **LAST,
        )
        for kind, gallery in self.gallery.items():
            gallery.select(self._picker(kind, record_of), self.run, self.sample, trigger_mode="multiple", **QUICK)

    def _picker(self, kind: str, record_of: Callable[[Any, Any], RunRecord]) -> Callable[..., str]:
        def pick(event: gr.SelectData, browser: Any, key: Any) -> str:
            record = record_of(browser, key)
            samples = show.found(record, kind).samples
            at = event.index
            if not isinstance(at, int) or not 0 <= at < len(samples):
                return render.note(copy.NO_REPORTS)
            return tables.sample_html(record, samples[at])

        return pick
