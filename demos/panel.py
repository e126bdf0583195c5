"""A wish as its page sees it: buttons, a bar with the real steps, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import gradio as gr

from demos.context import QUICK, PageContext
from demos.jobs import hardware
from demos.jobs.side_jobs import Wish
from demos.render import alert, bar, note
from demos.text import result as copy
from demos.text import unlearn as page_copy
from sfr_core.errors import InputError

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
    wish: Wish[T], progress: Callable[[Wish[T]], str], still: Callable[[], object]
) -> Iterator[tuple[Any, Any, str]]:
    """Values for the start button, the stop button and the status, until the wish has ended; who stops asking has stopped it.

    Args:
        progress: the status as HTML.
        still: called at every look: what the wish needs is still in use.
    """
    try:
        while wish.active:
            still()
            # Both buttons every time: a busy browser draws only the last of several answers, and Stop would stay as it was.
            yield gr.Button(interactive=False), gr.Button(interactive=not wish.cancel.cancelled), progress(wish)
            time.sleep(LOOK_SECONDS)
    finally:
        wish.cancel.cancel()  # nobody waits for it any more; harmless when it has ended


class Wishes(dict[str, Wish[T]]):
    """The wish that each visitor has under way, by visitor."""

    @classmethod
    def of(cls, ctx: PageContext, panel: str) -> Wishes[T]:
        """Those of one panel."""
        found: Wishes[T] = ctx.panels.setdefault(panel, cls())
        return found

    def put(self, visitor: str, wish: Wish[T]) -> None:
        """Takes in a new one; those that have ended are forgotten."""
        for name, one in list(self.items()):  # a copy: other visitors come and go meanwhile
            if not one.active:
                self.pop(name, None)
        self[visitor] = wish

    def call_off(self, visitor: str) -> None:
        """Stops a visitor's wish, if there is one."""
        wish = self.get(visitor)
        if wish is not None:
            wish.cancel.cancel()

    def stopped_by(self, button: gr.Button, ctx: PageContext) -> None:
        """Lets a button stop the wish of the visitor who clicks it."""

        def stop(browser: Any) -> Any:
            self.call_off(ctx.visitor(browser))
            return gr.Button(interactive=False)

        button.click(stop, ctx.browser, button, **QUICK)


def bar_html(wish: Wish[T], title: str, text: str) -> str:
    """A bar with the real steps and a sentence; or that it waits."""
    if wish.state == "waiting":
        return note(copy.PLAY_WAITING)
    value, top = wish.progress
    return bar(title, value, top) + note(text)


def ended_html(wish: Wish[T], done: str) -> str:
    """How a wish ended; `done` is said where it has all that was wished."""
    if wish.state == "failed":
        return alert(wish.error)
    if wish.state == "late":
        return alert(copy.WISH_LATE.format(time=page_copy.duration(wish.seconds)))
    return note(copy.PLAY_STOPPED if wish.state == "stopped" else done)
