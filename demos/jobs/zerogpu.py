"""The backend inside a ZeroGPU Space: the same run, in a function that owns a GPU for a minute.

There the GPU function is a fork of this process that is kept for the next visitor (demos/jobs/remote.py). Off ZeroGPU the decorator
gives the function back unchanged, so this file is tested on any machine.

Such a fork waits for its next visitor for ever, also when the server was killed: so it looks itself whether its server is still there.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from functools import cache

import spaces  # before torch: it refuses to be imported after CUDA has started

from demos.jobs.job import Job
from demos.jobs.remote import Message, Sent, opened_here, run_alone, take_up
from demos.text import unlearn as texts
from sfr_core.cancel import CancelToken
from sfr_core.errors import PlaygroundError, RunError, quoted
from sfr_core.events import Cancelled, Event, Finished, Step
from sfr_core.passes import planned, sizes
from sfr_core.plan import RunPlan

LONGEST = 60
"""Seconds asked for at most. The quota counts 1.5 times as much; an anonymous visitor has 120 s a day."""
SHORTEST = 20
SERVER = os.getpid()
LOOK_SECONDS = 1.0
"""Between two looks of a fork at its server."""
WAIT = re.compile(r"\s*Try again in (?:(\d+) days?, )?(\d+):(\d\d):(\d\d)(?:\.\d+)?\.?")
"""How `spaces` says when the quota is there again."""
MESSAGE = 300
"""Characters of what the Space says that are passed on."""
PICTURES_PER_SECOND = 4000.0
"""A cautious lower bound for these small networks, from which the time to ask for follows."""


def seconds_needed(run: RunPlan, retrained: Sent | None = None) -> int:
    """GPU seconds to ask for: start-up and evaluation, then the run's own work, within SHORTEST and LONGEST."""
    work = planned(run) + 2 * sum(sizes(run))
    return int(min(LONGEST, max(SHORTEST, 15 + work / PICTURES_PER_SECOND)))


@spaces.GPU(duration=seconds_needed)  # type: ignore[untyped-decorator, unused-ignore]
def gpu_run(run: RunPlan, retrained: Sent | None = None) -> Iterator[Message]:
    """Runs a plan on the GPU; see `run_alone`.

    Yields:
        Beside those messages ("failed", (message, hint)) for an error that has its sentence: of an exception `spaces` passes on the name alone.
    """
    if os.getpid() != SERVER:
        end_with_server()
    try:
        yield from run_alone(run, retrained, CancelToken(LONGEST + 30.0))
    except PlaygroundError as error:
        yield "failed", (error.message, error.hint)


@cache
def end_with_server() -> None:
    """Lets this process end when the one that it was forked from has ended; once in a process."""
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        os._exit(0)

    threading.Thread(target=look, name="end-with-server", daemon=True).start()


def run_there(job: Job) -> Iterator[Event]:
    """The backend (see demos.jobs.Backend): relays the events of `gpu_run`; stopping takes effect at its next event.

    Raises:
        RunError: what the Space says, or the run there.
    """
    steps = 0
    remote = gpu_run(job.plan, opened_here(job))
    try:
        for message in told(remote):
            event = take_up(job, message)
            if event is None:
                continue
            steps = event.i if isinstance(event, Step) else steps
            yield event
            if job.cancel.cancelled and not isinstance(event, Finished | Cancelled):
                # The weights live in the other process and end with it: nothing partial can be kept.
                yield Cancelled(steps=steps, reason="deadline" if job.cancel.timed_out else "stopped")
                return
    finally:
        if hasattr(remote, "close"):
            remote.close()


def told(remote: Iterator[Message]) -> Iterator[Message]:
    """The messages of a run there, with every failure as an error that has its sentence.

    Raises:
        RunError: as `run_there`.
    """
    try:
        for message in remote:
            if message[0] == "failed":
                raise RunError(message[1][0], hint=message[1][1])
            yield message
    except PlaygroundError:
        raise
    except Exception as error:
        said = said_by_space(error)
        if said is None:
            raise
        raise said from None


def said_by_space(error: Exception) -> RunError | None:
    """What `spaces` says to the visitor, as an error with a title; None of any other error.

    Where it names the time at which the quota is there again, the hint says it in words.
    """
    title, message = getattr(error, "title", None), getattr(error, "message", None)
    if not isinstance(title, str) or not isinstance(message, str):
        return None
    text = re.sub(r"<[^>]*>", "", str(message))  # str: of a message with links `spaces` gives the plain text
    found, hint = WAIT.search(text), texts.ZERO_LATER
    if found is not None:
        text = WAIT.sub("", text)
        days, hours, minutes, seconds = (int(digits or 0) for digits in found.groups())
        wait = 60 * (60 * (24 * days + hours) + minutes) + seconds
        hint = texts.ZERO_BACK.format(time=texts.about(wait))
    said = quoted(" ".join(text.split()), MESSAGE).rstrip(". ")
    return RunError(texts.ZERO_LOST.format(title=title, message=f"{said}."), hint=hint)
