"""The backend inside a ZeroGPU Space: the same run, in a function that owns a GPU for a minute.

There the GPU function is a fork of this process that is kept for the next visitor. So the session is opened inside it and
goes with it; events, answers and changed weights come back pickled, on the CPU, and an equal session here takes them up.
Off ZeroGPU the decorator gives the function back unchanged, so this file is tested on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import spaces  # before torch: it refuses to be imported after CUDA has started

from demos.jobs.job import Job
from demos.jobs.local import retrained_for
from sfr_core.cancel import CancelToken
from sfr_core.events import Cancelled, Event, Finished, Step
from sfr_core.passes import planned, sizes
from sfr_core.plan import RunPlan

Sent = tuple[dict[str, Any], float, float | None]
"""Arrays by name, seconds and passes."""
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
def gpu_run(run: RunPlan, retrained: Sent | None = None) -> Iterator[tuple[str, Any]]:
    """Runs a plan on the GPU; `retrained` is a model that the visitor retrained.

    Yields:
        ("event", event), and before the last one ("state", what a session elsewhere needs to take the run up).
    """
    from sfr_core.runs import runner
    from sfr_core.runs.session import Retrained, Session, tensors_of

    reference = None if retrained is None else Retrained(tensors_of(retrained[0]), *retrained[1:])
    session = Session.of_plan(run, retrained=reference)
    last: Event | None = None
    for event in runner.run(session, cancel=CancelToken(LONGEST + 30.0)):
        if isinstance(event, Finished | Cancelled):
            last = event
            continue
        yield "event", event
    changed = {name: value.numpy() for name, value in session.changed_tensors().items()}
    yield (
        "state",
        {
            "changed": changed,
            "reports": dict(session.reports),
            "shown_before": session.shown_before,
            "device": session.device_name,
        },
    )
    yield "event", last


def run_there(job: Job) -> Iterator[Event]:
    """The backend (see demos.jobs.Backend): relays the events of `gpu_run`; stopping takes effect at its next event."""
    from sfr_core.runs.session import Session, tensors_of

    retrained = retrained_for(job)
    on_cpu = replace(job.plan, config=replace(job.config, device="cpu", precision="fp32"))
    here = Session.of_plan(on_cpu, retrained=retrained)
    job.session = here
    sent = None if retrained is None else (retrained.arrays(), retrained.seconds, retrained.passes)
    steps = 0
    remote = gpu_run(job.plan, sent)
    try:
        for kind, value in remote:
            if kind == "state":
                here.take_up(tensors_of(value["changed"]))
                here.reports.update(value["reports"])
                here.shown_before.update(value["shown_before"])
                job.device = value["device"]
                continue
            if isinstance(value, Finished):
                here.result = value.result
            steps = value.i if isinstance(value, Step) else steps
            yield value
            if job.cancel.cancelled and not isinstance(value, Finished | Cancelled):
                # The weights live in the other process and end with it: nothing partial can be kept.
                yield Cancelled(steps=steps, reason="deadline" if job.cancel.timed_out else "stopped")
                return
    finally:
        if hasattr(remote, "close"):
            remote.close()
