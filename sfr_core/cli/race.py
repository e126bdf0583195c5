"""The command `race`: several methods and seeds in turn on one model, with a table at the end. No torch before the first run."""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfr_core.catalog import title_of
from sfr_core.cli.models import own_reference, tell_known, uploaded_model
from sfr_core.cli.options import WHAT, add_what, given_fields
from sfr_core.cli.tables import table_lines
from sfr_core.cli.talk import CANCELLED, log, stop_on_signals, tell
from sfr_core.configs.run import ACCEPTED
from sfr_core.data.datasets import Dataset
from sfr_core.errors import ConfigError, InputError, given
from sfr_core.metrics.definitions import MetricDefinition
from sfr_core.plan import RunPlan
from sfr_core.runs.files import json_text
from sfr_core.runs.place import check_folder, claimed
from sfr_core.runs.race_plan import check_same, command_of, plans_of
from sfr_core.runs.race_record import FILE, Race, RaceEvent, RunBegan, RunEnded, race_event_json, read_race
from sfr_core.runs.race_table import Standing, Stat, quantities, standings
from sfr_core.zoo.shipped import card

if TYPE_CHECKING:
    from sfr_core.runs.expect import Expected
    from sfr_core.runs.session import Retrained, Session
    from sfr_core.zoo.uploaded import UploadedModel

COLUMNS = ("FA", "RA", "TA", "MIA", "RMIA", "KL", "avg_d", "FA_paraphrase", "JA_remain", "JA_neighbours", "FD_remain", "passes", "seconds")  # fmt: skip
"""Of the table at the end, as far as they were measured."""


def add_race(commands: Any) -> None:
    """Adds the command to those of the command line."""
    race = commands.add_parser(
        "race",
        help="run several methods and seeds in turn, and compare them",
        description=f"Runs every method with every seed from the same weights, writes each run's files to a folder in --out and {FILE} beside "
        "them. Ctrl-C stops after the present step; the same command goes on where a race was stopped. A run that fails is told, "
        "and the race goes on.",
    )
    race.set_defaults(command=_race)
    add_what(race)
    race.add_argument("--methods", required=True, metavar="ID,ID[,...]", help="how to forget (see: methods)")
    race.add_argument("--seeds", default="0", metavar="N[,N...]", help="seeds of each method's runs (default 0)")
    race.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the race, or of one to go on with"
    )


def _race(args: argparse.Namespace) -> int:
    with claimed(args.out):
        begun = read_race(args.out) if (args.out / FILE).is_file() else None
        if begun is None and args.out.is_dir() and any(args.out.iterdir()):
            raise InputError(f"The folder {args.out} is not empty and holds no {FILE}.", hint="Choose another folder.")
        check_folder(args.out, overwrite=True)
        return _race_claimed(args, begun)


def _race_claimed(args: argparse.Namespace, begun: Race | None) -> int:
    """A race whose folder is good and its own."""
    wanted = given_fields(args, WHAT)
    for name in ("model", "forget"):
        if name not in wanted:
            raise ConfigError(f"--{name} is missing.", hint="Give --model, --forget and --methods.")
    seeds = [_seed(text) for text in _listed(args.seeds)]
    methods = _listed(args.methods)
    own = uploaded_model(args, wanted, say=log)
    model = card(wanted["model"]) if own is None else own.card

    plans = plans_of(wanted, methods, seeds, model, dataset=None if own is None else own.dataset, files=True)
    first = next(iter(plans.values()))
    retrained = None if args.retrained is None else own_reference(args.retrained, own, first, say=log)
    if begun is not None:
        check_same(begun, plans, _digest(retrained))
    if own is not None:
        for method in methods:
            tell_known(own, method, say=log if method == methods[0] else lambda line: None, anyway=args.anyway)
    return _run(plans, begun, own, retrained, args.out, command_of([run.config for run in plans.values()]))


def _digest(retrained: Retrained | None) -> str:
    """16 hex digits that tell these weights from others; "" where there are none."""
    if retrained is None:
        return ""
    found = hashlib.sha256()
    for name, array in sorted(retrained.arrays().items()):
        found.update(name.encode() + array.tobytes())
    return found.hexdigest()[:16]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f"The seed must be {ACCEPTED['seed']}.", hint=f"You gave {given(text)}.") from None


def _run(
    plans: dict[str, RunPlan],
    begun: Race | None,
    own: UploadedModel | None,
    retrained: Retrained | None,
    out: Path,
    command: str,
) -> int:
    """Makes the race, and returns the exit code."""
    from sfr_core.ops.ranks import processes
    from sfr_core.runs.race import new_race, race
    from sfr_core.runs.session import Session

    if processes() > 1:
        raise ConfigError("A race runs in one process.", hint="Start it without a launcher.")

    def opened(run: RunPlan) -> Session:
        return Session.of_plan(run, own, retrained=retrained)

    known = begun or new_race(plans, command, _digest(retrained))
    if begun is not None:
        log(f"{len(plans) - len(known.left)} of {len(plans)} runs are there already.")
    dataset = None if own is None else own.dataset
    with stop_on_signals() as cancel:
        expected = _expected({entry: plans[entry] for entry in known.left}, opened, dataset)
        if expected:
            seconds, n = sum(one.seconds for one in expected.values()), len(expected)
            log(f"Expected: about {seconds:.0f} s for {n} run{'s' if n > 1 else ''}.")
        started = time.monotonic()
        out.mkdir(parents=True, exist_ok=True)
        try:
            _follow(race(plans, known, out, cancel=cancel, opened=opened), plans, expected)
        except KeyboardInterrupt:
            log(f"Ended at once; the runs that had ended are in {out}. The same command goes on with the others.")
            return CANCELLED
    made = read_race(out)
    for line in table_text(made):
        log(line)
    if made.left:
        log(f"Stopped; {len(made.left)} of {len(plans)} runs are left. The same command goes on with them.")
        return CANCELLED
    log(f"Done in {time.monotonic() - started:.1f} s; the runs and {FILE} are in {out}.")
    return 0


def _follow(events: Iterator[RaceEvent], plans: dict[str, RunPlan], expected: dict[str, Expected]) -> None:
    """Tells what a race says, and learns from its runs how long such runs take."""
    from sfr_core.runs.pace import paces

    begin, opening = time.monotonic(), None
    for event in events:
        tell(json_text(race_event_json(event)))
        if isinstance(event, RunBegan):
            begin, opening = time.monotonic(), None
            log(f"run {event.i} of {event.total}: {event.entry}")
            continue
        opening = time.monotonic() - begin if opening is None else opening
        if not isinstance(event, RunEnded):
            continue
        row = event.row
        if row.said:
            log(f"{row.entry}: {row.said}")
        told = expected.get(row.entry)
        if row.status == "done" and told is not None:
            ran = told.ran(row.method, method=row.seconds, seconds=time.monotonic() - begin - opening)
            paces().learn(plans[row.entry], ran, opening)


def _expected(
    left: dict[str, RunPlan], opened: Callable[[RunPlan], Session], dataset: Dataset | None
) -> dict[str, Expected]:
    """What the runs that are left will take; passes of the model are timed where none were on this machine. Empty where that cannot be told."""
    from sfr_core.runs import expect
    from sfr_core.runs.pace import paces

    runs = list(left.values())
    found = expect.expected_race(runs, paces(), dataset)
    if found is None:
        begun = time.monotonic()
        session = opened(runs[0])
        expect.opened(session, time.monotonic() - begun, paces())
        found = expect.expected_race(runs, paces(), session.dataset)
    return {} if found is None else dict(zip(left, found, strict=True))


def table_text(race: Race) -> list[str]:
    """The lines of a table of all finished runs: mean and spread over the seeds of each method, and what its columns are."""
    found, known = standings(race.rows), quantities(race.rows)
    columns = [key for key in COLUMNS if any(key in one.value for one in found)]
    head = ("method", "runs", *(_head(key, known[key]) for key in columns))
    rows = [
        (title_of(one.racer.method), _runs(one), *(_cell(one.value.get(key), known[key]) for key in columns))
        for one in found
    ]
    reference = next((row.retrained for row in race.rows if row.retrained is not None), None)
    if reference is not None:
        values = {key: getattr(reference, key, None) for key in columns}
        cells = ["-" if value is None else f"{value:.{known[key].decimals}f}" for key, value in values.items()]
        rows.append(("retrained", "", *cells))
    return [*table_lines(head, rows), f"{', '.join(known[key].title for key in columns)}."]


def _head(key: str, definition: MetricDefinition) -> str:
    name = "Avg.D" if key == "avg_d" else key
    return name if definition.unit == "passes" or definition.unit == "%" else f"{name} ({definition.unit})"


def _runs(standing: Standing) -> str:
    """How many went to their end, and how many did not."""
    ended = standing.done + standing.stopped + standing.failed
    return str(ended) if ended == standing.done else f"{standing.done} of {ended}"


def _cell(found: Stat | None, definition: MetricDefinition) -> str:
    if found is None:
        return "-"
    spread = "" if found.spread is None else f" ± {found.spread:.{definition.decimals}f}"
    return f"{found.mean:.{definition.decimals}f}{spread}"
