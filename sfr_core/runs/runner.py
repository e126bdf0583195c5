"""One run from start to end as a stream of events: the method's own, live evaluation between its steps, the final record."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from functools import partial

import torch

from sfr_core import passes
from sfr_core.cancel import CancelToken
from sfr_core.errors import InputError
from sfr_core.events import (
    Cancelled,
    Evaluated,
    Event,
    Finished,
    Kept,
    MaskReady,
    PhaseProgress,
    PhaseStarted,
    Preview,
    Step,
)
from sfr_core.metrics.divergence import avg_d
from sfr_core.ops.device import memory_errors
from sfr_core.ops.memory import PeakMemory
from sfr_core.ops.ranks import rank, rank_seed
from sfr_core.results import ClassifierRecord, Record, RunResult
from sfr_core.runs.evaluate import Who, pictures_key, preview_of
from sfr_core.runs.evaluate import evaluate as measure
from sfr_core.runs.known import known
from sfr_core.runs.moments import Tally, goal_of
from sfr_core.runs.session import Session
from sfr_core.tasks.base import Previewed
from sfr_core.tasks.diffusion import DiffusionTask


def run(
    session: Session,
    *,
    cancel: CancelToken,
    live_every: int | None = None,
    evaluate: bool = True,
    keep_best: bool = False,
) -> Generator[Event, None, None]:
    """Runs the session's method on its model.

    Args:
        session: opened for one config; `after`, `reports` and `result` are filled in.
        cancel: asked between steps; a stopped run keeps its partial weights in `session.after`.
        live_every: steps between two live evaluations; default as many looks as the task says.
        evaluate: measure before, retrained and after at the end; without it Finished carries no result.
        keep_best: the outcome is the moment nearest to the retrained model by the live numbers, where there is one, not the last step.

    Raises:
        Busy: the session is running. Diverged, OutOfMemory: the run failed. Whatever ends a run before its last event
            (another error, or a caller who closes the generator) rolls its weights back.
    """
    session.begin()
    ended = False
    try:
        with (
            memory_errors("for this run"),
            _seeded(session),
            closing(_run(session, cancel, live_every, evaluate, keep_best)) as events,
        ):
            for event in events:
                ended = isinstance(event, Finished | Cancelled)
                yield event
    except BaseException:
        if not ended:  # who stops asking at the last event keeps the outcome
            session.rollback()
        raise
    finally:
        session.end()


@contextmanager
def _seeded(session: Session) -> Iterator[None]:
    """Dropout and stochastic depth draw from torch's global generator: the run's seed decides them too; put back at the end."""
    with torch.random.fork_rng([session.device] if session.device.type == "cuda" else []):
        torch.manual_seed(rank_seed(session.config.seed))
        yield


def _run(
    session: Session, cancel: CancelToken, live_every: int | None, evaluate: bool, keep_best: bool
) -> Generator[Event, None, None]:
    tally = session.tally = Tally()
    with PeakMemory(session.device) as memory:
        last = yield from _steps(session, tally, cancel, live_every)
    tally.peak_bytes = memory.bytes
    session.task.model.eval()
    session.keep()
    nearest = session.moments.nearest if keep_best and isinstance(last, Finished) else None
    if nearest is not None and nearest.step != tally.steps:
        session.take_moment(nearest.step)
        yield Kept(steps=nearest.step)
        last, tally = Finished(steps=nearest.step), session.tally
    if isinstance(last, Finished) and evaluate and rank() == 0:
        last = yield from _evaluate(session, tally, cancel)
    yield last


def _evaluate(session: Session, tally: Tally, cancel: CancelToken) -> Generator[Event, None, Finished | Cancelled]:
    """The phase `evaluate`; the last event is returned."""
    found = yield from measure(session.task, session, session.models(), steps=tally.steps, cancel=cancel)
    session.store(found)
    if found.stopped:
        return _cancelled(tally.steps, cancel)
    # A model that nobody can judge has no record, and then the run no result.
    session.result = _result(session, found.records, tally) if found.records else None
    return Finished(steps=tally.steps, result=session.result)


def evaluate_kept(session: Session, *, cancel: CancelToken) -> Iterator[Event]:
    """The phase `evaluate` of an outcome that is not measured yet: a stopped run that was kept, or a moment. The weights stay, whatever happens.

    Raises:
        InputError: there is no outcome. Busy: the session is running. OutOfMemory: it cannot be measured here.
    """
    if session.after is None:
        raise InputError("There are no weights to measure.", hint="Run to the end, or stop a run and keep it.")
    session.claim()
    try:
        with memory_errors("for this evaluation"):
            yield (yield from _evaluate(session, session.tally, cancel))
    finally:
        session.end()


def _steps(
    session: Session, tally: Tally, cancel: CancelToken, live_every: int | None
) -> Generator[Event, None, Finished | Cancelled]:
    """Preparation, mask and steps with their previews; the last event is returned."""
    ready = yield from _prepare(session, cancel)
    if not ready:
        return _cancelled(0, cancel)
    # Optimiser, masks and teachers go with the method's generator: pictures are drawn in what they took.
    with closing(_method(session, cancel)) as method:
        previews = session.task.previews
        while True:
            started = time.perf_counter()
            event: Event = next(method)
            # Only the method's own time counts: what the consumer and the live evaluations take is theirs.
            tally.seconds += time.perf_counter() - started
            if isinstance(event, Finished | Cancelled):
                return event
            yield event
            if isinstance(event, MaskReady):
                tally.mask_density = event.density
            if isinstance(event, Step):
                tally.steps, tally.total = event.i, event.total
                tally.forgetting += event.forget_loss is not None
                every = live_every or math.ceil(event.total / previews)
                if event.i % every == 0 or event.i == event.total:
                    shown = _look(session, cancel)
                    if shown is not None and shown.record is not None:
                        session.hold(shown.record)
                    yield from _shown(event.i, shown)


def _method(session: Session, cancel: CancelToken) -> Generator[Event, None, None]:
    rng = torch.Generator().manual_seed(rank_seed(session.config.seed))
    yield from session.method.run(session.task, session.method_config, rng=rng, cancel=cancel)


def _prepare(session: Session, cancel: CancelToken) -> Generator[Event, None, bool]:
    """The phase `prepare`; False if it was stopped. What a shipped model draws of itself is drawn once on a machine."""
    task, key = session.task, pictures_key(session.task, session)
    store = task.store if isinstance(task, DiffusionTask) else None
    found = None if key is None else known().get(key)
    if store is not None and found is not None:
        store.take(torch.from_numpy(found["held"]))
    total = task.preparation()
    yield PhaseStarted(phase="prepare", total=total)
    # Needs nothing prepared: people see what the model draws before they wait.
    yield from _shown(0, _first_preview(session, cancel))
    if rank() == 0 and session.moments.room and session.has("retrained"):
        session.moments.goal = goal_of(task, session, partial(session.reference, "retrained"), cancel)
    with closing(task.prepare()) as work:
        for done in work:
            yield PhaseProgress(phase="prepare", done=done, total=total)
            if cancel.cancelled:
                return False
    if store is not None and key is not None and found is None:
        known().put(key, {"held": store.held.cpu().numpy()})
    return True


def _first_preview(session: Session, cancel: CancelToken) -> Previewed | None:
    """The preview before the first step."""
    task = session.task
    if not isinstance(task, DiffusionTask) or rank() != 0:
        return _look(session, cancel)
    return preview_of(task, session, "before", lambda: None, cancel)


def _cancelled(steps: int, cancel: CancelToken) -> Cancelled:
    return Cancelled(steps=steps, reason="deadline" if cancel.timed_out else "stopped")


def _look(session: Session, cancel: CancelToken) -> Previewed | None:
    return session.task.preview(cancel) if rank() == 0 else None


def _shown(i: int, shown: Previewed | None) -> Iterator[Event]:
    if shown is not None:
        if shown.record is not None:
            yield Evaluated(i=i, when="live", record=shown.record)
        yield Preview(i=i, predictions=shown.predictions, sheet=shown.sheet)


def _result(session: Session, records: dict[Who, Record], tally: Tally) -> RunResult:
    after, before, retrained = records["after"], records["before"], records.get("retrained")
    second = records.get("second")
    return RunResult(
        before=before,
        after=after,
        retrained=retrained,
        avg_d=_gap(after, retrained),
        avg_d_before=_gap(before, retrained),
        kl_floor=second.KL if isinstance(second, ClassifierRecord) else None,
        seconds=tally.seconds,
        retrain_seconds=session.retrain_seconds,
        steps=tally.steps,
        mask_density=tally.mask_density,
        peak_memory_bytes=tally.peak_bytes,
        device=f"{session.device_name}, {session.precision}",
        config=session.used.to_json(),
        versions={"python": platform.python_version(), "torch": torch.__version__},
        passes=passes.made(session.plan, steps=tally.steps, forgetting=tally.forgetting, total=tally.total),
        retrain_passes=session.retrain_passes,
        copies=session.copies,
    )


def _gap(record: Record, retrained: Record | None) -> float | None:
    """Avg.D, which is defined for classifiers that have a retrained model."""
    if isinstance(record, ClassifierRecord) and isinstance(retrained, ClassifierRecord):
        return avg_d(record, retrained)
    return None
