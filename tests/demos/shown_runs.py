"""Runs of visitors that a result shows, and what its buttons do, without a browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio.context import Context

from demos.context import PageContext
from demos.jobs.book import JobBook
from demos.panel import ShownRun
from tests.demos.compare_examples import config, planned

ANN, BOB = {"visitor": "a" * 32, "job": ""}, {"visitor": "b" * 32, "job": ""}
WITH_WEIGHTS = SimpleNamespace(before=None, after={})
"""A session as far as the page looks at it."""
PATIENCE = 60.0


def context(events: Callable[[], tuple[Any, ...]] = tuple) -> PageContext:
    """A page whose runs say `events` at once."""
    book = JobBook(lambda job: iter(events()))
    return PageContext(book=book, browser=gr.BrowserState({}), job=gr.State(""))


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.005)


def ended(job: Any) -> Any:
    """A run or a side job once it has ended."""
    until(lambda: not job.active)
    return job


def ran(ctx: PageContext, session: Any = None, **changes: Any) -> ShownRun:
    """Ann's run, which ended and left this session."""
    job = ended(ctx.book.submit(ANN["visitor"], planned(config(**changes))))
    job.session = session
    return ShownRun(ctx, "test", job.id)


def clicked(button: gr.Button) -> Callable[..., Any]:
    """What a click does."""
    assert Context.root_block is not None
    (found,) = [one.fn for one in Context.root_block.fns.values() if (button._id, "click") in one.targets]
    assert found is not None
    return found
