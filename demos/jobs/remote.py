"""A run in another process: what goes there, what comes back, and how an equal session here takes it up.

There the session is opened, and it ends with the run; events, answers and changed weights come back pickled, on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from demos.jobs.job import Job
from demos.jobs.local import retrained_for
from sfr_core.cancel import CancelToken
from sfr_core.events import Cancelled, Event, Finished
from sfr_core.plan import RunPlan

if TYPE_CHECKING:
    from sfr_core.runs.session import Session

Sent = tuple[dict[str, Any], float | None, float | None]
"""Arrays by name, seconds and passes."""
Message = tuple[str, Any]
"""("event", event), and before the last one ("state", what a session elsewhere needs to take the run up)."""


def run_alone(run: RunPlan, retrained: Sent | None, cancel: CancelToken) -> Iterator[Message]:
    """Makes a run in this process, which knows nothing of the page; `retrained` is a model that the visitor retrained."""
    from sfr_core.runs import runner
    from sfr_core.runs.session import Retrained, Session, tensors_of

    reference = None if retrained is None else Retrained(tensors_of(retrained[0]), *retrained[1:])
    session = Session.of_plan(run, retrained=reference)
    last: Event | None = None
    for event in runner.run(session, cancel=cancel):
        if isinstance(event, Finished | Cancelled):
            last = event
            continue
        yield "event", event
    yield "state", _state(session)
    yield "event", last


def _state(session: Session) -> dict[str, Any]:
    changed = {} if session.after is None else session.changed_tensors()
    return {
        "tally": session.tally,
        "changed": {name: value.numpy() for name, value in changed.items()},
        "reports": dict(session.reports),
        "shown_before": session.shown_before,
        "device": session.device_name,
    }


def opened_here(job: Job) -> Sent | None:
    """Gives the job a session here, on the CPU in 32 bits; returns what its owner retrained, to be sent with the run."""
    from sfr_core.runs.session import Session

    retrained = retrained_for(job)
    on_cpu = replace(job.plan, config=replace(job.config, device="cpu", precision="fp32"))
    job.session = Session.of_plan(on_cpu, retrained=retrained)
    return None if retrained is None else (retrained.arrays(), retrained.seconds, retrained.passes)


def take_up(job: Job, message: Message) -> Event | None:
    """What a message says to the job's session here; returns the event of one that is an event."""
    from sfr_core.runs.session import tensors_of

    kind, value = message
    if kind == "state":
        here = job.session
        here.take_up(tensors_of(value["changed"]))
        here.tally = value["tally"]
        here.reports.update(value["reports"])
        here.shown_before.update(value["shown_before"])
        job.device = value["device"]
        return None
    if isinstance(value, Finished):
        job.session.result = value.result
    event: Event = value
    return event
