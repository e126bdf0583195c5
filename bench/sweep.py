"""One field of SFR-on turned from low to high, everything else as its quick preset says: what each value does to a random tenth.

    python -m bench.sweep --field lam [--values 0 0.5 1] [--seeds 0 1 2] [--forget random:0.1@0] [--table]

Each finished run goes to bench/results/sweep.json at once and is not made again, so a broken-off sweep is continued by the same command.
`python -m bench.results` writes the means and spreads for the page to assets/sweeps.json.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.cells import FOLDER, Cell, load, machine, today, updating
from bench.tables import CLASSIFIER, grouped, markdown, spread
from recipes.command import one_sentence, parser_of
from sfr_core.cancel import CancelToken
from sfr_core.catalog import spec_of
from sfr_core.configs import RunConfig
from sfr_core.errors import UnknownName
from sfr_core.events import Finished
from sfr_core.presets import resolve
from sfr_core.results import RunResult
from sfr_core.runs.race_table import stat
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session

METHOD = "sfr-on"
RESULTS = FOLDER / "sweep.json"
VALUES: dict[str, tuple[float, ...]] = {"lam": (0.0, 0.5, 1.0, 2.0, 5.0)}
"""What a field is turned through where nothing else is asked for."""
SEEDS = (0, 1, 2)
FILE = Path(__file__).resolve().parents[1] / "assets/sweeps.json"
DIGITS = 4
COLUMNS = ("FA", "RA", "TA", "MIA", "KL")


def command(field: str) -> str:
    """What makes the runs of a field."""
    return f"python -m bench.sweep --field {field}"


def wanted(field: str, values: Sequence[float], seeds: Sequence[int], forget: str) -> list[RunConfig]:
    """The runs of a sweep.

    Raises:
        UnknownName: SFR-on has no such field. ConfigError: a value out of its range.
    """
    kinds = {spec.name: spec.kind for spec in spec_of(METHOD, "classifier").config_cls.settings()}
    numbers = [name for name, kind in kinds.items() if kind in ("int", "float")]
    if field not in numbers:
        raise UnknownName("field", field, numbers)
    exact = [int(value) if kinds[field] == "int" else value for value in values]
    settings = {value: resolve(CLASSIFIER, METHOD, "quick", overrides={field: value}, forget=forget) for value in exact}
    return [
        RunConfig(model=CLASSIFIER, forget=forget, method=METHOD, settings=settings[value], seed=seed)
        for seed, value in itertools.product(seeds, exact)
    ]


def place(cell: Cell) -> tuple[Any, ...]:
    """What tells one run of a sweep from another; a setting that came later has its default in older cells."""
    whole = spec_of(METHOD, "classifier").config_cls.from_dict(cell["settings"]).to_dict()
    return cell["field"], cell["value"], cell["seed"], cell["forget"], tuple(whole.items())


def measured(field: str, config: RunConfig) -> Cell:
    """One run and what is kept of it."""
    result = _result(config)
    return {
        "field": field, "value": config.settings[field], "seed": config.seed, "forget": config.forget, "method": METHOD,
        "settings": config.settings, "after": asdict(result.after), "avg_d": result.avg_d, "kl_floor": result.kl_floor,
        "retrained": None if result.retrained is None else asdict(result.retrained), "passes": result.passes,
        "machine": machine(), "date": today(),
    }  # fmt: skip


def _result(config: RunConfig) -> RunResult:
    for event in run(Session.open(config), cancel=CancelToken(), live_every=10**6):
        if isinstance(event, Finished) and event.result is not None:
            return event.result
    raise RuntimeError("the run ended without a result")


def sweep(field: str, configs: Sequence[RunConfig]) -> None:
    """Makes the runs that are not there."""
    for config in configs:
        new = {"field": field, "value": config.settings[field], "seed": config.seed, "forget": config.forget}
        if place({**new, "settings": config.settings}) in map(place, load(RESULTS, [])):
            continue
        cell = measured(field, config)
        with updating(RESULTS, []) as cells:
            cells.append(cell)
        print(field, cell["value"], "seed", cell["seed"], {name: round(cell["after"][name], 3) for name in COLUMNS}, flush=True)  # fmt: skip


def summary(cells: Sequence[Cell]) -> Cell:
    """The runs of one field in short: mean and spread of each quantity at each value, and the retrained model's."""
    days = sorted({str(cell["date"]) for cell in cells})
    points = []
    for value in sorted({cell["value"] for cell in cells}):
        mine = [cell for cell in cells if cell["value"] == value]
        found = {name: stat([float(cell["after"][name]) for cell in mine]) for name in COLUMNS}
        numbers = {
            name: [round(each.mean, DIGITS), None if each.spread is None else round(each.spread, DIGITS)]
            for name, each in found.items()
        }
        points.append({"value": value, "n": len(mine), **numbers})
    first = cells[0]
    return {
        "model": CLASSIFIER, "method": METHOD, "forget": first["forget"], "command": command(first["field"]),
        "machine": "; ".join(dict.fromkeys(cell["machine"] for cell in cells)), "date": "/".join(dict.fromkeys([days[0], days[-1]])),
        "points": points, "retrained": {name: round(first["retrained"][name], DIGITS) for name in COLUMNS},
    }  # fmt: skip


def text() -> str:
    """What is shipped of all sweeps, by field."""
    fields = grouped(load(RESULTS, []), lambda cell: str(cell["field"]))
    return json.dumps({field: summary(cells) for field, cells in fields.items()}, indent=1) + "\n"


def table() -> str:
    """Every sweep so far: mean and spread over its seeds."""
    parts = []
    for field, cells in grouped(load(RESULTS, []), lambda cell: str(cell["field"])).items():
        rows = []
        for value in sorted({cell["value"] for cell in cells}):
            mine = [cell for cell in cells if cell["value"] == value]
            numbers = [spread((c["after"][name] for c in mine), 3 if name == "KL" else 1) for name in COLUMNS]
            rows.append([f"{value:g}", str(len(mine)), *numbers, spread((c["avg_d"] for c in mine), 2)])
        retrained = cells[0]["retrained"]
        rows.append(
            ["retrained", "1", *(f"{retrained[name]:.{3 if name == 'KL' else 1}f}" for name in COLUMNS), "0.00"]
        )
        parts.append(markdown(f"{field} | runs | {' | '.join(COLUMNS)} | Avg.D", rows))
    return "\n\n".join(parts) or "Nothing was measured yet."


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--field", default="lam", help="number of SFR-on's settings")
    parser.add_argument("--values", nargs="+", type=float, help="default: those of the recorded sweep")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--forget", default="random:0.1@0", metavar="SPEC", help="with a shipped retrained model")
    parser.add_argument("--table", action="store_true", help="print the Markdown and end")
    args = parser.parse_args(argv)
    if args.table:
        print(table())
        return
    with one_sentence():
        values = args.values or VALUES.get(args.field)
        if not values or not all(map(math.isfinite, values)):
            raise ValueError(f"Which values of {args.field}? Give them with --values.")
        sweep(args.field, wanted(args.field, values, args.seeds, args.forget))


if __name__ == "__main__":
    main()
