"""The feed of a running job: small answers to questions that static/live.js asks about twice a second.

They do not go through Gradio's event queue: an event that streams costs about 35 ms of CPU for each update in this process
(it copies, compares and encodes every output) and as much in the browser (it keeps a timer per output at the screen's
rate, measured, gradio 6.31). On a CPU the run itself pays for both.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from demos.jobs import hardware
from demos.jobs.book import Job, JobBook
from demos.live import payload as live
from demos.live import view as bridge

OPEN = 256
"""Pages that may follow a run at once; the longest unasked is told to attach again."""
GONE: dict[str, Any] = {"state": "gone"}
NOTHING = bridge.View()
"""A run that has not begun."""
T = TypeVar("T")


@dataclass(slots=True)
class Reader:
    """A place in a job's log, and what the live view shows of it."""

    job_id: str
    view: bridge.View = NOTHING
    at: int = 0

    def read_on(self, job: Job) -> bridge.View:
        """The view with the events that came since."""
        fresh = job.log[self.at :]
        self.at += len(fresh)
        self.view = bridge.reduce_all(fresh, self.view)
        return self.view


class Handles(Generic[T]):
    """What pages follow, by random handles; the caller holds a lock. A handle shows something and can do nothing to it."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, T] = OrderedDict()

    def open(self, what: T) -> str:
        """A new handle; beyond OPEN the longest unasked goes."""
        handle = secrets.token_hex(16)
        self._open[handle] = what
        while len(self._open) > OPEN:
            self._open.popitem(last=False)
        return handle

    def get(self, have: Any) -> T | None:
        """What the handle `follow` that came from a browser stands for."""
        handle = have.get("follow") if isinstance(have, Mapping) else None
        if not isinstance(handle, str) or handle not in self._open:
            return None
        self._open.move_to_end(handle)
        return self._open[handle]

    def close(self, have: Mapping[str, Any]) -> None:
        """The handle stands for nothing any more."""
        self._open.pop(have["follow"], None)


class Feed:
    """Handles by which pages read on in the logs of jobs.

    Args:
        book: all jobs of the process.
    """

    def __init__(self, book: JobBook) -> None:
        self._book = book
        self._open: Handles[Reader] = Handles()
        self._ahead: dict[str, Reader] = {}
        """How far the runs are that others wait for."""
        self._lock = threading.Lock()

    def attach(self, job: Job) -> dict[str, Any]:
        """The whole live value of a job as it stands, with a handle in `follow` while it is active.

        The caller has made sure that this visitor owns the job.
        """
        active = job.active  # asked before the log is read, so that no event is missed
        reader, follow = Reader(job.id), ""
        view = reader.read_on(job)
        if active:
            with self._lock:
                follow = self._open.open(reader)
        return live.of_job(job, view, **self.around(job), follow=follow)

    def read(self, have: Any) -> dict[str, Any]:
        """What a page does not know yet.

        Args:
            have: from the browser: `follow`, and what it has drawn (see `bridge.news`).

        Returns:
            See `live.poll`; ``{"state": "gone"}`` where the handle or the job is no longer known.
        """
        with self._lock:
            reader = self._open.get(have)
            job = None if reader is None else self._book.get(reader.job_id)
            if reader is None or job is None:
                if reader is not None:
                    self._open.close(have)
                return GONE
            self._book.touch(job.id)
            view = reader.read_on(job)
        return live.poll(job, view, have, **self.around(job))

    def around(self, job: Job) -> dict[str, Any]:
        """What is to be said of a job beside its log."""
        now = self._book.now()
        return {
            "place": self._book.place(job.id),
            "wait": None if job.state != "queued" else self._wait(job, now),
            "now": now,
            "machine": hardware.usage(job.session) or job.device,
        }

    def _wait(self, job: Job, now: float) -> float | None:
        """Seconds until a job that waits begins; None where it is not known of all before it."""
        before = self._book.before(job.id)
        with self._lock:  # every page that waits asks at every poll, so the logs are read on, not anew
            self._ahead = {other.id: self._ahead.get(other.id) or Reader(other.id) for other in before}
            left = [live.left(other, self._ahead[other.id].read_on(other), now) for other in before]
        known = [seconds for seconds in left if seconds is not None]
        return sum(known) / self._book.workers if len(known) == len(left) else None
