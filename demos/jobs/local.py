"""What a job computes in this process, and what is refused before it waits. Torch is imported by the worker thread only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from demos.jobs import estimate, references, warm
from demos.jobs.job import Job
from sfr_core import catalog
from sfr_core.catalog.retrain import RETRAIN
from sfr_core.errors import InputError
from sfr_core.events import Event
from sfr_core.kinds import KINDS
from sfr_core.plan import RunPlan

if TYPE_CHECKING:
    from sfr_core.runs.session import Retrained


def run_here(job: Job) -> Iterator[Event]:
    """The default backend: this process. Torch is imported here, by the worker thread, never by the page."""
    started = time.monotonic()
    warm.load(diffusers=KINDS[job.plan.card.kind].draws)
    from sfr_core.runs import runner
    from sfr_core.runs.session import Session

    session = Session.of_plan(job.plan, retrained=retrained_for(job))
    job.session = session
    job.device = session.device_name
    job.expected = estimate.opened(session, time.monotonic() - started)
    yield from runner.run(session, cancel=job.cancel)


def evaluate_here(job: Job) -> Iterator[Event]:
    """Measures the kept weights of a stopped run, in this process."""
    from sfr_core.runs import runner

    yield from runner.evaluate_kept(job.session, cancel=job.cancel)


def retrained_for(job: Job) -> Retrained | None:
    """The retrained model that the job's owner uploaded or made here for the same model and forget set, or None.

    A retraining has none itself: it would be compared with its own repetition.
    """
    from sfr_core.runs.session import Retrained

    if job.config.method == RETRAIN:
        return None
    uploaded = references.of(job.plan)
    if uploaded is not None:
        return uploaded.retrained
    for old in job.retrainings:
        session, result = old.session, old.result
        # Freed or rolled back meanwhile, perhaps.
        weights = None if session is None else session.after
        if weights is None or result is None:
            continue
        if session.split.spec.text == job.plan.forget.spec.text:
            return Retrained(weights, result.seconds, result.passes)
    return None


def check_here(run: RunPlan) -> None:
    """Refuses what this page does not do, before anything waits in a queue.

    No torch, but for a generator of the Hub, which must fit into memory.

    Raises:
        InputError: a retraining of a generator. HubError: a run that cannot fit here, whatever else has ended by then.
    """
    card = run.card
    if "Restartable" in catalog.lacks(run.method, card.kind):
        raise InputError(
            "Retraining a generator takes hours, so this page does not start it.",
            hint="Compare with the retrained model that is shipped, or use the command line.",
        )
    if card.foreign:
        warm.load(diffusers=KINDS[card.kind].draws)
        from sfr_core.hub.describe import check_memory
        from sfr_core.ops.device import pick_device

        check_memory(card, run.config, pick_device(run.config.device), waits=True)
