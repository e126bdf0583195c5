"""The recorded tables that are shipped are what the cells say."""

from __future__ import annotations

import json

from bench.compared import FILE, compact, compared, races, text
from sfr_core.runs.race_record import Race
from sfr_core.zoo.shipped import card
from tests.core.runs.race_examples import race, row


def test_the_shipped_file_is_what_the_cells_say() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run python -m bench.results"


def test_every_model_is_read_back_with_the_numbers_of_its_cells() -> None:
    stored = json.loads(text())
    for model, found in races().items():
        again = Race.from_json(stored[model])
        assert len(again.rows) == len(found.rows) > 0
        for old, new in zip(found.rows, again.rows, strict=True):
            assert (old.racer, old.forget, old.seed, old.settings) == (new.racer, new.forget, new.seed, new.settings)
            assert old.after is not None
            assert new.after is not None
            assert abs(old.after.FA - new.after.FA) < 1e-4
    assert all(cell["date"] for cell in compared("emoji-dit"))


def test_generators_are_compared_in_one_protocol_of_todays_checkpoint() -> None:
    for model in ("fashion-mnist-ddpm", "emoji-dit", "emoji-sd"):
        cells = compared(model)
        assert len({cell["protocol"] for cell in cells}) == 1
        assert {cell["checkpoint"]["sha256"] for cell in cells} == {card(model).sha256}
        places = [(cell["forget"], cell["seed"], cell["method"]) for cell in cells]
        assert len(places) == len(set(places))


def test_a_compact_row_leaves_out_what_reading_fills_in() -> None:
    found = compact(race(row(seconds=1.23456789, machine="here")))
    (short,) = found["rows"]
    assert short["seconds"] == 1.2346
    assert not {"part", "said", "kl_floor", "cpu_seconds", "data"} & set(short)
    again = Race.from_json(found)
    assert (again.rows[0].data, again.rows[0].said, again.rows[0].kl_floor) == ("shipped", "", None)
