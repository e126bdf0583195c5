"""A race of one visitor as the page knows it: one run after the other, each a job of the book. Knows neither gradio nor torch.

Only one run of a race waits or computes at a time, and each takes its turn as any other run does, so that a long race keeps nobody waiting for
longer than one of its runs. All else follows from its runs being jobs: Ray's workers and ZeroGPU make them, and their weights are kept and freed alike.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from demos.jobs.job import Job, State
from demos.jobs.local import check_here
from demos.text.live import RACE_DEADLINE
from sfr_core.errors import InputError
from sfr_core.events import Cancelled
from sfr_core.plan import RunPlan
from sfr_core.runs.race_plan import command_of
from sfr_core.runs.race_record import Race, RaceRow
from sfr_core.runs.race_rows import STOPPED, ended_row, result_row, why
from sfr_core.zoo.shipped import shareable

if TYPE_CHECKING:
    from sfr_core.runs.expect import Expected

LOG = logging.getLogger(__name__)
MOST = 18
"""Runs of one race on the page: six methods with three seeds."""
OF_VISITOR, OF_ALL = 5, 100
"""Ended races that stay known: of one visitor, and of all; older ones are forgotten."""
RaceState = Literal["queued", "running", "finished", "cancelled"]


@dataclass(slots=True, eq=False)
class RaceJob:
    """One race of one visitor. Only JobBook and its workers write to it; pages read.

    Attributes:
        id: 32 hex digits, random (128 bits).
        visitor, address, created, started, ended, seen: as of a job.
        plans: all its runs by entry, in their order.
        jobs: identifiers of the jobs that were queued, by entry; the book may know some no longer.
        rows: of the runs that have ended, by entry.
        now: entry of the run that waits or runs; "" before the first and after the last.
        expected: of the whole race by entry; empty while no pass of the model was timed on this machine.
        versions: of Python and torch, once a run has ended.
        stopping: somebody pressed Stop.
    """

    id: str
    visitor: str
    plans: dict[str, RunPlan]
    created: float
    address: str = ""
    jobs: dict[str, str] = field(default_factory=dict)
    rows: dict[str, RaceRow] = field(default_factory=dict)
    now: str = ""
    expected: dict[str, Expected] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    stopping: bool = False
    started: float | None = None
    ended: float | None = None
    seen: float = 0.0

    @property
    def active(self) -> bool:
        """True while one of its runs waits or runs."""
        return self.ended is None

    @property
    def state(self) -> RaceState:
        """Of the whole; a race of which a run was stopped, or never began, was stopped."""
        if self.active:
            return "queued" if self.started is None else "running"
        made = all(entry in self.rows and self.rows[entry].status != "stopped" for entry in self.plans)
        return "finished" if made else "cancelled"

    @property
    def left(self) -> list[str]:
        """Entries that were not queued yet, in their order."""
        return [entry for entry in self.plans if entry not in self.jobs]

    def job_ended(self, job: Job, state: State) -> bool:
        """Makes the row of the run that waited or ran; False where this job is not that run (any more).

        The precision that the first run chose by a stopwatch holds for those that are left.
        """
        if not self.now or self.jobs[self.now] != job.id:
            return False
        self.rows[self.now] = row_of(self.now, job, state)
        self.now = ""
        if job.result is not None:
            self.versions = self.versions or job.result.versions
            self._settle(job.result.config.get("precision"))
        return True

    def _settle(self, precision: object) -> None:
        for entry in self.left:
            run = self.plans[entry]
            if run.config.precision == "auto" and precision in ("fp32", "bf16"):
                self.plans[entry] = replace(run, config=replace(run.config, precision=precision))

    def record(self) -> Race:
        """race.json of what there is so far, fit to leave the page."""
        plans = {
            entry: replace(run.config, model=shareable(run.config.model)) for entry, run in list(self.plans.items())
        }
        rows = tuple(self.rows[entry] for entry in plans if entry in self.rows)
        return Race(
            machine=next((row.machine for row in rows if row.machine), ""),
            date=datetime.fromtimestamp(self.created, UTC).isoformat(timespec="seconds"),
            command=command_of(list(plans.values())),
            versions=self.versions,
            plan={entry: config.to_json() for entry, config in plans.items()},
            rows=rows,
        )


def row_of(entry: str, job: Job, state: State) -> RaceRow:
    """The row of a run that has ended."""
    last = job.log[-1] if job.log else None
    if state == "failed":
        return ended_row(entry, job.plan, "failed", said=job.error or "")
    if state == "cancelled":
        steps = last.steps if isinstance(last, Cancelled) else 0
        late = isinstance(last, Cancelled) and last.reason == "deadline"
        return ended_row(
            entry, job.plan, "stopped", said=(RACE_DEADLINE if late else STOPPED).format(steps=steps), steps=steps
        )
    if job.result is None or job.session is None:  # of a model that nobody judges
        return ended_row(entry, job.plan, "done")
    try:
        return result_row(entry, job.plan, job.result, job.session.reports, job.session.dataset)
    except Exception as error:  # the book's lock is held: the race must go on
        LOG.exception("no row of run %s", job.id[:8])
        return ended_row(entry, job.plan, "failed", said=why(error))


class Races:
    """The races of a book.

    Args:
        lock: of the book, reentrant. clock: its clock.
        admit: raises Busy where one more run of a visitor at an address may not wait.
        queue: lets a run of a visitor at an address wait, with its expected time; called with the lock held.
        stop, touch: as JobBook has them.
        expect: the expected times of all runs of a race.
    """

    def __init__(
        self,
        lock: AbstractContextManager[object],
        clock: Callable[[], float],
        *,
        admit: Callable[[str, str], None],
        queue: Callable[[str, RunPlan, str, Expected | None], Job],
        stop: Callable[[str], None],
        touch: Callable[[str], None],
        expect: Callable[[Sequence[RunPlan]], list[Expected] | None],
    ) -> None:
        self._lock, self._clock, self._expect = lock, clock, expect
        self._admit, self._queue, self._stop, self._touch = admit, queue, stop, touch
        self._races: dict[str, RaceJob] = {}
        self._of: dict[str, RaceJob] = {}
        """By the identifiers of their jobs."""

    def submit(self, visitor: str, plans: Mapping[str, RunPlan], address: str = "") -> RaceJob:
        """Queues the first run of a race; each of the others takes its turn when the one before it has ended.

        Args:
            plans: its runs by entry (sfr_core/runs/race_plan.py). address: as of JobBook.submit.

        Raises:
            InputError: this page does not do it. Busy: a limit of this page is reached.
        """
        check_race(plans)
        race = RaceJob(secrets.token_hex(16), visitor, dict(plans), created=time.time(), address=address)
        self.expect(race)
        with self._lock:
            self._admit(visitor, address)
            race.seen = self._clock()
            self._races[race.id] = race
            self._forget(visitor)
            self._go_on(race)
        return race

    def owned(self, visitor: str, race_id: str) -> RaceJob | None:
        """The race of this id if `visitor` owns it."""
        race = self.get(race_id)
        return race if race is not None and visitor and secrets.compare_digest(race.visitor, visitor) else None

    def get(self, race_id: str) -> RaceJob | None:
        """The race of this id, whoever owns it; pages ask `owned` instead."""
        with self._lock:
            return self._races.get(race_id)

    def last(self, visitor: str) -> RaceJob | None:
        """The newest race of a visitor."""
        with self._lock:
            mine = [race for race in self._races.values() if visitor and secrets.compare_digest(race.visitor, visitor)]
        return mine[-1] if mine else None

    def of(self, job: Job) -> RaceJob | None:
        """The race of which a job is a run."""
        with self._lock:
            return self._of.get(job.id)

    def expect(self, race: RaceJob) -> None:
        """Looks again for the expected times, which are not known at the begin where no pass of the model was timed before."""
        if not race.expected and race.active:
            expected = self._expect(list(race.plans.values()))
            race.expected = {} if expected is None else dict(zip(race.plans, expected, strict=True))

    def stop(self, race: RaceJob) -> None:
        """Asks a race to end: its run within one step, and no other begins. Harmless on one that has ended."""
        with self._lock:
            if race.active and race.now:
                race.stopping = True
                self._stop(race.jobs[race.now])

    def touch(self, race: RaceJob) -> None:
        """Somebody looks at a race now, and so at all its runs."""
        race.seen = self._clock()
        for job_id in list(race.jobs.values()):
            self._touch(job_id)

    def seen(self, job: Job) -> float:
        """When somebody last looked at a job that waits or runs, or at its race; one that runs counts from its start."""
        race = self.of(job)
        if race is None:
            return max(job.seen, job.started or 0.0)
        return max(job.seen, race.seen, race.started or 0.0)

    def waits(self, job: Job) -> bool:
        """Whether a job waits that has not begun, nor has its race: a page that was left meanwhile is not missed for long."""
        race = self.of(job)
        return job.state == "queued" and (race is None or race.started is None)

    def began(self, job: Job) -> None:
        """Tells a job's race that it runs."""
        race = self._of.get(job.id)
        if race is not None and race.started is None:
            race.started = job.started

    def ended(self, job: Job, state: State) -> None:
        """Makes the row of a race's run that has ended, and queues the next one; the caller holds the lock."""
        race = self._of.get(job.id)
        if race is not None and race.job_ended(job, state):
            race.seen = max(race.seen, job.seen)
            self._go_on(race)

    def _go_on(self, race: RaceJob) -> None:
        if race.stopping or not race.left:
            race.ended, race.stopping = self._clock(), False
            return
        entry = race.left[0]
        job = self._queue(race.visitor, race.plans[entry], race.address, race.expected.get(entry))
        job.seen = race.seen  # to be queued is not to be looked at
        race.jobs[entry], race.now, self._of[job.id] = job.id, entry, race

    def _forget(self, visitor: str) -> None:
        ended = [race for race in self._races.values() if not race.active]
        mine = [race for race in ended if race.visitor == visitor]
        unseen = sorted(ended, key=lambda race: race.seen)
        for race in {*mine[: max(0, len(mine) - OF_VISITOR)], *unseen[: max(0, len(ended) - OF_ALL)]}:
            del self._races[race.id]
            for job_id in race.jobs.values():
                del self._of[job_id]


def check_race(plans: Mapping[str, RunPlan]) -> None:
    """Refuses a race that the page does not make.

    Raises:
        InputError: no run, too many, or one that the page does not make by itself.
    """
    if not 1 <= len(plans) <= MOST:
        raise InputError(
            f"A race on this page has 1 to {MOST} runs, and this one {len(plans)}.",
            hint="Choose fewer methods or seeds, or use the command line: python -m sfr_core race.",
        )
    for run in plans.values():
        check_here(run)
