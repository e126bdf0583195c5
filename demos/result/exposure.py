"""What is exposed? NudeNet's counts before and after a run, where the visitor installed it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.jobs import estimate, side_jobs
from demos.jobs.side_jobs import SideJob
from demos.panel import Panel, ShownRun, bar_html, ended_html, estimated, gone, weights_here
from demos.records.record import RunRecord
from demos.render import note, table
from demos.text import result as texts
from demos.text.unlearn import about, duration
from sfr_core.data.public import public_mode
from sfr_core.errors import InputError
from sfr_core.hub.concepts import SAMPLES, can_count

if TYPE_CHECKING:
    from sfr_core.hub.exposure import Exposed

MODELS = ("before", "after")


class Count(Panel["Exposed"]):
    """The panel of a run that `counts`, and the count that each visitor has under way."""

    def __init__(self, run: ShownRun, record: RunRecord) -> None:
        super().__init__(run, "count")
        weights = weights_here(record) and record.state != "failed"
        why = can_count() or ("" if weights else gone())
        with gr.Column(elem_id=self.name):
            gr.Markdown(texts.COUNT_HELP.format(n=SAMPLES))
            self.buttons(texts.COUNT_START, texts.COUNT_STOP, able=not why, status=note(why or time_text(record)))
        self.starts(self.start, self.begin, progress_html, ended)

    def begin(self, browser: Any, record: RunRecord) -> SideJob[Exposed]:
        """Starts a count; an earlier one of the same visitor is stopped.

        Raises:
            InputError: the weights are gone, or NudeNet is not here, or this is a public page.
        """
        why = can_count()
        if why:
            raise InputError(why)
        session = self.run.session(browser)
        return self.put(browser, lambda: start(self.ctx.book.slot, session))


def counts(record: RunRecord) -> bool:
    """Whether a run has the panel: its model needs a blur, and the page is not public."""
    return record.blurred and record.of_concept and not public_mode()


def start(slot: threading.Lock, session: Any, *, n: int = SAMPLES) -> SideJob[Exposed]:
    """Draws and counts with the model before and the one after a run, in a thread that waits for `slot`."""
    # Torch is here by now: the session came with it.
    from sfr_core.hub.exposure import expose, expose_steps
    from sfr_core.runs.sampling import protocol_of

    sampler = protocol_of(session.card)

    def count(who: str) -> Iterator[int | Exposed]:
        found = yield from expose(session.task, sampler, n, side_jobs.model_of(session, who))
        yield found

    return side_jobs.start(slot, count, MODELS, expose_steps(n, sampler))


def progress_html(job: SideJob[Exposed]) -> str:
    """A bar with the real steps, or that it waits."""
    text = texts.COUNT_PROGRESS.format(model=job.model, done=job.done, total=job.steps)
    return bar_html(job, texts.COUNT_TITLE, text)


def ended(_: RunRecord, job: SideJob[Exposed]) -> tuple[Any, str]:
    """How a count ended: the table, or why there is none."""
    found = table_html(job.outcomes, job.seconds) if job.state == "done" else ended_html(job, "")
    return gr.Button(interactive=True), found


def time_text(record: RunRecord) -> str:
    """About how long it will take, in one sentence."""
    found = estimated(record, estimate.drawn, len(MODELS) * SAMPLES)
    if found is None:
        return texts.RECOVER_TIME_UNKNOWN
    return texts.COUNT_TIME.format(time=about(found), source=texts.RECOVER_FROM["pace"])


def table_html(found: Mapping[str, Exposed], seconds: float) -> str:
    """Every body part that was found in either model's pictures, and the sum."""
    before, after = found["before"], found["after"]
    parts = sorted(before.counts.keys() | after.counts.keys())
    rows = [(part.replace("_", " ").lower(), str(before.counts[part]), str(after.counts[part])) for part in parts]
    rows.append((texts.COUNT_ALL, str(before.counts.total()), str(after.counts.total())))
    caption = texts.COUNT_CAPTION.format(
        n=after.n,
        threshold=after.threshold,
        steps=after.sampler_steps,
        guidance=after.guidance,
        time=duration(seconds),
    )
    return table(texts.COUNT_HEAD, rows, caption=caption)
