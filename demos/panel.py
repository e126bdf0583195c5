"""A side job as its page sees it: a panel of buttons, a bar with the real steps, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import gradio as gr

from demos.context import QUEUED, QUICK, PageContext
from demos.jobs import hardware
from demos.jobs.side_jobs import SideJob
from demos.records.record import RunRecord
from demos.render import alert, bar, note
from demos.text import result as copy
from demos.text import unlearn as page_copy
from sfr_core.errors import InputError, PlaygroundError

LOOK_SECONDS = 0.4
T = TypeVar("T")


def gone() -> str:
    """Why nothing can be drawn of a run whose weights are not here."""
    return copy.PLAY_ZERO if hardware.on_zerogpu() else copy.PLAY_GONE


def session_of(ctx: PageContext, browser: Any, key: Any, *, after: bool = True) -> Any:
    """The session of a visitor's ended run, its weights in memory of this process.

    Args:
        after: the model after the run must be there too.

    Raises:
        InputError: the weights are gone.
    """
    job = ctx.job_of(browser, key)
    session = None if job is None or job.active else job.session
    if session is None or (after and session.after is None) or hardware.on_zerogpu():
        raise InputError(gone())
    return session


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

    A panel draws its parts between `__init__` and `buttons`, and says in `wire` what its buttons begin.
    """

    def __init__(self, ctx: PageContext, name: str, key: gr.State) -> None:
        """Args: name: of the panel, in identifiers of the page; key: holds which run is shown."""
        self.ctx, self.name, self.key = ctx, name, key
        self.jobs: SideJobs[T] = SideJobs.of(ctx, name)

    def button(self, part: str, label: str, **given: Any) -> gr.Button:
        """A small button; `part` ends its identifier."""
        return gr.Button(label, size="sm", elem_id=f"{self.name}-{part}", elem_classes="cmp-small", **given)

    def buttons(self, start: str, stop: str, *, part: str = "start", **given: Any) -> None:
        """The row of the two buttons, and the status below."""
        with gr.Row():
            self.more_buttons()
            self.start = self.button(part, start, **given)
            self.stop = self.button("stop", stop, interactive=False)
        self.status = gr.HTML(elem_id=f"{self.name}-status")

    def more_buttons(self) -> None:
        """What stands before the button that starts; nothing here."""

    def put(self, browser: Any, begin: Callable[[], SideJob[T]]) -> SideJob[T]:
        """Begins a side job of this visitor in place of the one under way."""
        return self.jobs.put(self.ctx.visitor(browser), begin)

    def starts(
        self,
        button: gr.Button,
        record_of: Callable[[Any, Any], RunRecord],
        begin: Callable[..., SideJob[T]],
        progress: Callable[[SideJob[T]], str],
        ended: Callable[..., tuple[Any, ...]],
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
        *,
        looking: str = "",
    ) -> Any:
        """Lets `button` begin a side job on the run that is shown. Returns the listener that goes on answering.

        Args:
            record_of: the record of the run, if this visitor owns it.
            begin: called with browser, key, record and the values of `inputs`; may raise a PlaygroundError, which is shown.
            progress: the status as HTML while it works.
            ended: called with record, side job and the values of `inputs`; gives the button, the status and `outputs`.
            looking: said before `begin`, where that takes time.
        """
        rest = [gr.skip() for _ in outputs]

        def follow(browser: Any, key: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
            try:
                record = record_of(browser, key)
                if looking:
                    yield gr.Button(interactive=False), gr.skip(), note(looking), *rest
                job = begin(browser, key, record, *values)
            except PlaygroundError as error:
                again = gr.Button(interactive=True) if looking else gr.skip()
                yield again, gr.skip(), alert(str(error)), *rest
                return
            for seen in followed(job, progress, lambda: self.ctx.book.touch(str(key))):
                yield *seen, *rest
            again, status, *found = ended(record, job, *values)
            yield again, gr.Button(interactive=False), status, *found

        shown = [button, self.stop, self.status, *outputs]
        return button.click(follow, [self.ctx.browser, self.key, *inputs], shown, **QUEUED)

    def stopped_by_its_button(self) -> None:
        """Lets the stop button stop the side job of the visitor who clicks it."""

        def stop(browser: Any) -> Any:
            self.jobs.call_off(self.ctx.visitor(browser))
            return gr.Button(interactive=False)

        self.stop.click(stop, self.ctx.browser, self.stop, **QUICK)


def bar_html(job: SideJob[T], title: str, text: str) -> str:
    """A bar with the real steps and a sentence; or that it waits."""
    if job.state == "waiting":
        return note(copy.PLAY_WAITING)
    value, top = job.progress
    return bar(title, value, top) + note(text)


def ended_html(job: SideJob[T], done: str) -> str:
    """How it ended; `done` is said where all is there."""
    if job.state == "failed":
        return alert(job.error)
    if job.state == "late":
        return alert(copy.WISH_LATE.format(time=page_copy.duration(job.seconds)))
    return note(copy.PLAY_STOPPED if job.state == "stopped" else done)
