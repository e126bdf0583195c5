"""race.json: the same after a round through its file, and refused in a sentence where it is not one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sfr_core.errors import AssetError, PlaygroundError
from sfr_core.events import Step
from sfr_core.runs.race_record import (
    FILE,
    RaceEnded,
    RaceRow,
    RunBegan,
    RunEnded,
    Told,
    race_event_json,
    read_race,
    write_race,
)
from tests.core.runs.race_examples import config, drawn, race, row


def failed(method: str = "salun", seed: int = 0) -> RaceRow:
    return row(method, seed, status="failed", said="It diverged.", before=None, after=None, retrained=None, avg_d=None)


def test_a_race_is_the_same_after_its_file(tmp_path: Path) -> None:
    told = race(row(), row(seed=1), failed(), replace(drawn("salun", 5.0, 90.0), entry="salun-1"))
    write_race(tmp_path, told)
    assert read_race(tmp_path) == read_race(tmp_path / FILE) == told
    assert [p.name for p in tmp_path.iterdir()] == [FILE]
    assert told.configs["salun-1"] == config("salun", 1)


def test_a_new_row_comes_to_its_place_and_replaces_an_older_one() -> None:
    stopped = row(seed=1, status="stopped", said="It was stopped.", after=None)
    told = race(stopped).with_row(failed()).with_row(row())
    assert [one.entry for one in told.rows] == ["finetune-0", "finetune-1", "salun-0"]
    assert told.left == ("finetune-1", "salun-1")  # what failed is not made again, what was stopped is
    assert told.with_row(row(seed=1)).rows[1] == row(seed=1)
    assert told.with_row(row(seed=1)).left == ("salun-1",)


SPOILT: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda data: data.update(schema=7), "schema 7"),
    (lambda data: data.pop("machine"), "'machine' in this race cannot be read: it is missing"),
    (lambda data: data.update(extra=1), "'extra' in this race"),
    (lambda data: data["rows"][0].update(entry="../../etc"), "'entry' in this race"),
    (lambda data: data["plan"].update({"../up": {}}), "this race cannot be read"),
    (lambda data: data["rows"][0].update(status="won"), "'status' in this race"),
    (lambda data: data["rows"][0]["after"].update(FA="10"), "'FA' in this race"),
    (lambda data: data["rows"][0].update(seconds=-1.0), "'seconds' in this race"),
    (lambda data: data["rows"][0].update(seed=True), "'seed' in this race"),
    (lambda data: data["rows"][0].update(entry="other-0"), "not those of its plan"),
    (lambda data: data["rows"].append(data["rows"][0]), "not those of its plan"),
    (lambda data: data.update(rows=7), "'rows' in this race"),
]


@pytest.mark.parametrize(("spoil", "said"), SPOILT)
def test_what_is_no_race_is_refused_in_a_sentence(tmp_path: Path, spoil: Callable[[Any], Any], said: str) -> None:
    data = race(row()).to_json()
    spoil(data)
    (tmp_path / FILE).write_text(json.dumps(data))
    with pytest.raises(AssetError) as error:
        read_race(tmp_path)
    assert said.casefold() in str(error.value).casefold()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000, "\xff"])
def test_what_is_no_table_is_refused_too(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(AssetError):
        read_race(tmp_path)


def test_a_plan_that_holds_no_configuration_is_refused_where_it_is_read() -> None:
    with pytest.raises(PlaygroundError, match="lacks"):
        _ = replace(race(), plan={"finetune-0": {"model": "m"}}).configs


def test_what_a_race_says_is_json() -> None:
    step = Step(i=1, total=2, lr=0.1, seconds=0.5)
    events = [RunBegan(entry="a-0", i=1, total=2), Told(entry="a-0", event=step), RunEnded(row=row()), RaceEnded(status="stopped")]  # fmt: skip
    began, told, ended, last = (json.loads(json.dumps(race_event_json(event))) for event in events)
    assert began == {"event": "RunBegan", "entry": "a-0", "i": 1, "total": 2}
    assert (told["event"], told["i"], told["entry"]) == ("Step", 1, "a-0")
    assert ended["row"]["after"]["FA"] == 10.0
    assert last == {"event": "RaceEnded", "status": "stopped"}
