"""What is exposed? NudeNet's counts before and after a run, where the visitor installed it; hidden for models that need no blur."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.context import PageContext
from demos.jobs import estimate, hardware, side_jobs
from demos.jobs.side_jobs import SideJob
from demos.panel import Panel, bar_html, ended_html, gone, session_of
from demos.records.record import RunRecord
from demos.render import note, table
from demos.text import result as copy
from demos.text import unlearn as page_copy
from sfr_core.data.public import public_mode
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.hub.concepts import SAMPLES, can_count
from sfr_core.plan import plan

if TYPE_CHECKING:
    from sfr_core.hub.exposure import Exposed


class Count(Panel["Exposed"]):
    """The panel, and the count that each visitor has under way."""

    def __init__(self, ctx: PageContext, prefix: str, key: gr.State) -> None:
        super().__init__(ctx, f"{prefix}-count", key)
        with gr.Column(visible=False, elem_id=f"{prefix}-count") as self.box:
            gr.Markdown(f"### {copy.COUNT_TITLE}\n{copy.COUNT_HELP.format(n=SAMPLES)}")
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
            self.status: note(why or time_text(record)),
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
        return self.put(browser, lambda: start(self.ctx.book.slot, session))


def ended(_: RunRecord, job: SideJob[Exposed]) -> tuple[Any, str]:
    """How a count ended: the table, or why there is none."""
    table = table_html(job.outcomes, job.seconds) if job.state == "done" else ended_html(job, "")
    return gr.Button(interactive=True), table


def progress_html(job: SideJob[Exposed]) -> str:
    """A bar with the real steps, or that it waits."""
    text = copy.COUNT_PROGRESS.format(model=job.model, done=job.done, total=job.steps)
    return bar_html(job, copy.COUNT_TITLE, text)


DEADLINE = 30 * 60.0
"""Seconds that it may compute; a run may as long."""
MODELS = ("before", "after")


def start(slot: threading.Lock, session: Any, *, n: int = SAMPLES) -> SideJob[Exposed]:
    """Draws and counts with the model before and the one after a run, in a thread that waits for `slot`."""
    # Torch is here by now: the session came with it.
    from sfr_core.hub.exposure import expose, expose_steps
    from sfr_core.runs.sampling import protocol_of

    sampler = protocol_of(session.card)

    def count(who: str) -> Iterator[int | Exposed]:
        found = yield from expose(session.task, sampler, n, side_jobs.model_of(session, who))
        yield found

    steps = expose_steps(n, sampler)
    return side_jobs.start(slot, count, MODELS, steps, deadline=DEADLINE, advice="Try again.")


def time_text(record: RunRecord) -> str:
    """About how long it will take, in one sentence."""
    try:
        found = estimate.drawn(plan(record.config), record.seconds(), len(MODELS) * SAMPLES)
    except PlaygroundError:  # a model that is gone
        found = None
    if found is None:
        return copy.RECOVER_TIME_UNKNOWN
    return copy.COUNT_TIME.format(time=page_copy.about(found.seconds), source=copy.RECOVER_FROM[found.source])


def table_html(found: Mapping[str, Exposed], seconds: float) -> str:
    """Every body part that was found in either model's pictures, and the sum."""
    before, after = found["before"], found["after"]
    parts = sorted(before.counts.keys() | after.counts.keys())
    rows = [(part.replace("_", " ").lower(), str(before.counts[part]), str(after.counts[part])) for part in parts]
    rows.append((copy.COUNT_ALL, str(before.counts.total()), str(after.counts.total())))
    caption = copy.COUNT_CAPTION.format(
        n=after.n,
        threshold=after.threshold,
        steps=after.sampler_steps,
        guidance=after.guidance,
        time=page_copy.duration(seconds),
    )
    return table(copy.COUNT_HEAD, rows, caption=caption)
