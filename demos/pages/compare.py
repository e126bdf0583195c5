"""Compare: what a run did. Built below the live view of the tab Unlearn, and once more in the tab Runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from demos import compare_copy as copy
from demos import compare_html as html
from demos.export import Kind, Shelf
from demos.jobs import Job
from demos.pages import compare_values as show
from demos.pages.break_it import BreakIt
from demos.pages.context import PageContext, say
from demos.run_import import Imports
from demos.run_record import RunRecord, from_job
from sfr_core.errors import InputError, PlaygroundError

SHELF = Shelf()
QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""Looking never waits: these handlers compute nothing and bypass the queue."""
LOUD: dict[str, Any] = {**QUICK, "queue": True, "concurrency_limit": None}
"""For handlers that may refuse: Gradio shows the sentence of an error only from queued ones; no limit, so no waiting."""


class Compare:
    """The components, what they show for a run, and what their controls do.

    Attributes:
        outputs: every component that `updates` and `cleared` may change.
    """

    def __init__(self, ctx: PageContext, prefix: str, imports: Imports | None) -> None:
        self.ctx, self.prefix, self.imports = ctx, prefix, imports
        self.key = gr.State("")
        gr.HTML(html.style_tag())
        with gr.Column(visible=False, elem_id=f"{prefix}-box") as self.box:
            gr.Markdown(f"## {copy.TITLE}")
            self.verdict = gr.HTML(elem_id=f"{prefix}-verdict")
            with gr.Accordion(copy.RULES_TITLE, open=False, elem_id=f"{prefix}-rules"):
                gr.Markdown(copy.RULES)
            gr.Markdown(f"### {copy.METRICS_TITLE}")
            self.metrics = gr.HTML(elem_id=f"{prefix}-metrics")
            self._timeline()
            self._confusion()
            self._samples()
            self._saliency()
            self.breaker = BreakIt(ctx, prefix, self.key)
            self._save()
        self.outputs: list[Any] = list(self.cleared())
        self._wire()

    def _timeline(self) -> None:
        gr.Markdown(f"### {copy.TIMELINE_TITLE}")
        self.moment_slider = gr.Slider(
            1, 2, step=1, label=copy.TIMELINE_SLIDER, elem_id=f"{self.prefix}-moment", buttons=[]
        )
        self.moment = gr.HTML(elem_id=f"{self.prefix}-moment-view")

    def _confusion(self) -> None:
        gr.Markdown(f"### {copy.CONFUSION_TITLE}")
        self.second = gr.Radio(
            [(label, value) for value, label in copy.CONFUSION_CHOICES.items()],
            value="after",
            label=copy.CONFUSION_SECOND,
            elem_id=f"{self.prefix}-second",
        )
        with gr.Row():
            self.confusion_before = self._plot("confusion-before")
            self.confusion_second = self._plot("confusion-second")
        self.confusion_tables = gr.HTML(elem_id=f"{self.prefix}-confusion-tables")
        self.classes = self._plot("classes")
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
                        columns=6,
                        allow_preview=False,
                        buttons=[],
                        interactive=False,
                        elem_id=f"{self.prefix}-gallery-{kind}",
                        elem_classes="cmp-gallery",
                    )
        self.sample = gr.HTML(elem_id=f"{self.prefix}-sample")
        self.agreement = gr.HTML(elem_id=f"{self.prefix}-agreement")

    def _saliency(self) -> None:
        gr.Markdown(f"### {copy.SALIENCY_TITLE}")
        self.threshold = gr.Slider(
            0, 60, step=1, label=copy.SALIENCY_SLIDER, elem_id=f"{self.prefix}-threshold", buttons=[]
        )
        with gr.Row():
            with gr.Column(min_width=340, scale=6):
                self.layers = gr.HTML(elem_id=f"{self.prefix}-layers")
            with gr.Column(min_width=340, scale=5):
                self.layers_plot = self._plot("layers-plot")

    def _save(self) -> None:
        gr.Markdown(f"### {copy.SAVE_TITLE}\n{copy.SAVE_HELP}")
        with gr.Row():
            self.save = {
                kind: gr.Button(label, size="sm", min_width=150, elem_id=f"{self.prefix}-save-{kind}")
                for kind, label in copy.SAVE_BUTTONS.items()
            }
        # A file is made on click; this button, hidden by the style sheet (an update would show it again), then fetches it.
        self.file = gr.DownloadButton(elem_id=f"{self.prefix}-file", elem_classes="cmp-file")

    def _plot(self, name: str) -> gr.Plot:
        return gr.Plot(show_label=False, min_width=320, elem_id=f"{self.prefix}-{name}", elem_classes="cmp-plot")

    def updates(self, job: Job) -> dict[Any, Any]:
        """What every component shows for a job that ended; the caller has checked whose it is."""
        return self.updates_of(from_job(job), live=True)

    def updates_of(self, record: RunRecord, *, live: bool) -> dict[Any, Any]:
        """What every component shows for a run; `live` runs are in the job book and can be broken."""
        found = {kind: show.found(record, kind) for kind in self.found}
        layers, layers_plot = show.saliency(record, None)
        weights = live and bool(record.reports or record.stopped_after is not None)
        return {
            self.box: gr.update(visible=True),
            self.key: record.key,
            self.verdict: show.verdict(record),
            self.metrics: show.metrics(record),
            self.moment_slider: show.timeline_slider(record),
            self.moment: show.moment(record, len(record.timeline())),
            self.second: gr.update(
                choices=show.second_choices(record), value="after", visible="after" in record.reports
            ),
            self.confusion_before: self._figure(show.confusion_plot(record, "before")),
            self.confusion_second: self._figure(show.confusion_plot(record, "after")),
            self.confusion_tables: show.confusion_tables(record),
            self.classes: self._figure(show.classes_plot(record)),
            self.classes_table: show.classes_table(record),
            **{self.found[kind]: show.found_text(record, found[kind], kind) for kind in found},
            **{
                self.gallery[kind]: gr.update(
                    value=show.gallery(record, found[kind]), visible=bool(found[kind].samples), selected_index=None
                )
                for kind in found
            },
            self.sample: html.note(copy.PICK_SAMPLE) if any(f.samples for f in found.values()) else "",
            self.agreement: show.agreement(record),
            self.threshold: show.saliency_slider(record),
            self.layers: layers,
            self.layers_plot: self._figure(layers_plot),
            self.save["weights"]: gr.update(interactive=weights),
            self.save["csv"]: gr.update(interactive=record.result is not None),
            self.save["result"]: gr.update(interactive=record.result is not None),
            self.save["events"]: gr.update(interactive=bool(record.events)),
            **self.breaker.updates_of(record, live=live),
        }

    def cleared(self) -> dict[Any, Any]:
        """Nothing to compare: the whole part is hidden and its bulk is gone."""
        emptied = (
            self.verdict,
            self.metrics,
            self.moment,
            self.confusion_before,
            self.confusion_second,
            self.confusion_tables,
            self.classes,
            self.classes_table,
            *self.found.values(),
            *self.gallery.values(),
            self.sample,
            self.agreement,
            self.layers,
            self.layers_plot,
        )
        return {
            self.box: gr.update(visible=False),
            self.key: "",
            **dict.fromkeys((self.moment_slider, self.second, self.threshold), gr.skip()),
            **{self.save[kind]: gr.skip() for kind in ("weights", "csv", "result", "events")},
            **{component: gr.update(value=None) for component in emptied},
            **self.breaker.cleared(),
        }

    def record(self, browser: Any, key: Any) -> RunRecord:
        """The run behind a key, if it is this visitor's.

        Raises:
            gr.Error: it is not, or it is gone.
        """
        job = self.ctx.job_of(browser, key)
        if job is not None:
            return from_job(job)
        found = self.imports.get(self.ctx.visitor(browser), key) if self.imports and isinstance(key, str) else None
        if found is None:
            raise say(InputError(copy.NOT_YOURS, hint=copy.NOT_YOURS_HINT))
        return found

    def _wire(self) -> None:
        run = [self.ctx.browser, self.key]
        self.moment_slider.input(
            lambda browser, key, at: show.moment(self.record(browser, key), at),
            [*run, self.moment_slider],
            self.moment,
            trigger_mode="always_last",
            **QUICK,
        )
        self.second.input(
            lambda browser, key, which: self._figure(show.confusion_plot(self.record(browser, key), which)),
            [*run, self.second],
            self.confusion_second,
            **QUICK,
        )
        self.threshold.input(
            lambda browser, key, at: show.saliency(self.record(browser, key), at)[0],
            [*run, self.threshold],
            self.layers,
            trigger_mode="always_last",
            **QUICK,
        )
        # The figure would be built anew on every tick of the slider: it follows when the hand lets go.
        self.threshold.release(
            lambda browser, key, at: show.saliency(self.record(browser, key), at)[1],
            [*run, self.threshold],
            self.layers_plot,
            **QUICK,
        )
        for kind, gallery in self.gallery.items():
            gallery.select(self._picker(kind), run, self.sample, **QUICK)
        fetch = f"() => setTimeout(() => document.querySelector('#{self.prefix}-file')?.click(), 120)"
        for name, button in self.save.items():
            button.click(self._saver(name), run, self.file, **LOUD).success(None, js=fetch, **QUICK)
        self.breaker.wire(self.record)

    def _picker(self, kind: str) -> Callable[..., str]:
        def pick(event: gr.SelectData, browser: Any, key: Any) -> str:
            record = self.record(browser, key)
            samples = show.found(record, kind).samples
            at = event.index
            if not isinstance(at, int) or not 0 <= at < len(samples):
                return html.note(copy.NO_REPORTS)
            return html.sample_html(record, samples[at])

        return pick

    def _saver(self, kind: str) -> Callable[..., Any]:
        def make(browser: Any, key: Any) -> str:
            record = self.record(browser, key)
            try:
                return str(SHELF.write(kind, record, self.ctx.job_of(browser, key)))  # type: ignore[arg-type]
            except PlaygroundError as error:
                raise say(error) from None

        make.__annotations__.pop("return", None)
        return make

    @staticmethod
    def _figure(figure: Any) -> Any:
        return gr.update(value=figure, visible=figure is not None)


KINDS: tuple[Kind, ...] = ("weights", "csv", "result", "config", "events", "png", "svg")


def build(ctx: PageContext, *, prefix: str = "compare", imports: Imports | None = None) -> Compare:
    """Makes the components inside the current Blocks, hidden until a run is given.

    Args:
        ctx: the page.
        prefix: start of every elem_id, so that the part can stand on a page more than once.
        imports: runs from files that may be looked at here.
    """
    return Compare(ctx, prefix, imports)
