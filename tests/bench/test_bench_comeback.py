"""Which runs are attacked for the column "comes back", and that none is attacked twice."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
import torch

from bench import comeback
from bench.cells import Place, updating
from bench.pace import open_session
from sfr_core.configs import RunConfig
from sfr_core.errors import InputError
from sfr_core.runs.evaluate import pictures_key
from sfr_core.runs.session import Session
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.zoo.shipped import card

MODEL = card("emoji-sd")


def asked(**given: object) -> Namespace:
    return Namespace(**{"forget": None, "methods": None, "seeds": None, "precision": "fp32", **given})


def test_references_come_first_and_the_retrained_one_where_it_is_shipped() -> None:
    wanted = [cell for _, cell in comeback.cells(asked(methods=[]), MODEL)]
    assert [(c["forget"], c["method"]) for c in wanted] == [
        ("cat", "original"), ("cat", "retrained"), ("flags", "original"), ("google style", "original"),
    ]  # fmt: skip


def test_a_run_is_attacked_with_the_steps_of_its_measured_cell() -> None:
    place, cell = next(
        (p, c) for p, c in comeback.cells(asked(methods=["uce"], seeds=[1]), MODEL) if c["method"] == "uce"
    )
    assert (place.seed, place.forget, cell["seed"]) == (1, "cat", 1)
    assert cell["attack"]["samples"] == 40
    with pytest.raises(InputError, match="gradient-ascent was not measured on cat with seed 0"):
        comeback.wanted(MODEL, Place("cat", 0, "gradient-ascent", data="data-free"), "fp32")


def test_a_measured_cell_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comeback, "COMEBACKS", tmp_path / "comeback.json")
    cell = comeback.reference(MODEL, "cat", "original", "fp32")
    assert comeback.found(cell) is None
    with updating(comeback.COMEBACKS, []) as every:
        every.append({**cell, "shown": 97.5})
    assert (comeback.found(cell) or {})["shown"] == 97.5
    assert comeback.found({**cell, "precision": "bf16"}) is None


def test_pictures_that_an_earlier_cell_drew_are_not_drawn_again() -> None:
    *_, (place, cell) = comeback.cells(asked(methods=["uce"], forget=["cat"], seeds=[1]), MODEL)
    config = RunConfig(model=MODEL.id, forget="concept:cat", method="uce", settings=cell["settings"], seed=place.seed, device="cpu",
                       precision="fp32", data="data-free")  # fmt: skip
    session = Session.open(config, MODEL)
    key = pictures_key(session.task, session)
    assert key is not None
    drawn = {key.text(): torch.full((2, 4, 8, 8), 7.0)}
    task = open_session(MODEL, place, cell["settings"], "fp32", drawn=drawn).task
    assert isinstance(task, DiffusionTask)
    assert torch.equal(task.store.held, drawn[key.text()])
    assert task.preparation() == 0
