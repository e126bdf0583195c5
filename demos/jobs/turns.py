"""Whose run is next: of whoever has computed least lately, so that many runs of one visitor do not keep others waiting."""

from __future__ import annotations

import contextvars
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from demos.jobs.job import Job, Limits
from sfr_core.errors import Busy

HALF = 30 * 60.0
"""Seconds after which half of what somebody computed is forgotten."""
GUESS = 60.0
"""Seconds of a run whose time nobody can tell before its end."""
SHARE = 1 / 3
"""Of the places that one address takes on a public page."""
FORGOTTEN = 1.0
"""Seconds below which it does not matter who computed them."""
Waiting = tuple[Job, contextvars.Context]


@dataclass(slots=True)
class Account:
    """Seconds that somebody computed, of which half is forgotten every HALF seconds."""

    seconds: float = 0.0
    when: float = 0.0

    def at(self, now: float) -> float:
        """What is left of them."""
        return self.seconds * math.exp2(-max(0.0, now - self.when) / HALF)


@dataclass(slots=True)
class Turns:
    """The runs that wait, in the order in which they came. The caller holds a lock.

    Attributes:
        limits: see Limits.
        clock: seconds; tests move it by hand.
    """

    limits: Limits
    clock: Callable[[], float]
    _waiting: list[Waiting] = field(default_factory=list)
    _used: dict[str, Account] = field(default_factory=dict)
    _order: list[Job] | None = None
    _charged: dict[str, float] = field(default_factory=dict)
    """What the run that was taken out counts so far, by its id."""

    def __len__(self) -> int:
        return len(self._waiting)

    def admit(self, address: str) -> None:
        """Whether one more run of this address may wait.

        Raises:
            Busy: there is no place for it.
        """
        of_address = sum(job.address == address for job, _ in self._waiting)
        if self.limits.public and of_address >= max(1, math.ceil(SHARE * self.limits.queue)):
            raise Busy(
                "Too many runs from your address are waiting here.", hint="Wait until one of them ends, or stop one."
            )
        # Whoever fills the queue fills it for himself only.
        spare = self.limits.spare if address and not of_address else 0
        if len(self._waiting) >= self.limits.queue + spare:
            raise Busy("Too many runs are waiting here.", hint="Try again in a few minutes.")

    def put(self, job: Job, context: contextvars.Context) -> None:
        """Lets a run wait."""
        self._waiting.append((job, context))
        self._order = None

    def remove(self, job: Job) -> bool:
        """Lets a run wait no longer; False where it did not."""
        found = next((entry for entry in self._waiting if entry[0] is job), None)
        if found is not None:
            self._waiting.remove(found)
            self._order = None
        return found is not None

    def next(self) -> Waiting:
        """Takes out whose turn it is. Until `ended` its run counts as long as it is expected to take."""
        first = self.order()[0]
        entry = next(entry for entry in self._waiting if entry[0] is first)
        self.remove(first)
        self._charged[first.id] = guess(first)
        self._add(first, guess(first))
        return entry

    def ended(self, job: Job, seconds: float) -> None:
        """What the run that was taken out really took."""
        self._add(job, seconds - self._charged.pop(job.id, 0.0))

    def order(self) -> list[Job]:
        """Those that wait in the order of their turns, as things stand."""
        if self._order is None:
            now = self.clock()
            used = {key: account.at(now) for key, account in self._used.items()}
            left = [job for job, _ in self._waiting]
            self._order = []
            while left:
                first = min(
                    left, key=lambda job: [used.get(key, 0.0) for key in self._keys(job)]
                )  # of equals the first
                left.remove(first)
                self._order.append(first)
                for key in self._keys(first):
                    used[key] = used.get(key, 0.0) + guess(first)
        return self._order

    def _keys(self, job: Job) -> Iterator[str]:
        """By whom turns are counted; strangers can have many tokens, but a classroom may have one address."""
        if self.limits.public:
            yield f"address {job.address}"
        yield job.visitor

    def _add(self, job: Job, seconds: float) -> None:
        now = self.clock()
        for key in self._keys(job):
            before = self._used.get(key, Account()).at(now)
            self._used[key] = Account(max(0.0, before + seconds), now)
        self._used = {key: account for key, account in self._used.items() if account.at(now) > FORGOTTEN}
        self._order = None


def guess(job: Job) -> float:
    """Seconds that a run is expected to take."""
    return GUESS if job.expected is None else job.expected.seconds
