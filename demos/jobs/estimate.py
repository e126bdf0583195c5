"""The expected time of a run on this machine, told by sfr_core/runs/expect.py; nothing is told before a pass was timed here."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from demos.jobs import hardware, warm
from demos.jobs.job import Job
from sfr_core.kinds import KINDS
from sfr_core.plan import RunPlan

if TYPE_CHECKING:
    from sfr_core.runs.expect import Expected
    from sfr_core.runs.session import Session

LOG = logging.getLogger(__name__)
LOADING = 60.0
"""Seconds that the background waits for torch before it loads it itself."""
PATIENCE = 1.0
"""Seconds between two looks whether the page is idle."""


def expect(run: RunPlan) -> Expected | None:
    """The expected time of a run; None while torch is not loaded, or where no pass of its model was timed here."""
    if not warm.loaded.is_set():
        return None
    from sfr_core.runs.expect import expected
    from sfr_core.runs.pace import paces

    return expected(run, paces())


def expect_race(runs: Sequence[RunPlan]) -> list[Expected] | None:
    """The same of the runs of a race, one after the other."""
    if not warm.loaded.is_set():
        return None
    from sfr_core.runs.expect import expected_race
    from sfr_core.runs.pace import paces

    return expected_race(runs, paces())


def _settled(run: RunPlan) -> bool:
    """Whether the passes of a run's model need not be timed; torch is loaded."""
    from sfr_core.runs.pace import paces

    return paces().settled(run)


def opened(session: Session, seconds: float) -> Expected | None:
    """The same at the begin of a run, whose model was opened in some seconds; passes are timed now where none were."""
    from sfr_core.runs import expect as core
    from sfr_core.runs.pace import paces

    return core.opened(session, seconds, paces())


def learn(job: Job) -> None:
    """Corrects the pace of the job's model by a run that went to its end."""
    if job.state != "finished" or job.expected is None or job.took is None or not job.times:
        return
    from sfr_core.runs.pace import paces

    opening = job.times[0]
    method = None if job.result is None else job.result.seconds
    ran = job.expected.ran(job.config.method, method=method, seconds=job.took - opening)
    paces().learn(job.plan, ran, opening)


def attack(run: RunPlan) -> float | None:
    """Expected seconds of a recovery attack on one model; None as `expect`."""
    if not warm.loaded.is_set():
        return None
    from sfr_core.runs.expect import attacking
    from sfr_core.runs.pace import paces

    return attacking(run, paces())


def drawn(run: RunPlan, n: int) -> float | None:
    """Expected seconds of drawing n pictures with one model; None as `expect`."""
    if not warm.loaded.is_set():
        return None
    from sfr_core.runs.expect import drawing
    from sfr_core.runs.pace import paces

    return drawing(run, paces(), n)


class Timing:
    """Times the models of some runs in the background, while no run waits or computes.

    Attributes:
        going: some are still to be timed.
    """

    going = False

    def start(self, runs: Sequence[RunPlan], slot: threading.Lock, busy: Callable[[], bool]) -> None:
        """Begins in a thread of its own.

        Args:
            slot: the compute slot. busy: whether a run waits or computes; then nothing is timed, for its sake and for ours.
        """
        self.going = True
        threading.Thread(target=self._later, args=(runs, slot, busy), name="timing", daemon=True).start()

    def _later(self, *given: Any) -> None:
        warm.loaded.wait(LOADING)  # the page answers first
        self.work(*given)

    def work(self, runs: Sequence[RunPlan], slot: threading.Lock, busy: Callable[[], bool]) -> None:
        """The same in this thread."""
        try:
            for run in runs:
                warm.load(diffusers=KINDS[run.card.kind].draws)
                while not _settled(run) and not self._timed(run, slot, busy):
                    time.sleep(PATIENCE)
        except Exception:
            LOG.exception("the models could not be timed")
        finally:
            self.going = False

    def _timed(self, run: RunPlan, slot: threading.Lock, busy: Callable[[], bool]) -> bool:
        if busy():
            return False
        from sfr_core.runs.session import Session

        with slot:
            started = time.monotonic()
            session = Session.of_plan(run)
            if busy():  # somebody came while it opened: that run times its own model
                return False
            opened(session, time.monotonic() - started)
        del session
        hardware.give_memory_back()
        return True
