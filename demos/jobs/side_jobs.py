"""Side jobs: work on the models of a finished run, or a download, in a thread that holds a slot. No gradio, no torch."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from demos.server.uploads import no_room
from demos.text.result import PLAY_GONE
from demos.text.server import NO_ROOM
from sfr_core.cancel import CancelToken
from sfr_core.errors import InputError, PlaygroundError

LOG = logging.getLogger(__name__)
DEADLINE = 30 * 60.0
"""Seconds that a side job may compute where nothing else is said; a run may as long."""
T = TypeVar("T")
Worker: TypeAlias = Callable[[str], Iterator[int | T]]
"""Works with one model: yields the steps done, and last its outcome."""
Slot: TypeAlias = "threading.Lock | threading.BoundedSemaphore"
LOOK_SECONDS = 0.2


@dataclass(slots=True)
class SideJob(Generic[T]):
    """One side job as it stands; its thread writes, the page reads.

    Attributes:
        models: with whom it works, in this order.
        steps: steps with each model.
        state: "waiting" for the compute slot, "working", or how it ended.
        model, done: with whom it works now, and how many steps are done.
        computed: models with whom it had any step to do; the outcome of others was known.
        outcomes: by model, once all are there.
        seconds: time it took, waiting left out.
        error: one sentence where it failed.
    """

    models: tuple[str, ...]
    steps: int
    cancel: CancelToken
    state: Literal["waiting", "working", "done", "stopped", "late", "failed"] = "waiting"
    model: str = ""
    done: int = 0
    computed: int = 0
    outcomes: dict[str, T] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""

    @property
    def active(self) -> bool:
        """True until it has ended."""
        return self.state in ("waiting", "working")

    @property
    def progress(self) -> tuple[int, int]:
        """Steps done and to do, over all models."""
        at = self.models.index(self.model) if self.model in self.models else 0
        return at * self.steps + self.done, len(self.models) * self.steps


def start(
    slot: Slot,
    worker: Worker[T],
    models: Sequence[str],
    steps: int,
    *,
    deadline: float = DEADLINE,
    advice: str = "Try again.",
) -> SideJob[T]:
    """Works with each of `models` in turn, in a thread; the slot is given back whatever happens.

    Args:
        deadline: seconds that it may compute ("late" where they are over).
        advice: what to do where it fails for an unknown reason.
    """
    job: SideJob[T] = SideJob(tuple(models), steps, CancelToken())
    arguments = (job, slot, worker, deadline, advice)
    threading.Thread(target=_work, args=arguments, name="side-job", daemon=True).start()
    return job


def threaded(work: Callable[[CancelToken], T], done: Callable[[], int]) -> Worker[T]:
    """A worker of what cannot yield: it works in one more thread, and is told to end when nobody waits for it any more.

    Args:
        work: asks its token between two pieces. done: steps that it has done.
    """

    def worker(_: str) -> Iterator[int | T]:
        token = CancelToken()
        with ThreadPoolExecutor(1) as pool:
            going = pool.submit(work, token)
            try:
                while not wait([going], LOOK_SECONDS).done:
                    yield done()
            finally:
                token.cancel()  # harmless once it has ended
            yield going.result()

    return worker


def _work(job: SideJob[T], slot: Slot, worker: Worker[T], deadline: float, advice: str) -> None:
    while not slot.acquire(timeout=0.2):
        if job.cancel.cancelled:
            job.state = "stopped"
            return
    started = time.monotonic()
    outcomes: dict[str, T] = {}
    end: Literal["done", "stopped", "late", "failed"] = "failed"
    try:
        job.state = "working"
        for model in job.models:
            job.model, job.done = model, 0
            for item in worker(model):
                if not isinstance(item, int):
                    outcomes[model] = item
                    job.computed += job.done > 0
                    break
                job.done = item
                if job.cancel.cancelled:
                    end = "stopped"
                    return
                if time.monotonic() - started > deadline:
                    end = "late"
                    return
        job.outcomes, end = outcomes, "done"
    except Exception as error:
        job.error = failure(
            error, memory=f"There is too little free memory for this. {advice}", what="This", advice=advice
        )
    finally:
        job.seconds = time.monotonic() - started
        slot.release()
        job.state = end


def _torch_has_no_memory(error: Exception) -> bool:
    """Asked only where torch is loaded: what fails before that is no want of a device's memory, and must not wait for torch."""
    from sfr_core.ops.device import is_out_of_memory

    return is_out_of_memory(error)


def failure(error: Exception, *, what: str, advice: str, memory: str) -> str:
    """One sentence on why work in a thread failed; what nobody foresaw is logged. Runs and side jobs say it alike.

    Args:
        what: failed. advice: what to do then. memory: the whole sentence where memory was short.
    """
    if isinstance(error, PlaygroundError):
        return str(error)
    if isinstance(error, MemoryError) or ("torch" in sys.modules and _torch_has_no_memory(error)):
        return memory
    if no_room(error):
        return NO_ROOM
    LOG.error("%s failed", what, exc_info=error)
    return f"{what} failed unexpectedly ({type(error).__name__}). {advice}"


def model_of(session: Any, who: str) -> Any:
    """A copy of one of a run's models, to work with while the visitor may roll the live one back.

    Raises:
        InputError: it was rolled back before; the live model is another one now.
    """
    model = session.reference(who)
    if model is None:
        raise InputError(PLAY_GONE)
    return model
