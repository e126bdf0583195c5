"""The folded parts of a result that runs of every kind have: all numbers, timeline, saliency mask, save."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import gradio as gr

from demos.context import LAST, QUEUED, QUICK, say
from demos.panel import ShownRun
from demos.pictures.judge_text import judge_note
from demos.pictures.sheet_text import sheet_value
from demos.plots.layers import nearest_threshold, recount
from demos.records.record import Nearest, RunRecord
from demos.records.summary_text import percent
from demos.render import note, render
from demos.result import tables
from demos.result.classifier import plot
from demos.result.export import Kind, Shelf
from demos.static_files import mounting
from demos.text import result as texts
from demos.text import rules
from demos.text.unlearn import size
from sfr_core.errors import PlaygroundError

SHELF = Shelf()


def numbers(run: ShownRun, record: RunRecord) -> None:
    """Every metric with its definition, and the rules of the sentence."""
    gr.HTML(tables.shares_html(record), elem_id=f"{run.prefix}-shares", visible=record.of_concept)
    gr.HTML(tables.metrics_html(record), elem_id=f"{run.prefix}-metrics")
    with gr.Accordion(texts.RULES_TITLE, open=False, elem_id=f"{run.prefix}-rules"):
        gr.Markdown(rules_of(record))


def rules_of(record: RunRecord) -> str:
    """The rules by which the run's sentence is made."""
    if record.of_concept:
        return rules.RULES_CONCEPT
    return rules.RULES_GENERATOR if record.generates else rules.RULES


def timeline(run: ShownRun, record: RunRecord) -> None:
    """The recorded moments, one at a time."""
    prefix, last = run.prefix, len(record.timeline())
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
    sheet = gr.HTML(
        moment_sheet(record, last),
        html_template=render("sheet.html"),
        js_on_load=mounting("grid"),
        apply_default_css=False,
        elem_id=f"{prefix}-moment-sheet",
    )

    def turn(browser: Any, at: Any) -> tuple[str, dict[str, Any]]:
        record = run.record(browser)
        return moment(record, at), moment_sheet(record, at)

    # One answer for both, so that pictures and numbers move together.
    slider.input(turn, [run.ctx.browser, slider], [view, sheet], **LAST)
    keep_moment(run, record)


def keep_moment(run: ShownRun, record: RunRecord) -> None:
    """Which moment is nearest to the retrained model, and a button that keeps it; where it is kept already, one that goes back."""
    if record.too_large:
        gr.HTML(note(texts.MOMENT_TOO_LARGE.format(size=size(record.too_large))), elem_id=f"{run.prefix}-nearest")
    best = record.nearest
    if best is None:
        return
    gr.HTML(note(nearest_words(best)), elem_id=f"{run.prefix}-nearest")
    away = best.step != best.outcome
    step = best.step if away else best.last
    if step is None or run.keep is None:
        return
    label = (texts.KEEP_MOMENT if away else texts.KEEP_LAST).format(step=step)
    button = gr.Button(label, size="sm", elem_id=f"{run.prefix}-keep-moment", elem_classes="cmp-small")
    run.keep(button.click, run.key, step)


def nearest_words(best: Nearest) -> str:
    """Which moment is nearest to the retrained model, with the numbers of both."""
    said = texts.NEAREST_IS if best.step == best.outcome else texts.NEAREST
    return said.format(
        step=best.step,
        numbers=f"{percent(best.live.forget)} and {percent(best.live.remain)} %",
        goal=f"{percent(best.goal.forget)} and {percent(best.goal.remain)} %",
        n=f"{best.live.n_forget} and {best.live.n_remain}",
    )


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
    first = moments[0].sheet
    before = () if first is None or at.i == moments[0].i else first.accepted
    judge = judge_note(record.config.model)
    sheet = sheet_value(at.sheet, record.class_names, record.forgotten, record.roles, before=before, judge=judge)
    return {"sheet": sheet, "blurred": record.blurred}


def saliency_mask(run: ShownRun, record: RunRecord) -> None:
    """Which weights the run could change, layer by layer, at any threshold."""
    prefix, mask = run.prefix, record.mask
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
    given = [run.ctx.browser, slider]
    slider.input(lambda browser, at: saliency(run.record(browser), at)[0], given, layers, **LAST)
    # By an event of its own, so that the table need not wait for the figure; arrow keys release nothing.
    slider.change(lambda browser, at: saliency(run.record(browser), at)[1], given, layers_plot, **LAST)


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


def save(run: ShownRun, record: RunRecord) -> None:
    """A button for each file of the run."""
    prefix, measured = run.prefix, record.result is not None
    weights = not record.imported and bool(record.reports or record.stopped_after)
    able = {"weights": weights, "csv": measured, "result": measured, "events": bool(record.events)}
    gr.Markdown(texts.SAVE_HELP)
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
            if kind != "rows" or (record.dataset is not None and record.dataset.files is not None)
        }
    # A file is made on click; this button, hidden by the style sheet (an update would show it again), then fetches it.
    file = gr.DownloadButton(elem_id=f"{prefix}-file", elem_classes="cmp-file")
    fetch = f"() => setTimeout(() => document.querySelector('#{prefix}-file')?.click(), 120)"
    for kind, button in buttons.items():
        saved = button.click(saver(run, kind), run.ctx.browser, file, **QUEUED)
        saved.success(None, js=fetch, **QUICK)


def saver(run: ShownRun, kind: Kind) -> Callable[..., Any]:
    """Makes a file of the run for its owner; called with browser."""

    def make(browser: Any) -> Any:
        record = run.record(browser)
        try:
            return str(SHELF.write(kind, record, run.ctx.job_of(browser, run.key)))
        except PlaygroundError as error:
            raise say(error) from None

    return make
