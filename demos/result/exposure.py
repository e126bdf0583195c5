"""What is exposed? NudeNet's counts before and after a run, where the visitor installed it; hidden for models that need no blur."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.context import PageContext
from demos.jobs import hardware
from demos.jobs.side_jobs import SideJob
from demos.panel import Panel, bar_html, ended_html, gone, session_of
from demos.records.record import RunRecord
from demos.render import note
from demos.result import exposure_run as exposed
from demos.text import result as copy
from sfr_core.data.public import public_mode
from sfr_core.errors import InputError
from sfr_core.hub.concepts import can_count

if TYPE_CHECKING:
    from sfr_core.hub.exposure import Exposed


class Count(Panel["Exposed"]):
    """The panel, and the count that each visitor has under way."""

    def __init__(self, ctx: PageContext, prefix: str, key: gr.State) -> None:
        super().__init__(ctx, f"{prefix}-count", key)
        with gr.Column(visible=False, elem_id=f"{prefix}-count") as self.box:
            gr.Markdown(f"### {copy.COUNT_TITLE}\n{copy.COUNT_HELP.format(n=exposed.SAMPLES)}")
            self.buttons(copy.COUNT_START, copy.COUNT_STOP)

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

        self.stopped_by_its_button()
        return self.starts(
            self.start, record_of, lambda browser, key, _: self.begin(browser, key), progress_html, ended
        )

    def begin(self, browser: Any, key: Any) -> SideJob[Exposed]:
        """Starts a count; an earlier one of the same visitor is stopped.

        Raises:
            InputError: the weights are gone, or NudeNet is not here, or this is a public page.
        """
        why = can_count()
        if why:
            raise InputError(why)
        session = session_of(self.ctx, browser, key)
        return self.put(browser, lambda: exposed.start(self.ctx.book.slot, session))


def ended(_: RunRecord, job: SideJob[Exposed]) -> tuple[Any, str]:
    """How a count ended: the table, or why there is none."""
    table = exposed.table_html(job.outcomes, job.seconds) if job.state == "done" else ended_html(job, "")
    return gr.Button(interactive=True), table


def progress_html(job: SideJob[Exposed]) -> str:
    """A bar with the real steps, or that it waits."""
    text = copy.COUNT_PROGRESS.format(model=job.model, done=job.done, total=job.steps)
    return bar_html(job, copy.COUNT_TITLE, text)
