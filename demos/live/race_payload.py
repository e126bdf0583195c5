"""The value of a race as the page draws it: the runs with their curves, and the rows of those that have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demos.jobs.book import Job
from demos.jobs.races import RaceJob
from demos.live import payload as live
from demos.live import view as bridge
from demos.text import live as texts
from sfr_core import catalog
from sfr_core.plan import RunPlan
from sfr_core.runs.race_record import RaceRow


@dataclass(frozen=True, slots=True)
class Seen:
    """One run of a race as it stands.

    Attributes:
        run: what it does. job: None while it was not queued, and where the book has forgotten it.
        view: after the events so far. line: the state of the job that waits or runs in a sentence, "" of others.
        row: of a run that had ended when its events were read.
    """

    entry: str
    run: RunPlan
    job: Job | None
    view: bridge.View
    line: str
    row: RaceRow | None


def of_race(race: RaceJob, seen: Sequence[Seen], **moving: Any) -> dict[str, Any]:
    """The whole value of a race; `moving` as for `poll`.

    Returns:
        `key`, `title`, `model`, `generates`, `methods` (title by method, in the order of the race), `runs` by entry (`_run`, with
        the live view's bridge.payload) and `rows` (those of race.json), and what `_moving` says.
    """
    first = seen[0].run
    what = live.forget_words(first.forget.spec, first.forget.names)
    return {
        "key": f"race-{race.created:.3f}",
        "title": texts.RACE_TITLE.format(n=len(seen), what=what),
        "model": first.config.model,
        "generates": live.generates(first),
        "methods": {one.run.config.method: catalog.title_of(one.run.config.method) for one in seen},
        **_moving(race, seen, **moving),
        "runs": {one.entry: _run(race, one) | bridge.payload(one.view, live.words_of(one.run)) for one in seen},
        "rows": [row.to_json() for row in list(race.rows.values())],
    }


def poll(race: RaceJob, seen: Sequence[Seen], have: Mapping[str, Any], **moving: Any) -> dict[str, Any]:
    """What is new since a page drew `have`.

    Args:
        have: from a browser: `rows`, how many it has; `runs`, by entry what it has drawn of each (bridge.news), with `state`.
        moving: see `_moving`.

    Returns:
        `runs` without those that have ended and were told so, curves and pictures as bridge.news has them; `rows` that are new.
    """
    drawn = have.get("runs")
    known: Mapping[str, Any] = drawn if isinstance(drawn, Mapping) else {}
    runs = {}
    for one in seen:
        before = known.get(one.entry)
        mine: Mapping[str, Any] = before if isinstance(before, Mapping) else {}
        told = _run(race, one)
        if mine.get("state") == told["state"] and told["state"] not in ("waiting", "running"):
            continue
        runs[one.entry] = told | bridge.news(one.view, mine, live.words_of(one.run))
    rows, at = list(race.rows.values()), have.get("rows")
    fresh = rows[at:] if isinstance(at, int) and 0 <= at <= len(rows) else rows
    return {**_moving(race, seen, **moving), "runs": runs, "rows": [row.to_json() for row in fresh]}


def _run(race: RaceJob, one: Seen) -> dict[str, Any]:
    """What is to be said of a run; its `state` is one of todo, waiting, running, done, stopped, failed."""
    row, config = one.row, one.run.config
    state, said = "todo", ""
    if row is not None:
        state, said = row.status, row.said
    elif one.job is not None:
        state = "waiting" if one.job.state == "queued" else "running"
    return {
        "method": config.method, "seed": config.seed, "state": state, "said": said,
        "line": one.line, "here": one.job is not None and not one.job.active,
    }  # fmt: skip


def _moving(race: RaceJob, seen: Sequence[Seen], *, now: float, left: float | None, machine: str) -> dict[str, Any]:
    """What changes with every look; `left`: seconds until the last run has ended, where they are known."""
    end = race.ended if race.ended is not None else now
    return {
        "state": race.state,
        "stopping": race.stopping,
        "line": race_line(race, seen),
        "elapsed": None if race.started is None else round(end - race.started, 1),
        "left": None if left is None else round(left, 1),
        "machine": machine,
    }


def race_line(race: RaceJob, seen: Sequence[Seen]) -> str:
    """The state of a race in one or two sentences."""
    lines, n = texts.RACE_LINES, len(race.plans)
    rows = list(race.rows.values())
    failed = sum(row.status == "failed" for row in rows)
    more = "" if not failed else f" {lines['failed_one'] if failed == 1 else lines['failed'].format(failed=failed)}"
    if race.state == "finished":
        return lines["finished"].format(n=n) + more
    if race.state == "cancelled":
        return lines["cancelled"].format(done=sum(row.status == "done" for row in rows), n=n) + more
    i, one = next(((i, one) for i, one in enumerate(seen, 1) if one.entry == race.now), (1, seen[0]))
    config = one.run.config
    line = lines["run"].format(i=i, n=n, method=catalog.title_of(config.method), seed=config.seed, line=one.line)
    return line + more
