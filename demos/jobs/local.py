"""What a job computes in this process, and what is refused before it waits. Torch is imported by the worker thread only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from demos.asked import asked
from demos.jobs import warm
from demos.jobs.job import Job
from sfr_core.catalog.retrain import RETRAIN
from sfr_core.configs import RunConfig
from sfr_core.errors import InputError
from sfr_core.events import Event
from sfr_core.kinds.registry import KINDS
from sfr_core.zoo import shipped as zoo

if TYPE_CHECKING:
    from sfr_core.runs.session import Retrained


def run_here(job: Job) -> Iterator[Event]:
    """The default backend: this process. Torch is imported here, by the worker thread, never by the page."""
    warm.load(diffusers=KINDS[zoo.card(job.config.model).kind].draws)
    from sfr_core.runs import runner
    from sfr_core.runs.session import Session

    session = Session.open(job.config, retrained=retrained_for(job))
    job.session = session
    job.config = session.config  # a model without pictures draws its own, and the run's files say so
    job.device = session.device_name
    yield from runner.run(session, cancel=job.cancel)


def retrained_for(job: Job) -> Retrained | None:
    """The gold standard that the job's owner made here for the same model and forget set, or None.

    A retraining has none itself: it would be compared with its own repetition.
    """
    from sfr_core.data.splits import parse_forget
    from sfr_core.runs.session import Retrained

    if job.config.method == RETRAIN:
        return None
    for old in job.retrainings:
        session, result = old.session, old.result
        # Freed or rolled back meanwhile, perhaps.
        weights = None if session is None else session.after
        if weights is None or result is None:
            continue
        if session.split.spec.text == parse_forget(job.config.forget, session.dataset.class_names).text:
            return Retrained(weights, result.seconds)
    return None


def check_config(config: RunConfig) -> None:
    """Answers bad input before anything waits in a queue; no torch, but for a generator of the Hub, which must fit into memory.

    Raises:
        InputError: unknown model, method, class, field, or a value out of range. HubError: a run that cannot fit here, whatever
            else has ended by then.
    """
    from sfr_core import catalog
    from sfr_core.data.splits import split_rows
    from sfr_core.zoo import shipped as zoo

    if config.forget.replace(" ", "").startswith("samples:@"):
        # A visitor's text must never name a file of the server.
        raise InputError("A file of row numbers cannot be named here.", hint="Give the row numbers themselves.")
    card = zoo.card(config.model)
    method = catalog.spec_of(config.method, card.kind)
    kind = KINDS[card.kind]
    method.config_cls.from_dict(config.settings).check_abilities(kind.abilities)
    run = asked(config)
    if run.prompts is None:
        split_rows(run.spec, run.dataset.train.labels)
    if "Restartable" in catalog.lacks(method, kind.id):
        raise InputError(
            "Retraining a generator takes hours, so this page does not start it.",
            hint="Compare with the retrained model that is shipped, or use the command line.",
        )
    if card.source == "hub":
        warm.load(diffusers=kind.draws)
        from sfr_core.hub.describe import check_memory
        from sfr_core.ops.device import pick_device

        check_memory(card, config, pick_device(config.device), waits=True)
