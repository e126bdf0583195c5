"""The feed of a race: what demos/live/feed.py is for one run, for all its runs together."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from demos.jobs.book import JobBook
from demos.jobs.races import RaceJob
from demos.live import payload as live
from demos.live import race_payload as payload
from demos.live.feed import GONE, NOTHING, Feed, Handles, Reader
from demos.live.race_payload import Seen


@dataclass(slots=True)
class _Follower:
    """One page's places in the logs of a race's runs, by entry."""

    race_id: str
    readers: dict[str, Reader] = field(default_factory=dict)


class RaceFeed:
    """Handles by which pages read on in races.

    Args:
        book: all jobs of the process. feed: that of its runs.
    """

    def __init__(self, book: JobBook, feed: Feed) -> None:
        self._book, self._feed = book, feed
        self._open: Handles[_Follower] = Handles()
        self._lock = threading.Lock()

    def attach(self, race: RaceJob) -> dict[str, Any]:
        """The whole value of a race as it stands, with a handle in `follow` while it is active.

        The caller has made sure that this visitor owns the race.
        """
        active, follower, follow = race.active, _Follower(race.id), ""  # asked before the logs are read
        seen, moving = self._look(race, follower)
        if active:
            with self._lock:
                follow = self._open.open(follower)
        return {**payload.of_race(race, seen, **moving), "follow": follow}

    def read(self, have: Any) -> dict[str, Any]:
        """What a page does not know yet.

        Args:
            have: from the browser: `follow`, and what it has drawn (race_payload.poll).

        Returns:
            See `race_payload.poll`; ``{"state": "gone"}`` where the handle or the race is no longer known.
        """
        with self._lock:
            follower = self._open.get(have)
            race = None if follower is None else self._book.races.get(follower.race_id)
            if follower is None or race is None:
                if follower is not None:
                    self._open.close(have)
                return GONE
            self._book.races.touch(race)
            seen, moving = self._look(race, follower)
        return payload.poll(race, seen, have, **moving)

    def followed(self, have: Any) -> RaceJob | None:
        """The race that a browser follows."""
        with self._lock:
            follower = self._open.get(have)
        return None if follower is None else self._book.races.get(follower.race_id)

    def _look(self, race: RaceJob, follower: _Follower) -> tuple[list[Seen], dict[str, Any]]:
        """The runs as they stand, and what race_payload.poll must be told beside them."""
        found, now = [], self._book.now()
        moving: dict[str, Any] = {"now": now, "left": None, "machine": ""}
        rows = dict(race.rows)  # before the logs: a run that is told to have ended is shown to its end
        for entry, run in list(race.plans.items()):
            job = self._book.get(race.jobs.get(entry, ""))
            view, line = NOTHING, ""
            if job is not None:
                view = follower.readers.setdefault(entry, Reader(job.id)).read_on(job)
            elif entry in follower.readers:  # the book has forgotten it meanwhile
                view = follower.readers[entry].view
            if job is not None and job.active and entry == race.now:
                around = self._feed.around(job)
                line = live.job_line(job, view, around["place"], around["wait"])
                moving["machine"] = around["machine"]
                moving["left"] = self._left(race, live.left(job, view, now), around["wait"] or 0.0)
            found.append(Seen(entry, run, job, view, line, rows.get(entry)))
        return found, moving

    def _left(self, race: RaceJob, present: float | None, wait: float) -> float | None:
        """Seconds until the last run has ended; None where that is not known.

        Args:
            present: seconds of the run that waits or runs. wait: until it begins.
        """
        self._book.races.expect(race)
        if present is None or not race.expected:
            return None
        return wait + present + sum(race.expected[entry].seconds for entry in race.left)
