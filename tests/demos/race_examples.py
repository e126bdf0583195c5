"""Races of the page with backends of a few lines, and a finished run's session as far as a row needs it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from demos.jobs.book import Job, JobBook, Limits
from sfr_core.errors import Diverged
from sfr_core.events import Cancelled, Event, Finished, PhaseStarted, Step
from sfr_core.plan import RunPlan
from sfr_core.runs.race_plan import plans_of
from sfr_core.zoo.shipped import card, open_dataset
from tests.demos.compare_examples import result as measured_result

ANN, BOB = "a" * 32, "b" * 32
MODEL = card("fashion-mnist-resnet")
METHODS = ("finetune", "salun", "scrub")


def plans(methods: tuple[str, ...] = METHODS, seeds: tuple[int, ...] = (0,), **wanted: Any) -> dict[str, RunPlan]:
    return plans_of({"forget": "class:Bag", **wanted}, methods, seeds, MODEL)


class Racing:
    """A book whose runs take STEPS steps, each let through by `let`; those of the method `failing` diverge at their second step."""

    STEPS = 3

    def __init__(self, *, failing: str = "", open_gate: bool = True, clock: Callable[[], float] = time.monotonic, **limits: float) -> None:  # fmt: skip
        self.gate, self.free, self.failing = threading.Semaphore(0), open_gate, failing
        self.book = JobBook(self._backend, limits=Limits(**limits), clock=clock)  # type: ignore[arg-type]
        self.made: list[tuple[str, int]] = []
        """Method and seed of each run, in the order in which they began."""

    def _backend(self, job: Job) -> Iterator[Event]:
        self.made.append((job.config.method, job.config.seed))
        job.session = SimpleNamespace(
            before={}, after={}, reports={}, dataset=open_dataset(MODEL), rollback=lambda: None, retrained=None
        )
        yield PhaseStarted(phase="unlearn", total=self.STEPS)
        for i in range(1, self.STEPS + 1):
            while not self.free and not job.cancel.cancelled and not self.gate.acquire(timeout=0.01):
                pass
            if job.cancel.cancelled:
                yield Cancelled(steps=i - 1, reason="deadline" if job.cancel.timed_out else "stopped")
                return
            if i == 2 and job.config.method == self.failing:
                raise Diverged("A loss is no longer finite.", hint="Lower the learning rate.")
            yield Step(i=i, total=self.STEPS, forget_loss=float(i), remain_loss=0.5, lr=0.1, seconds=0.5)
        yield Finished(steps=self.STEPS, result=measured_result(config=job.config.to_json()))

    def let(self, n: int = 1) -> None:
        for _ in range(n):
            self.gate.release()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.005)
