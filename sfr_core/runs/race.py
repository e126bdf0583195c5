"""A race: runs of several methods and seeds in turn from the same weights, with a row each in race.json.

Every run opens its model anew, so that its weights are those of the same run alone, bit for bit; pictures are read once in a process
(zoo.shipped.open_dataset). Device, precision and threads are settled by the first run and hold for all others, also of a race that is gone on with.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from sfr_core.cancel import CancelToken
from sfr_core.configs import Device
from sfr_core.data.file_names import table_of
from sfr_core.errors import RunError, reason
from sfr_core.events import Cancelled, Event, Finished
from sfr_core.ops.device import cpu_threads, device_name, pick_device
from sfr_core.plan import RunPlan
from sfr_core.results import GeneratorReport, RunResult
from sfr_core.runs.files import write_run
from sfr_core.runs.race_record import Place, Race, RaceEnded, RaceEvent, RaceRow, RunBegan, RunEnded, Told, write_race
from sfr_core.runs.race_rows import STOPPED, ended_row, result_row, why
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session

LOG = logging.getLogger(__name__)


def this_machine(device: Device = "auto") -> str:
    """Where a race is made: processor or GPU, and the versions that numbers depend on."""
    where = device_name(pick_device(device))
    return f"{platform.machine()}, {where}, python {platform.python_version()}, torch {torch.__version__}"


def new_race(plans: dict[str, RunPlan], command: str, reference: str = "") -> Race:
    """A race before its first run; `command` makes it again, `reference` is of the retrained model of one's own (Race)."""
    config = next(iter(plans.values())).config
    return Race(
        machine=this_machine(config.device),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        versions={"python": platform.python_version(), "torch": torch.__version__},
        plan={entry: run.config.to_json() for entry, run in plans.items()},
        reference=reference,
    )


def unjudged(session: Session, result: RunResult | None) -> dict[str, GeneratorReport]:
    """The pictures of a run that has no numbers since nobody judges its model, to be written with its files."""
    if result is not None or getattr(session.task, "judge", None) is not None:
        return {}
    return {who: report for who, report in session.reports.items() if isinstance(report, GeneratorReport)}


def race(
    plans: dict[str, RunPlan],
    begun: Race,
    folder: Path,
    *,
    cancel: CancelToken,
    live_every: int | None = None,
    opened: Callable[[RunPlan], Session] = Session.of_plan,
) -> Iterator[RaceEvent]:
    """Makes the runs that are left, one after the other.

    Args:
        plans: all runs of the race by entry (race_plan.plans_of).
        begun: the race as far as it is made.
        folder: of race.json and of the runs' folders; race.json is replaced after every run.
        cancel: asked as by `run`; the run that is stopped keeps its partial weights, and is made anew when the race is gone on with.
        live_every: as for `run`. opened: opens a run's model.

    Yields:
        What race_record.RaceEvent says, RaceEnded last. A run that fails is a row, and the race goes on.

    Raises:
        InputError: the device on which the race began is not here. RunError: the disk refused.
    """
    if begun.place is not None:
        pick_device(begun.place.device)
    _write(folder, begun)
    for i, (entry, plan) in enumerate(plans.items(), 1):
        if entry not in begun.left:
            continue
        if cancel.cancelled:
            break
        yield RunBegan(entry=entry, i=i, total=len(plans))
        row, place = yield from _one(entry, plan, begun.place, folder, cancel, live_every, opened)
        begun = replace(begun.with_row(row), place=place)
        _write(folder, begun)
        yield RunEnded(row=row)
    yield RaceEnded(status="stopped" if begun.left else "done")


def _write(folder: Path, begun: Race) -> None:
    try:
        write_race(folder, begun)
    except OSError as error:
        raise RunError(
            f"The race's file could not be written ({reason(error)}).", hint="Free some space and go on with it."
        ) from None


def _one(
    entry: str,
    plan: RunPlan,
    place: Place | None,
    folder: Path,
    cancel: CancelToken,
    live_every: int | None,
    opened: Callable[[RunPlan], Session],
) -> Generator[RaceEvent, None, tuple[RaceRow, Place | None]]:
    """One run with its files; returns its row, and where the race is made from now on."""
    events: list[Event] = []
    with cpu_threads(None if place is None else place.threads):
        try:
            session = opened(plan if place is None else settled(plan, place))
            used = session.used
            place = Place(device=used.device, precision=used.precision, threads=used.threads)
            with closing(run(session, cancel=cancel, live_every=live_every)) as going:
                for event in going:
                    events.append(event)
                    yield Told(entry=entry, event=event)
        except Exception as error:
            LOG.info("run %s of a race failed", entry, exc_info=error)
            return ended_row(entry, plan, "failed", said=why(error), steps=None), place
    last = events[-1]
    result = last.result if isinstance(last, Finished) else None
    write_run(
        folder / entry, session, events, result, samples=unjudged(session, result),
        rows=table_of(session.dataset, session.split.forget), overwrite=True,
    )  # fmt: skip
    if isinstance(last, Cancelled):
        said = STOPPED.format(steps=last.steps)
        return ended_row(entry, plan, "stopped", said=said, steps=last.steps), place
    if result is None:
        return ended_row(entry, plan, "done", steps=session.tally.steps), place
    return result_row(entry, plan, result, session.reports, session.dataset), place


def settled(plan: RunPlan, place: Place) -> RunPlan:
    """A run where the race is made."""
    at = replace(plan.config, device=place.device, precision=place.precision, threads=place.threads)
    return replace(plan, config=at)
