"""What was recorded of each shipped model: the races of assets/compared.json as tables, made when the tab is first opened."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from demos.compare.table import Json, compared, table
from demos.text import compare as texts
from sfr_core.errors import AssetError
from sfr_core.kinds import KINDS
from sfr_core.presets import default_method
from sfr_core.runs.race_record import Race, RaceRow
from sfr_core.zoo.shipped import card, cards

FILE = Path(__file__).resolve().parents[2] / "assets/compared.json"


@cache
def races(path: Path = FILE) -> dict[str, Race]:
    """The recorded race of each model that this program has.

    Raises:
        AssetError: the file is missing, or holds something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AssetError("The recorded tables cannot be read.", hint="Fetch the repository again: git checkout -- assets.") from error  # fmt: skip
    here = [each.id for each in sorted(cards(), key=lambda each: KINDS[each.kind].order)]
    return {model: Race.from_json(found[model], "a recorded table") for model in here if model in found}


@cache
def page_value(model: str) -> Json:
    """What the tab shows of a model: its recorded tables, by what was forgotten."""
    race = races().get(model)
    if race is None or not race.rows:
        return {"model": model, "title": card(model).title, "about": None, "groups": []}
    return {"model": model, "title": card(model).title, "about": about(race), "groups": groups(model, race.rows)}


def about(race: Race) -> dict[str, Any]:
    """Where and when a race was recorded, and what makes it again."""
    days = [date.fromisoformat(day) for day in race.date.split("/") if day]
    when = " to ".join(f"{day.day} {day:%B %Y}" for day in days)
    return {
        "said": texts.RECORDED_WHEN.format(when=when, machine=race.machine.replace("; ", " and ")),
        "command": race.command,
    }


def groups(model: str, rows: Sequence[RaceRow]) -> list[Json]:
    """The tables by what was forgotten: one over everything that is compared, then one for each."""
    kinds: dict[str, list[RaceRow]] = {}
    for row in rows:
        kinds.setdefault(row.forget.partition(":")[0], []).append(row)
    return [_group(model, kind, mine) for kind, mine in kinds.items()]


def _group(model: str, kind: str, rows: Sequence[RaceRow]) -> Json:
    reference = default_method(model)
    among = compared(rows, reference)
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
        return {"key": forget, "name": names[forget], **table(title, mine, reference, settings=True)}

    return {"key": kind, "name": texts.GROUPS[kind], "tables": [titled(forget) for forget in names]}


def thing_of(forget: str) -> str:
    """A forget set in a list: "Sneaker", "draw 3"."""
    kind, _, body = forget.partition(":")
    return texts.ONE_DRAW.format(seed=int(body.partition("@")[2] or 0) + 1) if kind == "random" else body
