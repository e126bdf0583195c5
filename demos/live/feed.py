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
from typing import Any

from demos.jobs import hardware
from demos.jobs.book import Job, JobBook
from demos.live import payload as live
from demos.live import view as bridge

OPEN = 256
"""Pages that may follow a run at once; the longest unasked is told to attach again."""
GONE: dict[str, Any] = {"state": "gone"}
NOTHING = bridge.reduce_all([])
"""A run that has not begun."""


@dataclass(slots=True)
class _Follower:
    """One page's place in a job's log."""

    job_id: str
    view: bridge.View
    at: int


class Feed:
    """Handles by which pages read on in the logs of jobs. A handle shows one run and can do nothing to it.

    Args:
        book: all jobs of the process.
    """

    def __init__(self, book: JobBook) -> None:
        self._book = book
        self._open: OrderedDict[str, _Follower] = OrderedDict()
        self._ahead: dict[str, _Follower] = {}
        """How far the runs are that others wait for."""
        self._lock = threading.Lock()

    def attach(self, job: Job) -> dict[str, Any]:
        """The whole live value of a job as it stands, with a handle in `follow` while it is active.

        The caller has made sure that this visitor owns the job.
        """
        active = job.active  # asked before the log is read, so that no event is missed
        events = list(job.log)
        view, follow = bridge.reduce_all(events), ""
        if active:
            follow = secrets.token_hex(16)
            with self._lock:
                self._open[follow] = _Follower(job.id, view, len(events))
                while len(self._open) > OPEN:
                    self._open.popitem(last=False)
        return live.of_job(job, view, **self._around(job), follow=follow)

    def read(self, have: Any) -> dict[str, Any]:
        """What a page does not know yet.

        Args:
            have: from the browser: `follow`, and what it has drawn (see `bridge.news`).

        Returns:
            See `live.poll`; ``{"state": "gone"}`` where the handle or the job is no longer known.
        """
        if not isinstance(have, Mapping) or not isinstance(have.get("follow"), str):
            return GONE
        with self._lock:
            entry = self._open.get(have["follow"])
            job = self._book.get(entry.job_id) if entry is not None else None
            if entry is None or job is None:
                self._open.pop(have["follow"], None)
                return GONE
            self._open.move_to_end(have["follow"])
            self._book.touch(job.id)
            fresh = job.log[entry.at :]
            entry.at += len(fresh)
            entry.view = view = bridge.reduce_all(fresh, entry.view)
        return live.poll(job, view, have, **self._around(job))

    def _around(self, job: Job) -> dict[str, Any]:
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
        with self._lock:
            self._ahead = {other.id: self._ahead.get(other.id) or _Follower(other.id, NOTHING, 0) for other in before}
            left = [live.left(other, self._view(other), now) for other in before]
        known = [seconds for seconds in left if seconds is not None]
        return sum(known) / self._book.workers if len(known) == len(left) else None

    def _view(self, job: Job) -> bridge.View:
        """A job as it stands; the caller holds the lock. Every page that waits asks at every poll, so the log is read on, not anew."""
        entry = self._ahead[job.id]
        fresh = job.log[entry.at :]
        entry.at += len(fresh)
        entry.view = bridge.reduce_all(fresh, entry.view)
        return entry.view
