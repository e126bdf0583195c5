"""What the page's tab of methods opens with, before anybody runs anything: the cells of today's presets as races, in assets/compared.json.

    python -m bench.compared

`python -m bench.results` writes it too, and `--check` looks at it. Of each shipped model one race (race.json in docs/contracts.md): of a generator
the cells of the protocol in which methods are compared. To be small, a row leaves out fields that have their default, its numbers have four
digits behind the point, and its settings are only those that differ from today's preset.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

from bench import classifier, generators
from bench.both import PIXELS
from bench.cells import TUNED, Cell, load, prompts_of
from bench.pace import data_of
from bench.rows import classifier_row, generator_row
from bench.tables import CLASSIFIER, newest
from recipes.command import parser_of
from sfr_core.presets import resolve
from sfr_core.runs.race_record import Race, RaceRow
from sfr_core.runs.sampling import protocol_of
from sfr_core.zoo.shipped import card

FILE = Path(__file__).resolve().parents[1] / "assets/compared.json"
DIGITS = 4
COMMAND = "python -m bench.compared"


def races() -> dict[str, Race]:
    """By model."""
    cells = load(classifier.RESULTS, [])
    tuned = classifier.in_one_go([cell for cell in cells if cell["preset"] == TUNED])
    command = f"python -m bench.classifier{f' --preset {TUNED}' if tuned else ''}"
    found = {CLASSIFIER: _race(command, tuned or cells, classifier_row)}
    for model in generators.COMPARED:
        sampler = f" --samples {PIXELS.n} --sampler-steps {PIXELS.steps}" if card(model).kind == "ddpm" else ""
        command = f"python -m bench.generators --model {model} --part methods{sampler}"
        found[model] = _race(command, compared(model), generator_row)
    return found


def compared(model: str) -> list[Cell]:
    """A generator's cells of today's checkpoint, prompts, protocol and source of pictures: the newest of each method, thing and seed."""
    about = card(model)
    protocol = PIXELS if about.kind == "ddpm" else protocol_of(about)
    same = {"model": model, "protocol": protocol.name, "preset": "quick", "data": data_of(about.kind)}
    cells = [cell for cell in generators.stored()["cells"] if all(cell[name] == value for name, value in same.items())]
    return newest(
        cell for cell in cells
        if cell["checkpoint"]["sha256"] == about.sha256 and cell["prompts"] == prompts_of(about, cell["forget"])
    )  # fmt: skip


def _race(command: str, cells: Sequence[Cell], row_of: Callable[[Cell], RaceRow]) -> Race:
    days = sorted({str(cell["date"]) for cell in cells})
    machines = list(dict.fromkeys(str(cell["machine"]) for cell in cells))
    return Race(
        machine="; ".join(machines),
        date="/".join(dict.fromkeys([days[0], days[-1]])) if days else "",
        command=command,
        versions={},
        rows=tuple(_short(row_of(cell)) for cell in cells),
    )


def _short(row: RaceRow) -> RaceRow:
    """A row with those of its settings alone that today's preset has otherwise."""
    changes = classifier.ABLATIONS.get(row.part)
    today = resolve(row.model, row.method, row.preset, row.variant, changes, forget=row.forget)
    return replace(
        row, settings={name: value for name, value in row.settings.items() if today.get(name, MISSING) != value}
    )


def compact(race: Race) -> dict[str, Any]:
    """A race as JSON without what reading fills in again."""
    usual = {field.name: field.default for field in fields(RaceRow)}
    whole = race.to_json()
    rows = [{name: value for name, value in row.items() if not _usual(value, usual[name])} for row in whole["rows"]]
    shortened: dict[str, Any] = _rounded({**whole, "rows": rows})
    return shortened


def _usual(value: Any, default: Any) -> bool:
    return default is not MISSING and (value == default or value == list(default or ()) == [])


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items() if each is not None}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value


def text() -> str:
    """The file: a line for each row, so that a new cell changes one."""
    parts = []
    for model, race in races().items():
        data = compact(race)
        rows = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in data.pop("rows"))
        parts.append(f"{json.dumps(model)}: {json.dumps(data, ensure_ascii=False)[:-1]}, \"rows\": [\n{rows}\n]}}")  # fmt: skip
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(argv: Sequence[str] | None = None) -> None:
    parser_of(__doc__).parse_args(argv)
    FILE.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
