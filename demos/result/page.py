"""Compare: what a run did. Drawn below the live view of the tab Unlearn, and once more in the tab Runs, when there is a run to compare."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.processing_utils import move_files_to_cache
from pydantic import BaseModel

from demos.context import LAST, QUEUED, QUICK, PageContext, say
from demos.jobs.book import Job
from demos.records.imports import Imports
from demos.records.record import RunRecord, from_job
from demos.render import render
from demos.result import values as show
from demos.result.break_it import BreakIt
from demos.result.classifier import ClassifierPart, figure, plot
from demos.result.export import Kind, Shelf
from demos.result.generator import GeneratorPart
from demos.result.tables import shares_html
from demos.static_files import mounting
from demos.text import live as live_text
from demos.text import result as copy
from demos.text import rules as rules_copy
from sfr_core.errors import InputError, PlaygroundError

LOG = logging.getLogger(__name__)
SHELF = Shelf()


class Compare:
    """The components, what they show for a run, and what their controls do.

    Attributes:
        outputs: every component that `updates` and `cleared` may change.
        wishes: listeners that go on answering of the run that is shown; whoever shows another one cancels them.
    """

    def __init__(self, ctx: PageContext, prefix: str, imports: Imports | None) -> None:
        self.ctx, self.prefix, self.imports = ctx, prefix, imports
        self.key = gr.State("")
        with gr.Column(visible=False, elem_id=f"{prefix}-box") as self.box:
            gr.Markdown(f"## {copy.TITLE}")
            self.summary = gr.HTML(elem_id=f"{prefix}-verdict")
            with gr.Accordion(copy.RULES_TITLE, open=False, elem_id=f"{prefix}-rules"):
                self.rules = gr.Markdown(rules_copy.RULES)
            self.shares = gr.HTML(elem_id=f"{prefix}-shares")
            gr.Markdown(f"### {copy.METRICS_TITLE}")
            self.metrics = gr.HTML(elem_id=f"{prefix}-metrics")
            with gr.Column(visible=False, elem_id=f"{prefix}-blur") as self.blur_box:
                gr.HTML(
                    html_template=render("blur_box.html", T=live_text.LIVE),
                    js_on_load=mounting("blur"),
                    apply_default_css=False,
                )
            self._timeline()
            self.generator = GeneratorPart(ctx, prefix, self.key)
            self.classifier = ClassifierPart(prefix, [ctx.browser, self.key])
            self._saliency()
            self.breaker = BreakIt(ctx, prefix, self.key)
            self._save()
        self.outputs: list[Any] = list(self.cleared())
        self.wishes: list[Any] = []
        self._wire()

    def _timeline(self) -> None:
        gr.Markdown(f"### {copy.TIMELINE_TITLE}")
        self.moment_slider = gr.Slider(
            1, 2, step=1, label=copy.TIMELINE_SLIDER, elem_id=f"{self.prefix}-moment", buttons=[], interactive=True
        )
        self.moment = gr.HTML(elem_id=f"{self.prefix}-moment-view")
        self.moment_sheet = gr.HTML(
            {"sheet": None, "blurred": False},
            html_template=render("sheet.html"),
            js_on_load=mounting("grid"),
            apply_default_css=False,
            elem_id=f"{self.prefix}-moment-sheet",
        )

    def _saliency(self) -> None:
        gr.Markdown(f"### {copy.SALIENCY_TITLE}")
        self.threshold = gr.Slider(
            0, 60, step=1, label=copy.SALIENCY_SLIDER, elem_id=f"{self.prefix}-threshold", buttons=[], interactive=True
        )
        with gr.Row():
            with gr.Column(min_width=340, scale=6):
                self.layers = gr.HTML(elem_id=f"{self.prefix}-layers")
            with gr.Column(min_width=340, scale=5):
                self.layers_plot = plot(self.prefix, "layers-plot")

    def _save(self) -> None:
        gr.Markdown(f"### {copy.SAVE_TITLE}\n{copy.SAVE_HELP}")
        with gr.Row():
            self.save = {
                kind: gr.Button(label, size="sm", min_width=150, elem_id=f"{self.prefix}-save-{kind}")
                for kind, label in copy.SAVE_BUTTONS.items()
            }
        # A file is made on click; this button, hidden by the style sheet (an update would show it again), then fetches it.
        self.file = gr.DownloadButton(elem_id=f"{self.prefix}-file", elem_classes="cmp-file")

    def updates(self, job: Job) -> dict[Any, Any]:
        """What every component shows for a job that ended; the caller has checked whose it is."""
        return self.updates_of(from_job(job), live=True)

    def updates_of(self, record: RunRecord, *, live: bool) -> dict[Any, Any]:
        """What every component shows for a run; `live` runs are in the job book and can be broken."""
        layers, layers_plot = show.saliency(record, None)
        weights = live and bool(record.reports or record.stopped_after)
        return {
            self.box: gr.update(visible=True),
            self.key: record.key,
            self.summary: show.summary(record),
            self.rules: show.rules(record),
            self.shares: shares_html(record),
            self.metrics: show.metrics(record),
            self.blur_box: gr.update(visible=record.blurred),
            self.moment_slider: show.timeline_slider(record),
            self.moment: show.moment(record, len(record.timeline())),
            self.moment_sheet: show.moment_sheet(record, len(record.timeline())),
            **self.generator.updates_of(record, live=live),
            **self.classifier.updates_of(record),
            self.threshold: show.saliency_slider(record),
            self.layers: layers,
            self.layers_plot: figure(layers_plot),
            self.save["weights"]: gr.update(interactive=weights),
            self.save["csv"]: gr.update(interactive=record.result is not None),
            self.save["result"]: gr.update(interactive=record.result is not None),
            self.save["events"]: gr.update(interactive=bool(record.events)),
            **self.breaker.updates_of(record, live=live),
        }

    def cleared(self) -> dict[Any, Any]:
        """Nothing to compare: the whole part is hidden and its bulk is gone."""
        emptied = (self.summary, self.shares, self.metrics, self.moment, self.layers, self.layers_plot)
        return {
            self.box: gr.update(visible=False),
            self.key: "",
            self.moment_sheet: {"sheet": None, "blurred": False},
            self.blur_box: gr.update(visible=False),
            **dict.fromkeys((self.moment_slider, self.threshold, self.rules), gr.skip()),
            **{self.save[kind]: gr.skip() for kind in ("weights", "csv", "result", "events")},
            **{component: gr.update(value=None) for component in emptied},
            **self.generator.cleared(),
            **self.classifier.cleared(),
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

        def turn(browser: Any, key: Any, at: Any) -> tuple[str, dict[str, Any]]:
            record = self.record(browser, key)
            return show.moment(record, at), show.moment_sheet(record, at)

        # One answer for both, so that pictures and numbers move together.
        self.moment_slider.input(turn, [*run, self.moment_slider], [self.moment, self.moment_sheet], **LAST)
        self.threshold.input(
            lambda browser, key, at: show.saliency(self.record(browser, key), at)[0],
            [*run, self.threshold],
            self.layers,
            **LAST,
        )
        # By an event of its own, so that the table need not wait for the figure; arrow keys release nothing.
        self.threshold.change(
            lambda browser, key, at: show.saliency(self.record(browser, key), at)[1] if key else gr.skip(),
            [*run, self.threshold],
            self.layers_plot,
            **LAST,
        )
        fetch = f"() => setTimeout(() => document.querySelector('#{self.prefix}-file')?.click(), 120)"
        for name, button in self.save.items():
            button.click(self._saver(name), run, self.file, **QUEUED).success(None, js=fetch, **QUICK)
        self.classifier.wire(self.record)
        self.wishes = self.generator.wire(self.record)
        self.breaker.wire(self.record)

    def _saver(self, kind: str) -> Callable[..., Any]:
        def make(browser: Any, key: Any) -> str:
            record = self.record(browser, key)
            try:
                return str(SHELF.write(kind, record, self.ctx.job_of(browser, key)))  # type: ignore[arg-type]
            except PlaygroundError as error:
                raise say(error) from None

        make.__annotations__.pop("return", None)
        return make


KINDS: tuple[Kind, ...] = ("weights", "csv", "result", "config", "events", "png", "svg")


def build(ctx: PageContext, *, prefix: str = "compare", imports: Imports | None = None) -> Compare:
    """Makes the components inside the current Blocks, hidden until a run is given.

    Args:
        ctx: the page.
        prefix: start of every elem_id, so that the part can stand on a page more than once.
        imports: runs from files that may be looked at here.
    """
    return Compare(ctx, prefix, imports)


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
        for panel, wishes in list(self.ctx.panels.items()):
            if panel.startswith(f"{self.prefix}-"):
                wishes.call_off(self.ctx.visitor(browser))
        return f"{key} {secrets.token_hex(4)}" if key else ""

    def shows(self, shown: Any, key: str) -> bool:
        """Whether a value of `shown` draws that run."""
        return isinstance(shown, str) and shown.partition(" ")[0] == key

    def _draw(self, browser: Any, shown: str) -> None:
        if not shown:
            return
        part = build(self.ctx, prefix=self.prefix, imports=self.imports)
        try:
            record = part.record(browser, shown.partition(" ")[0])
            begin_with(part.updates_of(record, live=record.state != "imported"))
        except Exception:  # the run itself must stay on screen whatever Compare makes of it
            LOG.exception("Compare failed for run %s", shown[:8])


def begin_with(updates: Mapping[Any, Any]) -> None:
    """Lets components that are being drawn begin with what updates would make of them."""
    for part, update in updates.items():
        if isinstance(update, Block):
            changes = update.constructor_args
        else:
            changes = update if isinstance(update, dict) and "__type__" in update else {"value": update}
        for name, value in changes.items():
            if name == "value" and not part.stateful:
                value = part.postprocess(value)
                value = value.model_dump() if isinstance(value, BaseModel) else value
                value = move_files_to_cache(value, part, postprocess=True, keep_in_cache=True)
            if name != "__type__":
                setattr(part, name, value)
