"""Cells of the benchmarks as rows of a race."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from bench import classifier
from bench.cells import FOLDER, load
from bench.rows import classifier_row, generator_row
from sfr_core.runs.race_record import Neighbour, Race, Racer


def test_every_stored_cell_is_a_row_and_survives_its_file() -> None:
    cells = load(classifier.RESULTS, [])
    drawn = load(FOLDER / "generators.json", {"cells": []})["cells"][-20:]
    rows = (*map(classifier_row, cells), *map(generator_row, drawn))
    race = Race(machine="m", date="", command="python -m bench.classifier", versions={}, rows=rows)
    assert Race.from_json(race.to_json()).rows == rows
    assert len(rows) >= 35


def test_a_classifiers_row_has_the_cells_numbers() -> None:
    cell = next(cell for cell in load(classifier.RESULTS, []) if cell["forget"] == "class:Bag" and not cell["ablation"])
    row = classifier_row(cell)
    assert row.after is not None
    assert asdict(row.after).items() >= cell["after"].items()
    assert (row.avg_d, row.racer, row.model) == (cell["avg_d"], Racer(cell["method"]), "fashion-mnist-resnet")
    # 150 steps of 128 pictures, of which every thirtieth forgets as well; Fishers of all 1,000 forgotten pictures and of 8 batches of others.
    assert row.passes == pytest.approx(150 * 128 + 5 * 128 + 1000 + 8 * 128)


def test_seconds_are_those_of_a_timed_cell_only() -> None:
    cell = next(iter(load(classifier.RESULTS, [])))
    assert classifier_row({**cell, "timing": None}).seconds is None
    timed = classifier_row({**cell, "timing": {"seconds": 3.5, "threads": 2, "machine": "quiet", "go": "2026-12-01"}})
    assert (timed.seconds, timed.machine) == (3.5, "quiet")


def test_neighbours_of_a_cell_are_those_of_its_row() -> None:
    cell = next(iter(load(classifier.RESULTS, [])))
    near = (
        Neighbour(name="Sandal", before=95.0, after=90.5, retrained=96.0),
        Neighbour(name="Bag", before=97.0, after=97.5),
    )
    assert classifier_row({**cell, "neighbours": [asdict(each) for each in near]}).neighbours == near
