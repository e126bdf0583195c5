"""Stored cells of the benchmarks as rows of a race (sfr_core/runs/race_record.py), so that one table shows both.

What a cell does not hold follows from its settings (passes) or from the model's card (records of a retrained generator).
"""

from __future__ import annotations

from typing import Any

from bench.cells import TUNED, Cell
from bench.tables import plan_of
from sfr_core import passes
from sfr_core.reading import read
from sfr_core.results import ClassifierRecord, GeneratorRecord
from sfr_core.runs.race_record import Neighbour, RaceRow
from sfr_core.zoo.cards import retrained_model

HINT = "Measure the cell again."


def classifier_row(cell: Cell) -> RaceRow:
    """A cell of bench.classifier.

    Raises:
        AssetError: its records cannot be read.
    """
    timing = cell["timing"] or {}
    return RaceRow(
        **_common(cell),
        variant=cell["variant"],
        part=cell["ablation"] or "",
        **{who: read(ClassifierRecord, cell[who], f"'{who}' of a cell", hint=HINT) for who in ("before", "after", "retrained")},
        avg_d=cell["avg_d"],
        kl_floor=cell["kl_floor"],
        neighbours=tuple(read(Neighbour, each, "a neighbour of a cell", hint=HINT) for each in cell.get("neighbours") or ()),
        seconds=timing.get("seconds"),
        machine=timing.get("machine") or cell["machine"],
    )  # fmt: skip


def generator_row(cell: Cell) -> RaceRow:
    """A cell of bench.generators. Its wall time says nothing: several ran at a time, so that CPU seconds stand alone.

    Raises:
        AssetError: its records cannot be read.
    """
    run = plan_of(cell)
    reference = retrained_model(run.card, run.forget.spec.text)
    return RaceRow(
        **_common(cell),
        variant="official",
        data=cell["data"],
        steps=cell["steps"],
        before=read(GeneratorRecord, cell["before"], "'before' of a cell", hint=HINT),
        after=read(GeneratorRecord, cell["after"], "'after' of a cell", hint=HINT),
        retrained=None if reference is None else reference.records.get(cell["protocol"]),
        machine=cell["machine"],
    )


def _common(cell: Cell) -> dict[str, Any]:
    """What cells of both kinds have."""
    run = plan_of(cell)
    made = cell.get("passes")
    return {
        "model": run.card.id, "forget": run.forget.spec.text, "method": cell["method"],
        "preset": "quick" if cell["preset"] == TUNED else cell["preset"],  # whose settings are told beside it
        "seed": cell["seed"], "settings": cell["settings"], "status": "done", "mask_density": cell["mask_density"],
        "passes": passes.planned(run) if made is None else made, "retrain_passes": passes.retraining(run),
        "cpu_seconds": cell.get("cpu_seconds"), "device": cell["device"], "date": cell.get("date", ""),
    }  # fmt: skip
