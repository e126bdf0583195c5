"""The command line. JSON lines of events on stdout, logs on stderr; exit 0 done, 1 failed, 2 bad input, 130 cancelled.

torch is imported only when a run begins, so that tables and bad input answer at once.
"""

from __future__ import annotations

import argparse
import errno
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from sfr_core.asked import config_of
from sfr_core.cli.checks import add_checks
from sfr_core.cli.export import add_export
from sfr_core.cli.hub import add_commands
from sfr_core.cli.models import own_reference, tell_known, uploaded_model
from sfr_core.cli.options import WHAT, add_what, given_fields
from sfr_core.cli.race import add_race
from sfr_core.cli.stored import check_rows, to_repeat
from sfr_core.cli.tables import print_methods, print_models
from sfr_core.cli.talk import CANCELLED, interrupted, interrupts, log, stop_on_signals, tell
from sfr_core.configs import RunConfig
from sfr_core.data.file_names import table_of
from sfr_core.errors import ConfigError, InputError, PlaygroundError, quoted
from sfr_core.events import Cancelled, Event, Finished, Kept, PhaseStarted, broken_off
from sfr_core.hub.local import is_path
from sfr_core.plan import RunPlan, plan
from sfr_core.runs.files import event_line, write_run
from sfr_core.runs.place import check_folder, claimed
from sfr_core.zoo.shipped import LOCAL, card

if TYPE_CHECKING:
    from sfr_core.runs.session import Retrained
    from sfr_core.zoo.uploaded import UploadedModel

DONE, FAILED, BAD_INPUT = 0, 1, 2
CHOOSES = (*WHAT, "method", "settings", "seed")
"""Options that describe a run, and so contradict --config."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; never raises but for --help."""
    with interrupts() as asked:
        try:
            args = _parser().parse_args(argv)
            code: int = args.command(args)
            return code
        except PlaygroundError as error:
            log("error: " + " ".join(str(error).split()))
            return error.exit_code
        except KeyboardInterrupt:
            return interrupted()
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # whichever option named it
                log("error: A path is longer than this system allows. Give a shorter one.")
                return BAD_INPUT
            if asked.is_set():  # a library met the interruption and made something else of it
                return interrupted()
            traceback.print_exc()
            log("error: The program failed; the lines above say where. Please report them.")
            return FAILED


class _Parser(argparse.ArgumentParser):
    """Options are written out, and bad arguments answer like every other bad input: one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        said = " ".join(quoted(word) for word in message.split())
        raise InputError(said[:1].upper() + said[1:] + ".", hint=f"See: {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m sfr_core", description="Unlearning runs without a browser.")
    commands = parser.add_subparsers(
        required=True,
        metavar="{run,race,export,recover,exposed,agreement,hub,convert,models,methods}",
        parser_class=_Parser,
    )
    run = commands.add_parser(
        "run",
        help="unlearn, and write the run's files",
        description="Unlearns and writes config.json, events.jsonl, after.safetensors and result.json to --out. "
        "Ctrl-C stops after the present step; a stopped run keeps what it has, without result.json.",
    )
    run.set_defaults(command=_run)
    run.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="repeat the run of this config.json, to the last bit on such a machine",
    )
    add_what(run)
    run.add_argument("--method", metavar="ID", help="how to forget (see: methods)")
    run.add_argument(
        "--set",
        action="append",
        dest="settings",
        metavar="FIELD=VALUE",
        help="change one field of the preset; may be repeated",
    )
    run.add_argument("--seed", metavar="N", help="seed of the run's own draws (default 0)")
    run.add_argument(
        "--keep-best",
        action="store_true",
        help="keep the step nearest to the retrained model by the live numbers, not the last one",
    )
    run.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the run's files")
    run.add_argument("--overwrite", action="store_true", help="replace the files of a run in --out")
    add_race(commands)
    add_export(commands)
    add_checks(commands)
    add_commands(commands)
    for name, function, text in (
        ("models", print_models, "print the models"),
        ("methods", print_methods, "print the methods"),
    ):
        table = commands.add_parser(name, help=text, description=text)
        table.add_argument("--json", action="store_true", help="as a JSON array")
        table.set_defaults(command=function)
    return parser


def _run(args: argparse.Namespace) -> int:
    with claimed(args.out):
        check_folder(args.out, overwrite=args.overwrite)
        return _run_claimed(args)


def _run_claimed(args: argparse.Namespace) -> int:
    """A run whose folder is good and its own."""
    out: Path = args.out
    wanted = _given_config(args)
    own = uploaded_model(args, wanted, say=log)
    model = card(wanted["model"]) if own is None else own.card
    config = _config({**wanted, "model": model.id}, model.kind)
    planned = plan(config, card=model, dataset=None if own is None else own.dataset, files=True)
    if own is not None:
        if args.config is not None:
            check_rows(args.config, own.dataset, planned.forget)
        tell_known(own, config.method, say=log, anyway=args.anyway)
    retrained = None if args.retrained is None else own_reference(args.retrained, own, planned, say=log)

    from sfr_core.ops.device import cpu_threads
    from sfr_core.ops.ranks import join

    join(config.method)
    with cpu_threads(config.threads):
        return _run_planned(planned, own, retrained, out, overwrite=args.overwrite, keep_best=args.keep_best)


def _run_planned(
    planned: RunPlan,
    own: UploadedModel | None,
    retrained: Retrained | None,
    out: Path,
    *,
    overwrite: bool,
    keep_best: bool = False,
) -> int:
    """Makes the run, writes its files and returns the exit code."""
    from sfr_core.ops.ranks import processes, rank
    from sfr_core.runs.expect import opened
    from sfr_core.runs.moments import check_moments
    from sfr_core.runs.pace import paces
    from sfr_core.runs.race import unjudged
    from sfr_core.runs.runner import run
    from sfr_core.runs.session import Session

    begun = time.monotonic()
    session, config = Session.of_plan(planned, own, retrained=retrained), planned.config
    if keep_best:
        check_moments(session)
    speaks = rank() == 0  # the other processes of a launcher do the same run in silence
    if speaks:
        place = f"{session.device_name}, {session.precision}"
        log(f"{session.method.title} on {session.card.title}, {place}; {config.variant}, {config.preset}")
        if session.copies:
            log(f"Exact copies of forgotten pictures in the remain set: {session.copies:,}.")
    told = None
    if processes() == 1:  # several would time each other
        told = opened(session, time.monotonic() - begun, paces())
    if told is not None:
        log(f"Expected: about {told.method + told.rest:.0f} s to the finished comparison.")
    begun = time.monotonic()
    events: list[Event] = []
    with stop_on_signals() as cancel:
        for event in run(session, cancel=cancel, keep_best=keep_best):
            events.append(event)
            if speaks:
                tell(event_line(event))
            if speaks and isinstance(event, PhaseStarted):
                log(f"phase: {event.phase}")
            if speaks and isinstance(event, Kept):
                log(f"Kept step {event.steps}, the nearest to the retrained model.")
        last = events[-1]
        result = last.result if isinstance(last, Finished) else None
        if speaks:
            samples, rows = unjudged(session, result), table_of(session.dataset, session.split.forget)
            write_run(out, session, events, result, samples=samples, rows=rows, overwrite=overwrite)
    if not speaks:
        return CANCELLED if isinstance(last, Cancelled) else DONE
    if isinstance(last, Cancelled):
        log(f"Stopped after {last.steps} steps; the weights of that moment are in {out}.")
        return CANCELLED
    if result is None and broken_off(events):
        log("There was too little memory to draw the samples at the end of the run; its weights are whole.")
    took, alone = time.monotonic() - begun, None if result is None else result.seconds
    if told is not None:
        paces().learn(planned, told.ran(config.method, method=alone, seconds=took), told.opening)
    unlearning = "" if alone is None else f", {alone:.1f} s of them unlearning alone"
    log(f"Done in {took:.1f} s{unlearning}; the files are in {out}.")
    return DONE


def _given_config(args: argparse.Namespace) -> dict[str, Any]:
    """The fields of a RunConfig as far as they were given; `settings` whole for --config, else the --set texts."""
    if args.config is not None:
        moved = args.model is not None and is_path(args.model)  # a pipeline's folder, which no config names
        clash = [name for name in CHOOSES if getattr(args, name) is not None and not (moved and name == "model")]
        repeated = None if clash else to_repeat(args.config)
        if moved and repeated is not None and not repeated.model.startswith(LOCAL):
            clash = ["model"]
        if clash or repeated is None:
            option = "set" if clash[0] == "settings" else clash[0].replace("_", "-")
            raise ConfigError(f"--{option} contradicts --config.", hint="Give one of the two.")
        return {**repeated.to_json(), "reading": repeated.reading, "from_file": True}
    wanted = given_fields(args, CHOOSES)
    for name in ("model", "forget", "method"):
        if name not in wanted:
            raise ConfigError(f"--{name} is missing.", hint="Give --model, --forget and --method, or --config.")
    return wanted


def _config(wanted: dict[str, Any], kind: str) -> RunConfig:
    """The run as it was asked for, checked."""
    if wanted.pop("from_file", False):
        return RunConfig.from_json(wanted)
    return config_of(wanted, wanted.pop("settings", []), kind)
