"""A side job as its page sees it: a panel of buttons, a bar with the real steps, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import gradio as gr

from demos.context import QUEUED, QUICK, PageContext, say
from demos.guard import unforeseen
from demos.jobs import hardware
from demos.jobs.side_jobs import SideJob
from demos.records.imports import Imports
from demos.records.record import RunRecord, from_job
from demos.render import alert, bar, note
from demos.text import result as texts
from demos.text.unlearn import duration
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.plan import plan

LOOK_SECONDS = 0.4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShownRun:
    """The run that a result shows, by its key alone: handlers ask for it anew, so that no page holds its pictures and weights.

    Attributes:
        ctx: the page.
        prefix: start of every elem_id, so that results can stand on a page more than once.
        key: job id, or the token of an import.
        imports: runs from files that may be looked at here.
        keep: lets an event keep a moment of this run by its step; None where the page could not follow what comes then.
    """

    ctx: PageContext
    prefix: str
    key: str
    imports: Imports | None = None
    keep: Callable[[Callable[..., Any], str, int], None] | None = None

    def record(self, browser: Any) -> RunRecord:
        """The run, if it is this visitor's.

        Raises:
            gr.Error: it is not, or it is gone.
        """
        job = self.ctx.job_of(browser, self.key)
        if job is not None:
            return from_job(job)
        found = self.imports.get(self.ctx.visitor(browser), self.key) if self.imports else None
        if found is None:
            raise say(InputError(texts.NOT_YOURS, hint=texts.NOT_YOURS_HINT))
        return found

    def session(self, browser: Any, *, after: bool = True) -> Any:
        """The session of a visitor's ended run, its weights in memory of this process.

        Args:
            after: the model after the run must be there too.

        Raises:
            InputError: the weights are gone.
        """
        job = self.ctx.job_of(browser, self.key)
        session = None if job is None or job.active else job.session
        if session is None or (after and session.after is None) or hardware.on_zerogpu():
            raise InputError(gone())
        return session


def gone() -> str:
    """Why nothing can be drawn of a run whose weights are not here."""
    return texts.PLAY_ZERO if hardware.on_zerogpu() else texts.PLAY_GONE


def weights_here(record: RunRecord) -> bool:
    """Whether weights of a run may be in memory of this process."""
    return not record.imported and not hardware.on_zerogpu()


def estimated(record: RunRecord, estimating: Callable[..., float | None], *given: Any) -> float | None:
    """What `estimating` (`attack` or `drawn` of jobs/estimate.py) expects for a run, seconds; None where it cannot be known."""
    try:
        return estimating(plan(record.config), *given)
    except PlaygroundError:  # a model that is gone
        return None


def followed(
    job: SideJob[T], progress: Callable[[SideJob[T]], str], still: Callable[[], object]
) -> Iterator[tuple[Any, Any, str]]:
    """Values for the start button, the stop button and the status, until the side job has ended; who stops asking has stopped it.

    Args:
        progress: the status as HTML.
        still: called at every look: what it needs is still in use.
    """
    try:
        while job.active:
            still()
            # Both buttons every time: a busy browser draws only the last of several answers, and Stop would stay as it was.
            yield gr.Button(interactive=False), gr.Button(interactive=not job.cancel.cancelled), progress(job)
            time.sleep(LOOK_SECONDS)
    finally:
        job.cancel.cancel()  # nobody waits for it any more; harmless when it has ended


class SideJobs(dict[str, SideJob[T]]):
    """The side job that each visitor has under way, by visitor."""

    @classmethod
    def of(cls, ctx: PageContext, panel: str) -> SideJobs[T]:
        """Those of one panel."""
        found: SideJobs[T] = ctx.panels.setdefault(panel, cls())
        return found

    def put(self, visitor: str, begin: Callable[[], SideJob[T]]) -> SideJob[T]:
        """Stops what the visitor has under way, and begins something new; what others have ended is forgotten."""
        self.call_off(visitor)
        job = begin()
        for name, one in list(self.items()):  # a copy: other visitors come and go meanwhile
            if not one.active:
                self.pop(name, None)
        self[visitor] = job
        return job

    def call_off(self, visitor: str) -> None:
        """Stops a visitor's side job, if there is one."""
        job = self.get(visitor)
        if job is not None:
            job.cancel.cancel()


class Panel(Generic[T]):
    """Buttons that begin and stop one side job of each visitor, its bar, and its end.

    A panel draws its parts between `__init__` and `buttons`, and says in `starts` what its buttons begin.
    """

    def __init__(self, run: ShownRun, name: str) -> None:
        """Args: name: of the panel, in identifiers of the page."""
        self.run, self.ctx, self.name = run, run.ctx, f"{run.prefix}-{name}"
        self.jobs: SideJobs[T] = SideJobs.of(run.ctx, self.name)

    def button(self, part: str, label: str, **given: Any) -> gr.Button:
        """A small button; `part` ends its identifier."""
        return gr.Button(label, size="sm", elem_id=f"{self.name}-{part}", elem_classes="cmp-small", **given)

    def buttons(
        self, start: str, stop: str, *, able: bool, status: str = "", part: str = "start", **given: Any
    ) -> None:
        """The row of the two buttons, and the status below.

        Args:
            start, stop: the labels. able: whether a side job can begin. part: ends the identifier of the first button.
        """
        with gr.Row():
            self.more_buttons()
            self.start = self.button(part, start, interactive=able, **given)
            self.stop = self.button("stop", stop, interactive=False)
        self.status = gr.HTML(status, elem_id=f"{self.name}-status")

        def call_off(browser: Any) -> Any:
            self.jobs.call_off(self.ctx.visitor(browser))
            return gr.Button(interactive=False)

        self.stop.click(call_off, self.ctx.browser, self.stop, **QUICK)

    def more_buttons(self) -> None:
        """What stands before the button that starts; nothing here."""

    def put(self, browser: Any, begin: Callable[[], SideJob[T]]) -> SideJob[T]:
        """Begins a side job of this visitor in place of the one under way."""
        return self.jobs.put(self.ctx.visitor(browser), begin)

    def starts(
        self,
        button: gr.Button,
        begin: Callable[..., SideJob[T]],
        progress: Callable[[SideJob[T]], str],
        ended: Callable[..., tuple[Any, ...]],
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
        *,
        looking: str = "",
    ) -> None:
        """Lets `button` begin a side job on the run that is shown.

        Args:
            begin: called with browser, record and the values of `inputs`; may raise a PlaygroundError, which is shown.
            progress: the status as HTML while it works.
            ended: called with record, side job and the values of `inputs`; gives the button, the status and `outputs`.
            looking: said before `begin`, where that takes time.
        """
        rest = [gr.skip() for _ in outputs]

        def follow(browser: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
            try:
                record = self.run.record(browser)
                if looking:
                    yield gr.Button(interactive=False), gr.skip(), note(looking), *rest
                job = begin(browser, record, *values)
            except PlaygroundError as error:
                again = gr.Button(interactive=True) if looking else gr.skip()
                yield again, gr.skip(), alert(str(error)), *rest
                return
            except gr.Error:  # has its sentence already
                raise
            except Exception as error:
                yield gr.Button(interactive=True), gr.skip(), alert(unforeseen(error)), *rest
                return
            for seen in followed(job, progress, lambda: self.ctx.book.touch(self.run.key)):
                yield *seen, *rest
            again, status, *found = ended(record, job, *values)
            yield again, gr.Button(interactive=False), status, *found

        button.click(follow, [self.ctx.browser, *inputs], [button, self.stop, self.status, *outputs], **QUEUED)


def bar_html(job: SideJob[T], title: str, text: str) -> str:
    """A bar with the real steps and a sentence; or that it waits."""
    if job.state == "waiting":
        return note(texts.PLAY_WAITING)
    value, top = job.progress
    return bar(title, value, top) + note(text)


def ended_html(job: SideJob[T], done: str) -> str:
    """How it ended; `done` is said where all is there."""
    if job.state == "failed":
        return alert(job.error)
    if job.state == "late":
        return alert(texts.PLAY_LATE.format(time=duration(job.seconds)))
    return note(texts.PLAY_STOPPED if job.state == "stopped" else done)
