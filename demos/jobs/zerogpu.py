"""The backend inside a ZeroGPU Space: the same run, in a function that owns a GPU for a minute.

There the GPU function is a fork of this process that is kept for the next visitor (demos/jobs/remote.py). Off ZeroGPU the decorator
gives the function back unchanged, so this file is tested on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator

import spaces  # before torch: it refuses to be imported after CUDA has started

from demos.jobs.job import Job
from demos.jobs.remote import Message, Sent, opened_here, run_alone, take_up
from sfr_core.cancel import CancelToken
from sfr_core.events import Cancelled, Event, Finished, Step
from sfr_core.passes import planned, sizes
from sfr_core.plan import RunPlan

LONGEST = 60
"""Seconds asked for at most. The quota counts 1.5 times as much; an anonymous visitor has 120 s a day."""
SHORTEST = 20
PICTURES_PER_SECOND = 4000.0
"""A cautious lower bound for these small networks, from which the time to ask for follows."""


def seconds_needed(run: RunPlan, retrained: Sent | None = None) -> int:
    """GPU seconds to ask for: start-up and evaluation, then the run's own work, within SHORTEST and LONGEST."""
    work = planned(run) + 2 * sum(sizes(run))
    return int(min(LONGEST, max(SHORTEST, 15 + work / PICTURES_PER_SECOND)))


@spaces.GPU(duration=seconds_needed)  # type: ignore[untyped-decorator, unused-ignore]
def gpu_run(run: RunPlan, retrained: Sent | None = None) -> Iterator[Message]:
    """Runs a plan on the GPU; see `run_alone`."""
    yield from run_alone(run, retrained, CancelToken(LONGEST + 30.0))


def run_there(job: Job) -> Iterator[Event]:
    """The backend (see demos.jobs.Backend): relays the events of `gpu_run`; stopping takes effect at its next event."""
    steps = 0
    remote = gpu_run(job.plan, opened_here(job))
    try:
        for message in remote:
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
