"""One run from start to end as a stream of events: the method's own, live evaluation between its steps, the final record."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

import torch

from sfr_core.cancel import CancelToken
from sfr_core.errors import OutOfMemory
from sfr_core.evaluation import Answers, judge, report
from sfr_core.events import Cancelled, Evaluated, Event, Finished, MaskReady, PhaseProgress, PhaseStarted, Preview, Step
from sfr_core.metrics.divergence import avg_d
from sfr_core.ops.device import peak_bytes
from sfr_core.results import ClassifierRecord, RunResult
from sfr_core.session import Session, Who

LIVE_LOOKS = 20
"""Live evaluations in a run where the caller names no interval."""


def run(
    session: Session, *, cancel: CancelToken, live_every: int | None = None, evaluate: bool = True
) -> Iterator[Event]:
    """Runs the session's method on its model.

    Args:
        session: opened for one config; `after`, `reports` and `result` are filled in.
        cancel: asked between steps; a stopped run keeps its partial weights in `session.after`.
        live_every: steps between two live evaluations; default a twentieth of the run.
        evaluate: measure before, retrained and after at the end; without it Finished carries no result.

    Raises:
        Busy: the session is running. Diverged, OutOfMemory: the run failed. Whatever ends a run before its last event
            (another error, or a caller who closes the generator) rolls its weights back.
    """
    session.begin()
    ended = False
    try:
        with _seeded(session), closing(_run(session, cancel, live_every, evaluate)) as events:
            for event in events:
                ended = isinstance(event, Finished | Cancelled)
                yield event
    except BaseException as error:
        if not ended:  # who stops asking at the last event keeps the outcome
            session.rollback()
        if _is_out_of_memory(error):
            raise OutOfMemory(
                "The device has too little free memory for this run.", hint="Choose a smaller batch size or the CPU."
            ) from error
        raise
    finally:
        session.end()


@contextmanager
def _seeded(session: Session) -> Iterator[None]:
    """Dropout and stochastic depth draw from torch's global generator: the run's seed decides them too; put back at the end."""
    with torch.random.fork_rng([session.device] if session.device.type == "cuda" else []):
        torch.manual_seed(session.config.seed)
        yield


def _is_out_of_memory(error: BaseException) -> bool:
    """A GPU has an exception of its own; torch's CPU allocator speaks of it in a RuntimeError."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)


def _run(session: Session, cancel: CancelToken, live_every: int | None, evaluate: bool) -> Generator[Event, None, None]:
    if session.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(session.device)
    yield PhaseStarted(phase="prepare", total=0)
    yield from _look(session, 0)
    rng = torch.Generator().manual_seed(session.config.seed)
    method = session.method.run(session.task, session.method_config, rng=rng, cancel=cancel)
    seconds, steps, density = 0.0, 0, None
    while True:
        started = time.perf_counter()
        event: Event = next(method)
        # Only the method's own time counts: what the consumer and the live evaluations take is theirs.
        seconds += time.perf_counter() - started
        if isinstance(event, Finished | Cancelled):
            break
        yield event
        if isinstance(event, MaskReady):
            density = event.density
        if isinstance(event, Step):
            steps = event.i
            every = live_every or math.ceil(event.total / LIVE_LOOKS)
            if event.i % every == 0 or event.i == event.total:
                yield from _look(session, event.i)
    session.task.model.eval()
    session.keep()
    if isinstance(event, Finished) and evaluate:
        records = yield from _evaluate(session, steps, cancel)
        if records is None:
            event = Cancelled(steps=steps, reason="deadline" if cancel.timed_out else "stopped")
        else:
            session.result = _result(session, records, seconds, steps, density)
            event = Finished(steps=steps, result=session.result)
    yield event


def _look(session: Session, i: int) -> Iterator[Event]:
    yield Evaluated(i=i, when="live", record=session.task.evaluate_live())
    yield Preview(i=i, predictions=session.task.preview())


def _evaluate(
    session: Session, steps: int, cancel: CancelToken
) -> Generator[Event, None, dict[Who, ClassifierRecord] | None]:
    """Asks every model on every picture; None if it was stopped meanwhile."""
    order: tuple[Who, ...] = ("retrained", "twin", "before", "after")
    yield PhaseStarted(phase="evaluate", total=len(order))
    records: dict[Who, ClassifierRecord] = {}
    retrained: Answers | None = None
    for done, who in enumerate(order, 1):
        if cancel.cancelled:
            return None
        answers = session.answers(who)
        if who == "retrained":
            retrained = answers
        if answers is not None:
            records[who] = judge(answers, session.dataset, session.split, retrained)
            session.reports[who] = report(answers)
        yield PhaseProgress(phase="evaluate", done=done, total=len(order))
        if answers is not None and who != "twin":
            yield Evaluated(i=0 if who != "after" else steps, when=who, record=records[who])
    return records


def _result(
    session: Session, records: dict[Who, ClassifierRecord], seconds: float, steps: int, density: float | None
) -> RunResult:
    after, before, retrained = records["after"], records["before"], records.get("retrained")
    twin = records.get("twin")
    return RunResult(
        before=before,
        after=after,
        retrained=retrained,
        avg_d=None if retrained is None else avg_d(after, retrained),
        avg_d_before=None if retrained is None else avg_d(before, retrained),
        kl_floor=None if twin is None else twin.KL,
        seconds=seconds,
        retrain_seconds=None if retrained is None else session.card.retrain_seconds,
        steps=steps,
        mask_density=density,
        peak_memory_bytes=peak_bytes(session.device),
        device=f"{session.device_name}, {session.precision}",
        config=session.config.to_json(),
        versions={"python": platform.python_version(), "torch": torch.__version__},
    )
