"""A run's result, one screen first and the rest folded. Drawn below the live view of the tab Unlearn, and once more in the tab Runs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demos.context import PageContext, drawn_once
from demos.guard import refusal
from demos.panel import ShownRun
from demos.records.brief import lines
from demos.records.imports import Imports
from demos.records.record import RunRecord
from demos.records.what_now import advice, chosen, offers
from demos.render import alert, behind_blur, note, render
from demos.result import classifier, generator, parts, tables
from demos.result.break_it import BreakIt
from demos.result.clip_score import ClipScore, scores
from demos.result.draw_more import DrawMore
from demos.result.exposure import Count, counts
from demos.result.pictures import pictures_html
from demos.result.recovery import Recover
from demos.static_files import mounting
from demos.text import brief as brief_texts
from demos.text import result as texts
from demos.text.live import LIVE
from sfr_core.plan import RunPlan


@dataclass(frozen=True, slots=True)
class Section:
    """A folded part of a result; `draw` makes its components when it is first opened."""

    name: str
    title: str
    draw: Callable[[ShownRun, RunRecord], object]


def sections(record: RunRecord) -> tuple[Section, ...]:
    """The folded parts that a run has, in their order."""
    generates = record.generates
    offered = (
        (True, Section("numbers", texts.METRICS_TITLE, parts.numbers)),
        (True, Section("timeline", texts.TIMELINE_TITLE, parts.timeline)),
        (not generates, Section("classes", texts.CONFUSION_TITLE, classifier.draw_classes)),
        (not generates, Section("single", texts.SAMPLES_TITLE, classifier.draw_single)),
        (generates, Section("samples", texts.STRIPS_TITLE, generator.draw_samples)),
        (True, Section("saliency", texts.SALIENCY_TITLE, parts.saliency_mask)),
        (True, Section("break-it", texts.BREAK_TITLE, BreakIt)),
        (generates, Section("draw-more", texts.PLAY_TITLE, DrawMore)),
        (generates and record.of_concept, Section("bring-back", texts.RECOVER_TITLE, Recover)),
        (scores(record), Section("agreement", texts.CLIP_TITLE, ClipScore)),
        (counts(record), Section("exposure", texts.COUNT_TITLE, Count)),
        (True, Section("save", texts.SAVE_TITLE, parts.save)),
    )
    return tuple(section for there, section in offered if there)


Wanted = Callable[[Any, Mapping[str, Any]], RunPlan]
"""The run that a click asks for; called with browser and what the click told."""
Fill = Callable[[Callable[..., Any], Wanted], None]
"""Lets an event fill the form of the tab Unlearn."""

Keep = Callable[[Callable[..., Any], str, int], None]
"""Lets an event keep a moment: of the run of this key, after this step."""


class Compare:
    """What a run did: the sentence, the pictures, five lines and what to try next; then the folded parts.

    Args:
        fill: how a suggestion gets into the form; None where there is no form.
    """

    def __init__(self, run: ShownRun, record: RunRecord, fill: Fill | None = None) -> None:
        prefix = run.prefix
        gr.Markdown(f"## {texts.TITLE}", elem_classes="cmp-title")
        self.summary = gr.HTML(tables.summary_html(record), elem_id=f"{prefix}-verdict")
        if record.blurred:
            gr.HTML(
                html_template=render("blur_box.html", T=LIVE),
                js_on_load=mounting("blur"),
                apply_default_css=False,
                elem_id=f"{prefix}-blur",
            )
        self.pictures = gr.HTML(behind_blur(pictures_html(record), record.blurred), elem_id=f"{prefix}-pictures")
        said = lines(record)
        found = () if fill is None else advice(record)
        with gr.Row(elem_classes="cmp-lines", visible=bool(said or found)):
            if said:
                with gr.Column(scale=2, min_width=320):
                    gr.HTML(render("brief.html", rows=said, caption=brief_texts.CAPTION), elem_id=f"{prefix}-brief")
            if fill is not None and found:
                with gr.Column(scale=1, min_width=320):
                    now = gr.HTML(tables.what_now_html(found), js_on_load=mounting("now"), elem_id=f"{prefix}-now")
                fill(now.edit, lambda browser, told: offered(run.record(browser), told))
        if record.config.reading is not None:
            gr.HTML(note(record.config.reading.said()), elem_id=f"{prefix}-reading")
        with gr.Column(elem_classes="cmp-folded"):
            for section in sections(record):
                with gr.Accordion(section.title, open=False, elem_id=f"{prefix}-{section.name}") as part:
                    drawn_once(part.expand, _drawing(section, run), [run.ctx.browser])


def offered(record: RunRecord, told: Mapping[str, Any]) -> RunPlan:
    """The suggestion of a run that a click tells.

    Raises:
        InputError: it has none of this number.
    """
    return chosen(offers(record), told.get("now"))


def _drawing(section: Section, run: ShownRun) -> Callable[[Any], None]:
    def draw(browser: Any) -> None:
        section.draw(run, run.record(browser))

    return draw


class Result:
    """Where Compare comes to stand: a page has none of its components before there is a run to compare (docs/adr/0049).

    Attributes:
        shown: which run is drawn, as `show` says it; a listener that has this as an output must be queued (`context.QUEUED`).
    """

    def __init__(
        self,
        ctx: PageContext,
        *,
        prefix: str = "compare",
        imports: Imports | None = None,
        fill: Fill | None = None,
        keep: Keep | None = None,
    ) -> None:
        self.ctx, self.prefix, self.imports, self.fill, self.keep = ctx, prefix, imports, fill, keep
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
        run = ShownRun(self.ctx, self.prefix, shown.partition(" ")[0], self.imports, self.keep)
        with gr.Column(visible=False, elem_id=f"{self.prefix}-box", elem_classes="cmp-result") as box:
            try:
                Compare(run, run.record(browser), self.fill)
                box.visible = True
                return
            except Exception as error:  # the run itself must stay on screen whatever Compare makes of it
                sentence = refusal(error).message
        gr.HTML(alert(sentence), elem_id=f"{self.prefix}-failed")
