"""Compare: what a run did. Drawn below the live view of the tab Unlearn, and once more in the tab Runs, when there is a run to compare."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any, get_args

import gradio as gr

from demos.context import LAST, QUEUED, QUICK, PageContext, say
from demos.panel import ShownRun
from demos.pictures.sheet_text import sheet_value
from demos.plots.layers import nearest_threshold, recount
from demos.records.imports import Imports
from demos.records.record import RunRecord
from demos.render import note, render
from demos.result import tables
from demos.result.break_it import BreakIt
from demos.result.classifier import ClassifierPart, plot
from demos.result.export import Kind, Shelf
from demos.result.generator import GeneratorPart
from demos.static_files import mounting
from demos.text import result as texts
from demos.text import rules
from demos.text.live import LIVE
from sfr_core.errors import PlaygroundError

LOG = logging.getLogger(__name__)
SHELF = Shelf()


class Compare:
    """The components with what they show of a run, and what their controls do.

    Attributes:
        generator, classifier: the part of the run's kind; the other is None.
    """

    def __init__(self, run: ShownRun, record: RunRecord) -> None:
        self.run, prefix = run, run.prefix
        gr.Markdown(f"## {texts.TITLE}")
        self.summary = gr.HTML(tables.summary_html(record), elem_id=f"{prefix}-verdict")
        with gr.Accordion(texts.RULES_TITLE, open=False, elem_id=f"{prefix}-rules"):
            self.rules = gr.Markdown(rules_of(record))
        self.shares = gr.HTML(tables.shares_html(record), elem_id=f"{prefix}-shares")
        gr.Markdown(f"### {texts.METRICS_TITLE}")
        gr.HTML(tables.metrics_html(record), elem_id=f"{prefix}-metrics")
        if record.blurred:
            gr.HTML(
                html_template=render("blur_box.html", T=LIVE),
                js_on_load=mounting("blur"),
                apply_default_css=False,
                elem_id=f"{prefix}-blur",
            )
        self._timeline(record)
        self.generator = GeneratorPart(run, record) if record.generates else None
        self.classifier = None if record.generates else ClassifierPart(run, record)
        self._saliency(record)
        self.breaker = BreakIt(run, record)
        self._save(record)

    def _timeline(self, record: RunRecord) -> None:
        prefix, last = self.run.prefix, len(record.timeline())
        gr.Markdown(f"### {texts.TIMELINE_TITLE}")
        slider = gr.Slider(
            1,
            max(last, 2),
            value=max(last, 1),
            step=1,
            label=texts.TIMELINE_SLIDER,
            elem_id=f"{prefix}-moment",
            buttons=[],
            interactive=True,
            visible=last > 1,
        )
        view = gr.HTML(moment(record, last), elem_id=f"{prefix}-moment-view")
        self.moment_sheet = gr.HTML(
            moment_sheet(record, last),
            html_template=render("sheet.html"),
            js_on_load=mounting("grid"),
            apply_default_css=False,
            elem_id=f"{prefix}-moment-sheet",
        )

        def turn(browser: Any, at: Any) -> tuple[str, dict[str, Any]]:
            record = self.run.record(browser)
            return moment(record, at), moment_sheet(record, at)

        # One answer for both, so that pictures and numbers move together.
        slider.input(turn, [self.run.ctx.browser, slider], [view, self.moment_sheet], **LAST)

    def _saliency(self, record: RunRecord) -> None:
        prefix, mask = self.run.prefix, record.mask
        gr.Markdown(f"### {texts.SALIENCY_TITLE}")
        slider = gr.Slider(
            0,
            max(1, len(mask.thresholds) - 1) if mask else 1,
            value=nearest_threshold(mask) if mask else 0,
            step=1,
            label=texts.SALIENCY_SLIDER,
            elem_id=f"{prefix}-threshold",
            buttons=[],
            interactive=True,
            visible=mask is not None and len(mask.thresholds) > 1,
        )
        table, figure = saliency(record, None)
        with gr.Row():
            with gr.Column(min_width=340, scale=6):
                layers = gr.HTML(table, elem_id=f"{prefix}-layers")
            with gr.Column(min_width=340, scale=5):
                layers_plot = plot(prefix, "layers-plot", figure)
        given = [self.run.ctx.browser, slider]
        slider.input(lambda browser, at: saliency(self.run.record(browser), at)[0], given, layers, **LAST)
        # By an event of its own, so that the table need not wait for the figure; arrow keys release nothing.
        slider.change(lambda browser, at: saliency(self.run.record(browser), at)[1], given, layers_plot, **LAST)

    def _save(self, record: RunRecord) -> None:
        prefix, measured = self.run.prefix, record.result is not None
        weights = not record.imported and bool(record.reports or record.stopped_after)
        able = {"weights": weights, "csv": measured, "result": measured, "events": bool(record.events)}
        gr.Markdown(f"### {texts.SAVE_TITLE}\n{texts.SAVE_HELP}")
        with gr.Row():
            buttons = {
                kind: gr.Button(
                    texts.SAVE_BUTTONS[kind],
                    size="sm",
                    min_width=150,
                    interactive=able.get(kind, True),
                    elem_id=f"{prefix}-save-{kind}",
                )
                for kind in get_args(Kind)
            }
        # A file is made on click; this button, hidden by the style sheet (an update would show it again), then fetches it.
        file = gr.DownloadButton(elem_id=f"{prefix}-file", elem_classes="cmp-file")
        fetch = f"() => setTimeout(() => document.querySelector('#{prefix}-file')?.click(), 120)"
        for kind, button in buttons.items():
            saved = button.click(self.saver(kind), self.run.ctx.browser, file, **QUEUED)
            saved.success(None, js=fetch, **QUICK)

    def saver(self, kind: Kind) -> Callable[..., Any]:
        """Makes a file of the run for its owner; called with browser."""

        def make(browser: Any) -> Any:
            record = self.run.record(browser)
            try:
                return str(SHELF.write(kind, record, self.run.ctx.job_of(browser, self.run.key)))
            except PlaygroundError as error:
                raise say(error) from None

        return make


def rules_of(record: RunRecord) -> str:
    """The rules by which the run's sentence is made."""
    if record.of_concept:
        return rules.RULES_CONCEPT
    return rules.RULES_GENERATOR if record.generates else rules.RULES


def saliency(record: RunRecord, position: float | None) -> tuple[str, Any]:
    """Table and figure at a position of the slider, None for the run's own threshold (whose counts are the run's own too)."""
    from demos.plots.layers import layers_figure

    mask = record.mask
    if mask is None:
        early = record.stopped_after is not None and not record.steps
        return note(texts.MASK_NOT_MADE if early else texts.NO_MASK), None
    index = None if position is None or not mask.thresholds else min(max(int(position), 0), len(mask.thresholds) - 1)
    counts = recount(mask, index)
    return tables.layers_html(mask, counts, None if index is None else mask.thresholds[index]), layers_figure(counts)


def moment(record: RunRecord, position: float) -> str:
    """The moment at a position of the slider, counted from 1."""
    moments = record.timeline()
    if not moments:
        return note(texts.NO_TIMELINE)
    return tables.moment_html(record, moments[min(max(int(position), 1), len(moments)) - 1])


def moment_sheet(record: RunRecord, position: float) -> dict[str, Any]:
    """The samples of that moment, for demos/static/grid.js; none for a classifier."""
    moments = record.timeline()
    if not moments:
        return {"sheet": None, "blurred": False}
    at = moments[min(max(int(position), 1), len(moments)) - 1]
    sheet = sheet_value(at.sheet, record.class_names, record.forgotten, record.roles)
    return {"sheet": sheet, "blurred": record.blurred}


class Result:
    """Where Compare comes to stand: a page has none of its components before there is a run to compare (docs/adr/0049).

    Attributes:
        shown: which run is drawn, as `show` says it; a listener that has this as an output must be queued (`context.QUEUED`).
    """

    def __init__(self, ctx: PageContext, *, prefix: str = "compare", imports: Imports | None = None) -> None:
        self.ctx, self.prefix, self.imports = ctx, prefix, imports
        self.shown = gr.State("")
        gr.render([ctx.browser, self.shown], triggers=[self.shown.change], show_progress="hidden")(self._draw)

    def show(self, browser: Any, key: str = "") -> str:
        """The value of `shown` that draws a run anew, "" for none; what the visitor has under way of the last one is stopped."""
        for panel, jobs in list(self.ctx.panels.items()):
            if panel.startswith(f"{self.prefix}-"):
                jobs.call_off(self.ctx.visitor(browser))
        return f"{key} {secrets.token_hex(4)}" if key else ""

    def shows(self, shown: Any, key: str) -> bool:
        """Whether a value of `shown` draws that run."""
        return isinstance(shown, str) and shown.partition(" ")[0] == key

    def _draw(self, browser: Any, shown: str) -> None:
        if not shown:
            return
        run = ShownRun(self.ctx, self.prefix, shown.partition(" ")[0], self.imports)
        with gr.Column(visible=False, elem_id=f"{self.prefix}-box") as box:
            try:
                Compare(run, run.record(browser))
                box.visible = True
            except Exception:  # the run itself must stay on screen whatever Compare makes of it
                LOG.exception("Compare failed for run %s", shown[:8])
