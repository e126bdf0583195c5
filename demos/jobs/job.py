"""One run of one visitor as the page knows it, and what a page allows. Knows neither gradio nor torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.events import Event
from sfr_core.plan import RunPlan
from sfr_core.results import RunResult

if TYPE_CHECKING:
    from sfr_core.runs.expect import Expected

State = Literal["queued", "running", "finished", "cancelled", "failed"]
ENDED: frozenset[State] = frozenset({"finished", "cancelled", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one page allows. Times in seconds, sizes in bytes.

    Attributes:
        active_per_visitor: runs of one visitor that wait or run at once.
        kept_per_visitor: ended runs of one visitor that stay listed; older ones are forgotten.
        kept: ended runs of all visitors that stay listed; the longest unseen are forgotten first.
        queue: runs of all visitors that wait.
        spare: places beyond these, for addresses of which none waits.
        public: strangers use the page: an address takes turns as one visitor does, and at most a third of the places.
        deadline: longest run.
        unseen: a run that nobody looks at is stopped after this time.
        unseen_waiting: one that waits, after this time; a hidden page looks once a minute.
        idle: weights of an ended run that nobody looks at are freed after this time.
        weights: weights and reports kept for all visitors together.
    """

    active_per_visitor: int = 4
    kept_per_visitor: int = 30
    kept: int = 500
    queue: int = 60
    spare: int = 12
    public: bool = False
    deadline: float = 30 * 60.0
    unseen: float = 10 * 60.0
    unseen_waiting: float = 90.0
    idle: float = 30 * 60.0
    weights: int = 2 * 1024**3


@dataclass(slots=True, eq=False)
class Job:
    """One run of one visitor. Only JobBook and its worker write to it; pages read.

    Attributes:
        id: 32 hex digits, random (128 bits).
        visitor: token of the owner.
        address: from which it was started, as far as it is known.
        plan: what the run does, resolved when it was submitted.
        log: events so far; grows at the end only.
        session: live weights, from the start of the run until they are freed; None otherwise.
        error: one sentence where the run failed.
        stopping: somebody pressed Stop and the run has not ended yet.
        settled: what became of a stopped run's weights; of kept ones, and of a moment that was kept, the evaluation is one more part of the job.
        spent: seconds that it ran before its weights were kept.
        freed: the weights are gone (time or space); the result stays.
        created: seconds since the epoch, to be shown and nothing else: that clock may be set.
        started, ended, seen: seconds of the book's clock.
        device: name of the device used.
        times: when each event of the log came, seconds since the start of the run.
        expected: the time of the whole run, part by part; None while no pass of its model was timed on this machine.
        retrainings: the owner's finished retrainings of the same model whose weights are still here, newest first; only
            while the job runs.
    """

    id: str
    visitor: str
    plan: RunPlan
    created: float
    address: str = ""
    log: list[Event] = field(default_factory=list)
    state: State = "queued"
    session: Any = None
    result: RunResult | None = None
    error: str | None = None
    stopping: bool = False
    settled: Literal["", "kept", "rolled back"] = ""
    spent: float = 0.0
    freed: bool = False
    started: float | None = None
    ended: float | None = None
    cancel: CancelToken = field(default_factory=CancelToken)
    seen: float = 0.0
    device: str = ""
    times: list[float] = field(default_factory=list)
    expected: Expected | None = None
    retrainings: tuple[Job, ...] = ()

    @property
    def config(self) -> RunConfig:
        """What was asked for."""
        return self.plan.config

    @property
    def took(self) -> float | None:
        """Seconds from the start of the run to its end, the finished comparison; None before."""
        return None if self.started is None or self.ended is None else self.ended - self.started

    @property
    def active(self) -> bool:
        """True while it waits or runs."""
        return self.state not in ENDED


Backend = Callable[[Job], Iterator[Event]]
"""Yields a job's events in order, sets `job.session` when it has one, asks `job.cancel` between steps, raises on failure."""


def session_bytes(session: Any) -> int:
    """Bytes of a session: the weights before (twice, the live model has its own), after, retrained and of held moments, and the reports."""
    if session is None:
        return 0
    before = sum(int(t.nbytes) for t in (session.before or {}).values())
    after = sum(int(t.nbytes) for t in (session.after or {}).values())
    retrained = getattr(session, "retrained", None)
    reference = sum(int(t.nbytes) for t in retrained.weights.values()) if retrained else 0
    reports = sum(
        int(getattr(getattr(report, part.name), "nbytes", 0))
        for report in getattr(session, "reports", {}).values()
        for part in fields(report)
    )
    moments = getattr(session, "moments", None)
    held = len(moments.held) * moments.bytes if moments else 0
    return 2 * before + after + reference + reports + held
