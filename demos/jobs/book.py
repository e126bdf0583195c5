"""A run as a job: queue, one compute slot, event log, stop, deadline, limits, eviction. Knows neither gradio nor torch.

A page never holds a run: it holds an id, reads `Job.log` from any index and may come back after a reload. What computes is
a `Backend`, a function from a job to its events, so that tests give a small one of their own and ZeroGPU another.
"""

from __future__ import annotations

import contextvars
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from demos.jobs.hardware import give_memory_back
from demos.jobs.job import Backend, Job, Limits, State, session_bytes
from demos.jobs.local import check_here, evaluate_here, run_here
from demos.jobs.races import Races
from demos.jobs.side_jobs import failure
from demos.jobs.turns import Turns
from sfr_core.cancel import CancelToken
from sfr_core.catalog.retrain import RETRAIN
from sfr_core.errors import Busy, InputError
from sfr_core.events import Cancelled, Event, Finished, Kept
from sfr_core.plan import RunPlan

if TYPE_CHECKING:
    from sfr_core.runs.expect import Expected

LOG = logging.getLogger(__name__)
__all__ = ["Backend", "Job", "JobBook", "Limits", "run_here"]


class JobBook:
    """All jobs of one process.

    Args:
        backend: what computes.
        evaluate: what measures the kept weights of a stopped run.
        limits: see Limits.
        clock: seconds that nobody sets back or forward; tests move it by hand.
        expect: the expected time of a run that is submitted.
        expect_race: the same of all runs of a race.
        on_end: told of every job that ran, when it has ended.
        workers: jobs that compute at a time. elsewhere: whether a job computes on another machine, and so needs no slot here.
    """

    def __init__(
        self,
        backend: Backend = run_here,
        *,
        evaluate: Backend = evaluate_here,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        expect: Callable[[RunPlan], Expected | None] = lambda run: None,
        expect_race: Callable[[Sequence[RunPlan]], list[Expected] | None] = lambda runs: None,
        on_end: Callable[[Job], None] | None = None,
        workers: int = 1,
        elsewhere: Callable[[Job], bool] = lambda job: False,
    ) -> None:
        self.limits, self.workers = limits or Limits(), workers
        self.slot = threading.Lock()
        """The compute slot: whoever trains or evaluates in this process holds it."""
        self._evaluate, self._elsewhere = evaluate, elsewhere
        self._backend, self._clock, self._expect, self._on_end = backend, clock, expect, on_end
        self._jobs: dict[str, Job] = {}
        self._turns = Turns(self.limits, clock)
        self._lock = threading.RLock()
        self._wake = threading.Condition(self._lock)
        self._freed = threading.Event()
        self._threads: list[threading.Thread] = []
        self.races = Races(
            self._lock, clock, admit=self._admit, queue=self._new, stop=self.stop, touch=self.touch, expect=expect_race
        )

    def submit(self, visitor: str, run: RunPlan, address: str = "") -> Job:
        """Queues a run.

        Args:
            address: of the visitor's machine, "" where it is not known.

        Raises:
            InputError: this page does not do it. Busy: a limit of this page is reached.
        """
        check_here(run)
        expected = self._expect(run)
        self.sweep()  # what nobody looks at any more takes no place
        with self._lock:
            self._admit(visitor, address)
            job = self._new(visitor, run, address, expected)
        self.sweep()
        return job

    def _admit(self, visitor: str, address: str) -> None:
        """Whether a visitor may have one more run wait; the caller holds the lock.

        Raises:
            Busy: a limit of this page is reached.
        """
        if sum(job.active for job in self._jobs.values() if job.visitor == visitor) >= self.limits.active_per_visitor:
            raise Busy(
                f"You already have {self.limits.active_per_visitor} runs waiting or running.",
                hint="Stop one of them or wait until it ends.",
            )
        self._turns.admit(address)

    def _new(self, visitor: str, run: RunPlan, address: str, expected: Expected | None) -> Job:
        """A job that waits; the caller holds the lock."""
        ended = [job for job in self._jobs.values() if job.visitor == visitor and not job.active]
        for old in ended[: max(0, len(ended) + 1 - self.limits.kept_per_visitor)]:
            del self._jobs[old.id]
        job = Job(secrets.token_hex(16), visitor, run, created=time.time(), expected=expected, address=address)
        job.seen = self._clock()
        self._jobs[job.id] = job
        self._put(job)
        return job

    def _put(self, job: Job) -> None:
        """Queues a job; the caller holds the lock."""
        # The context carries the visitor's request, by which ZeroGPU counts its quota.
        self._turns.put(job, contextvars.copy_context())
        if not self._threads:
            threading.Thread(target=self._tick, name="jobs-sweep", daemon=True).start()
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        while len(self._threads) < self.workers:
            self._threads.append(threading.Thread(target=self._work, name="jobs", daemon=True))
            self._threads[-1].start()
        self._wake.notify()

    def get(self, job_id: str) -> Job | None:
        """The job of this id, whoever owns it; pages ask `owned` instead."""
        with self._lock:
            return self._jobs.get(job_id)

    def owned(self, visitor: str, job_id: str) -> Job | None:
        """The job of this id if `visitor` owns it."""
        job = self.get(job_id)
        return job if job is not None and visitor and secrets.compare_digest(job.visitor, visitor) else None

    def runs(self, visitor: str) -> list[Job]:
        """This visitor's jobs, newest first."""
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if job.visitor == visitor]

    def now(self) -> float:
        """The book's clock, by which jobs start and end."""
        return self._clock()

    def place(self, job_id: str) -> int:
        """0 when it runs or has ended, otherwise its place in the queue, from 1."""
        with self._lock:
            return next((place for place, job in enumerate(self._turns.order(), 1) if job.id == job_id), 0)

    def before(self, job_id: str) -> list[Job]:
        """The jobs that compute before one that waits: the running one, and those ahead of it in the queue."""
        with self._lock:
            running = [job for job in self._jobs.values() if job.state == "running"]
            waiting = list(self._turns.order())
        at = next((i for i, job in enumerate(waiting) if job.id == job_id), 0)
        return [*running, *waiting[:at]]

    @property
    def busy(self) -> bool:
        """Whether a run computes or waits."""
        with self._lock:
            return any(job.active for job in self._jobs.values())

    def touch(self, job_id: str) -> None:
        """Somebody looks at this job now."""
        job = self.get(job_id)
        if job is not None:
            job.seen = self._clock()

    def stop(self, job_id: str) -> None:
        """Asks a job to end: at once while it waits, within one step while it runs. Harmless on an ended job."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or not job.active:
                return
            job.stopping = True
            job.cancel.cancel()
            if self._turns.remove(job):
                if job.settled != "kept":  # such a one has ended once, and only its evaluation waited
                    job.log.append(Cancelled(steps=0))
                self._end(job, "cancelled")

    def keep(self, job_id: str) -> None:
        """Keeps the partial weights of a stopped run, and queues their evaluation; in the end the job is again one that was stopped."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or job.state != "cancelled" or job.settled:
                return
            job.settled = "kept"
            if job.session is not None and job.session.after is not None:
                self._measure(job)

    def keep_moment(self, job_id: str, step: int) -> None:
        """Makes a held moment of an ended run its outcome, and queues the evaluation.

        Raises:
            InputError: the run has not ended, or its weights or those of the moment are gone. Busy: somebody uses the weights.
        """
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or job.active or job.session is None:
                raise InputError("The weights of this run are not here.", hint="Run it again.")
            job.session.keep_moment(step)
            job.settled, job.result = "kept", None
            job.log.append(Kept(steps=step))
            self._measure(job)

    def _measure(self, job: Job) -> None:
        """Queues the evaluation of an ended job's outcome; the caller holds the lock."""
        job.seen, job.spent = self._clock(), (job.ended or 0.0) - (job.started or 0.0)
        job.state, job.started, job.ended, job.cancel = "queued", None, None, CancelToken()
        job.error = None
        self._put(job)

    def rollback(self, job_id: str) -> None:
        """Puts the weights of before the run back; a running job must be stopped first.

        Raises:
            InputError: it still runs, or its weights have been freed.
        """
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                raise InputError("This run is no longer known here.", hint="Start it again.")
            if job.active:
                raise InputError("This run has not ended yet.", hint="Stop it first.")
            if job.session is None and job.started is not None:
                raise InputError("The weights of this run have been freed.", hint="Start it again.")
            if job.session is not None:
                job.session.rollback()
            job.settled = "rolled back"

    def free(self, job_id: str) -> None:
        """Drops the weights of an ended job; its log and result stay."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is not None and not job.active and job.session is not None:
                job.session, job.freed = None, True
                self._freed.set()

    def delete(self, visitor: str, job_id: str) -> None:
        """Forgets an ended job with its weights, log and result.

        Raises:
            InputError: it is not this visitor's, or it has not ended.
        """
        with self._lock:
            job = self.owned(visitor, job_id)
            if job is None:
                raise InputError("This run is no longer known here.", hint="Choose another one.")
            if job.active:
                raise InputError("This run has not ended yet.", hint="Stop it first.")
            del self._jobs[job_id]
            self._freed.set()

    def weights(self) -> int:
        """Bytes held by the sessions of all jobs."""
        with self._lock:
            return sum(session_bytes(j.session) for j in self._jobs.values())

    def sweep(self, *, spare_newest: bool = True) -> None:
        """Stops what nobody looks at, frees what is idle, and keeps the sum of the weights under its limit.

        Args:
            spare_newest: the run that ended last stays whatever its size, so that it can be looked at until the next one begins.
        """
        now = self._clock()
        with self._lock:
            for job in list(self._jobs.values()):
                # Waiting took the time in which one that runs could have been looked at.
                most = self.limits.unseen_waiting if self.races.waits(job) else self.limits.unseen
                if job.active and now - self.races.seen(job) > most:
                    race = self.races.of(job)
                    if race is not None:
                        self.races.stop(race)
                    self.stop(job.id)
                elif not job.active and now - job.seen > self.limits.idle:
                    self.free(job.id)
            held = sorted((j for j in self._jobs.values() if not j.active and j.session), key=lambda j: j.seen)
            newest = max(held, key=lambda j: j.ended or 0.0, default=None) if spare_newest else None
            for job in held:
                if job is newest:
                    continue
                if self.weights() <= self.limits.weights:
                    break
                self.free(job.id)
            ended = sorted((j for j in self._jobs.values() if not j.active), key=lambda j: j.seen)
            for job in ended[: max(0, len(ended) - self.limits.kept)]:
                del self._jobs[job.id]

    def _tick(self) -> None:
        while True:
            time.sleep(15)
            try:
                self.sweep()
                if self._freed.is_set():
                    self._give_back()
            except Exception:
                LOG.exception("sweep failed")

    def _give_back(self) -> None:
        self._freed.clear()
        give_memory_back()

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._turns:
                    self._wake.wait()
                job, context = self._turns.next()
                job.state, job.started = (
                    "running",
                    self._clock() - job.spent,
                )  # without the time in which it was stopped
                self.races.began(job)
                # Counted from the start, not from the queue.
                token = CancelToken(self.limits.deadline)
                if job.cancel.cancelled:
                    token.cancel()
                job.cancel = token
                job.retrainings = self._retrainings(job)
            self.sweep(spare_newest=False)
            began = self._clock()
            context.run(self._run, job)
            with self._lock:
                self._turns.ended(job, self._clock() - began)
            self.sweep()
            self._give_back()

    def _run(self, job: Job) -> None:
        state: State = "failed"
        untouched, kept = False, job.settled == "kept"
        whole = kept and not any(isinstance(event, Cancelled) for event in job.log)
        events: Iterator[Event] | None = None
        try:
            with self.slot if kept or not self._elsewhere(job) else nullcontext():
                events = self._evaluate(job) if kept else self._backend(job)
                for event in events:
                    job.times.append(self._clock() - (job.started or 0.0))
                    job.log.append(event)
                    if isinstance(event, Finished):
                        job.result, state = event.result, "finished"
                    elif isinstance(event, Cancelled):
                        state = "cancelled"
                        untouched = event.steps == 0
            if state == "failed":
                job.error = "The run ended without a result. Start it again."
        except Exception as error:
            state = "failed"
            job.error = failure(
                error,
                what="The run",
                advice="Start it again or choose other settings.",
                memory="There is too little memory for this run. Choose a smaller batch size.",
            )
        finally:
            try:
                if events is not None and hasattr(events, "close"):
                    events.close()
                if kept:  # whatever became of the evaluation
                    state, untouched = "finished" if whole and state == "finished" else "cancelled", False
                if (state == "failed" or untouched) and job.session is not None:
                    job.session.rollback()
                if untouched:  # there is no choice between the weights before and after
                    job.settled = "rolled back"
            except Exception:
                LOG.exception("job %s could not be rolled back", job.id[:8])
            with self._lock:
                self._end(job, state)
        # What another machine took says nothing about this one.
        if self._on_end is not None and not kept and not self._elsewhere(job):
            try:
                self._on_end(job)
            except Exception:
                LOG.exception("on_end failed for job %s", job.id[:8])

    def _retrainings(self, job: Job) -> tuple[Job, ...]:
        return tuple(
            old
            for old in self.runs(job.visitor)
            if old.state == "finished" and old.session is not None
            and (old.config.method, old.config.model) == (RETRAIN, job.config.model)
        )  # fmt: skip

    def _end(self, job: Job, state: State) -> None:
        job.state, job.ended, job.stopping = state, self._clock(), False
        job.retrainings = ()
        self.races.ended(job, state)
        if state == "failed":
            job.session = None
