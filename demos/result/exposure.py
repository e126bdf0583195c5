"""What is exposed? NudeNet's counts before and after a run, where the visitor installed it; hidden for models that need no blur."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.context import QUEUED, PageContext
from demos.jobs import hardware
from demos.jobs.side_jobs import Wish
from demos.panel import Wishes, bar_html, ended_html, followed, gone, session_of
from demos.records.record import RunRecord
from demos.render import alert, note
from demos.result import exposure_run as exposed
from demos.text import result as copy
from sfr_core.data.public import public_mode
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.hub.concepts import can_count

if TYPE_CHECKING:
    from sfr_core.hub.exposure import Exposed


class Count:
    """The panel, and the count that each visitor has under way."""

    def __init__(self, ctx: PageContext, prefix: str, key: gr.State) -> None:
        self.ctx, self.key = ctx, key
        self.counts: Wishes[Exposed] = Wishes.of(ctx, f"{prefix}-count")
        with gr.Column(visible=False, elem_id=f"{prefix}-count") as self.box:
            gr.Markdown(f"### {copy.COUNT_TITLE}\n{copy.COUNT_HELP.format(n=exposed.SAMPLES)}")
            with gr.Row():
                self.start = gr.Button(
                    copy.COUNT_START, size="sm", elem_id=f"{prefix}-count-start", elem_classes="cmp-small"
                )
                self.stop = gr.Button(
                    copy.COUNT_STOP,
                    size="sm",
                    interactive=False,
                    elem_id=f"{prefix}-count-stop",
                    elem_classes="cmp-small",
                )
            self.status = gr.HTML(elem_id=f"{prefix}-count-status")

    def updates_of(self, record: RunRecord, *, live: bool) -> dict[Any, Any]:
        """Ready to count where NudeNet is installed and the run's weights are in memory; otherwise a sentence."""
        if not record.blurred or not record.of_concept or public_mode():
            return self.cleared()
        weights = live and not hardware.on_zerogpu() and record.state != "failed"
        why = can_count() or ("" if weights else gone())
        return {
            **self.cleared(),
            self.box: gr.update(visible=True),
            self.start: gr.update(interactive=not why),
            self.status: note(why or exposed.time_text(record)),
        }

    def cleared(self) -> dict[Any, Any]:
        """Hidden, nothing counted."""
        return {
            self.box: gr.update(visible=False),
            self.start: gr.update(interactive=False),
            self.stop: gr.update(interactive=False),
            self.status: "",
        }

    def wire(self, record_of: Callable[[Any, Any], RunRecord]) -> Any:
        """Connects the buttons; `record_of(browser, key)` checks whose run it is. Returns the listener that goes on answering."""

        def begin(browser: Any, key: Any) -> Iterator[tuple[Any, ...]]:
            try:
                record_of(browser, key)
                wish = self.begin(browser, key)
            except PlaygroundError as error:
                yield gr.skip(), gr.skip(), alert(str(error))
                return
            yield from followed(wish, progress_html, lambda: self.ctx.book.touch(str(key)))
            yield gr.Button(interactive=True), gr.Button(interactive=False), ended(wish)

        self.counts.stopped_by(self.stop, self.ctx)
        return self.start.click(begin, [self.ctx.browser, self.key], [self.start, self.stop, self.status], **QUEUED)

    def begin(self, browser: Any, key: Any) -> Wish[Exposed]:
        """Starts a count; an earlier one of the same visitor is stopped.

        Raises:
            InputError: the weights are gone, or NudeNet is not here, or this is a public page.
        """
        why = can_count()
        if why:
            raise InputError(why)
        session = session_of(self.ctx, browser, key)
        visitor = self.ctx.visitor(browser)
        self.counts.call_off(visitor)
        wish = exposed.start(self.ctx.book.slot, session)
        self.counts.put(visitor, wish)
        return wish


def ended(wish: Wish[Exposed]) -> str:
    """How a count ended: the table, or why there is none."""
    return exposed.table_html(wish.outcomes, wish.seconds) if wish.state == "done" else ended_html(wish, "")


def progress_html(wish: Wish[Exposed]) -> str:
    """A bar with the real steps, or that it waits."""
    text = copy.COUNT_PROGRESS.format(model=wish.model, done=wish.done, total=wish.steps)
    return bar_html(wish, copy.COUNT_TITLE, text)
