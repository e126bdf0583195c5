"""What was recorded of each shipped model: the races of assets/compared.json as tables, made when the tab is first opened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from demos.compare.table import Json, Place, compared, place_of, table
from demos.text import compare as texts
from sfr_core.catalog import able, spec_of
from sfr_core.errors import AssetError
from sfr_core.kinds import KINDS
from sfr_core.metrics.definitions import METRICS
from sfr_core.presets import default_method
from sfr_core.runs.race_record import Race, Racer, RaceRow
from sfr_core.zoo.shipped import card, cards

ASSETS = Path(__file__).resolve().parents[2] / "assets"
FILE, SWEEPS = ASSETS / "compared.json", ASSETS / "sweeps.json"
TUNED = "--preset tuned"
"""In the command of a table whose methods were all tuned alike."""
SWEPT = ("FA", "RA", "TA", "KL")


@cache
def races(path: Path = FILE) -> dict[str, Race]:
    """The recorded race of each model that this program has.

    Raises:
        AssetError: the file is missing, or holds something else.
    """
    found = _json(path)
    here = [each.id for each in sorted(cards(), key=lambda each: KINDS[each.kind].order)]
    return {model: Race.from_json(found[model], "a recorded table") for model in here if model in found}


@cache
def page_value(model: str) -> Json:
    """What the tab shows of a model: its recorded tables by what was forgotten, where its methods differ, and sweeps."""
    race, shown = races()[model], card(model)
    return {
        "model": model,
        "title": shown.title,
        "about": about(race.date, race.machine, race.command),
        "groups": groups(model, race.rows),
        "methods": differences(shown.kind),
        "sweeps": sweeps(model),
    }


def about(days: str, machine: str, command: str) -> dict[str, Any]:
    """When and where something was recorded, and what makes it again; `days`: one, or the first and the last with a stroke between."""
    read = [date.fromisoformat(day) for day in days.split("/")]
    when = " to ".join(f"{day.day} {day:%B %Y}" for day in read)
    said = texts.RECORDED_WHEN.format(when=when, machine=machine.replace("; ", " and "))
    return {"said": f"{said} {texts.TUNED}" if TUNED in command else said, "command": command}


def differences(kind: str) -> list[Json]:
    """Where the methods of a kind of model differ: their rows in the paper's unifying table, as the catalog has them."""
    return [
        {
            "name": spec.title,
            "paper": spec.paper,
            "parts": [words_and_formula(getattr(spec.parts, part)) for part in texts.PART_TITLES],
        }
        for spec in able(kind).values()
    ]


def words_and_formula(part: str) -> tuple[str, str]:
    """A part of a method: in words, and as a formula where it has one."""
    words, colon, formula = part.rpartition(": ")
    return (words, formula) if colon else (part, "")


def sweeps(model: str, path: Path = SWEEPS) -> list[Json]:
    """What turning one setting does, recorded on a model.

    Raises:
        AssetError: the file cannot be read.
    """
    found = _json(path)
    return [_sweep(field, sweep) for field, sweep in found.items() if sweep["model"] == model]


def _sweep(field: str, sweep: Json) -> Json:
    spec = spec_of(sweep["method"], card(sweep["model"]).kind)
    setting = next(each for each in spec.config_cls.settings() if each.name == field)
    return {
        **sweep,
        "method": spec.title,
        "field": f"{setting.symbol} ({setting.label})" if setting.symbol else setting.label,
        "help": setting.help,
        "title": texts.SWEEP.format(field=setting.symbol or setting.label, method=spec.title),
        "about": about(sweep["date"], sweep["machine"], sweep["command"]),
        "quantities": [
            {"key": key, "title": METRICS[key].title, "digits": METRICS[key].decimals} for key in SWEPT if key in sweep["retrained"]
        ],
    }  # fmt: skip


def _json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AssetError("The recorded tables cannot be read.", hint="Fetch the repository again: git checkout -- assets.") from error  # fmt: skip
    return found


def groups(model: str, rows: Sequence[RaceRow]) -> list[Json]:
    """The tables by what was forgotten: one over everything that is compared, then one for each."""
    kinds: dict[str, list[RaceRow]] = {}
    for row in rows:
        kinds.setdefault(row.forget.partition(":")[0], []).append(row)
    return [_group(model, kind, mine) for kind, mine in kinds.items()]


def _group(model: str, kind: str, rows: Sequence[RaceRow]) -> Json:
    reference = default_method(model)
    among = compared(mostly(rows), reference)
    things = sorted(
        {row.forget for row in rows}, key=lambda forget: (forget not in {row.forget for row in among}, forget)
    )
    names = {
        "": texts.ALL[kind].format(n=len({row.forget for row in among})),
        **{forget: thing_of(forget) for forget in things},
    }

    def titled(forget: str) -> Json:
        title = texts.TABLE.format(model=card(model).title, group=texts.GROUPS[kind].lower(), which=names[forget])
        mine = among if not forget else [row for row in rows if row.forget == forget]
        return {"key": forget, "name": names[forget], **table(title, mine, reference, kind=card(model).kind)}

    return {"key": kind, "name": texts.GROUPS[kind], "tables": [titled(forget) for forget in names]}


def mostly(rows: Sequence[RaceRow]) -> list[RaceRow]:
    """The rows on forget sets and seeds that at least half of the racers ran on: where few did, the others would all count as unfinished."""
    ran: dict[Place, set[Racer]] = {}
    for row in rows:
        ran.setdefault(place_of(row), set()).add(row.racer)
    half = len({row.racer for row in rows}) / 2
    return [row for row in rows if len(ran[place_of(row)]) >= half]


def thing_of(forget: str) -> str:
    """A forget set in a list: "Sneaker", "draw 3"."""
    kind, _, body = forget.partition(":")
    return texts.ONE_DRAW.format(seed=int(body.partition("@")[2] or 0) + 1) if kind == "random" else body
