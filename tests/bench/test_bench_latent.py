"""The benchmark of the latent models: cells of both kinds from real tiny pipelines, and what the tables say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import bench.latent as bench
from bench.concept_table import concept_table, harm, kept, left, loss
from bench.diffusion_cells import Place
from sfr_core.errors import InputError
from sfr_core.metrics.generation import Protocol
from sfr_core.runs import evaluate as kinds
from sfr_core.zoo.cards import ModelCard
from tests.core.tiny_sd import SMALL_CONCEPTS, named_judge, sd_folder


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelCard:
    """The tiny text-to-image model as a shipped one, measured on few samples, with results of its own."""
    made = sd_folder(tmp_path / "emoji-sd", id="emoji-sd", source="bundled")
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results" / "latent.json")
    monkeypatch.setattr(bench, "card", lambda _: made)
    for module in (bench, kinds):
        monkeypatch.setattr(module, "protocol_of", lambda _: Protocol(12, 4))
    monkeypatch.setattr(kinds, "open_judge", lambda _: named_judge())
    # Other tests count what they draw of the same model.
    monkeypatch.setattr(kinds, "_samples", type(kinds._samples)(4))
    monkeypatch.setattr(bench, "settings_of", lambda _, place: dict(SMALL_CONCEPTS[place.method]))
    return made


def cell(method: str = "sfr-on", forget: str = "cat", seed: int = 0, **after: float | None) -> dict[str, Any]:
    """Before: direct 100, neighbours and others 90; after as given."""
    record = {"FA": 100.0, "FA_paraphrase": 100.0, "JA_neighbours": 90.0, "JA_others": 90.0, "FD_remain": 1.0}
    return {
        "kind": "text-to-image", "forget": forget, "seed": seed, "method": method, "steps": 60, "cpu_seconds": 50.0,
        "protocol": "100@20", "precision": "bf16", "machine": "here", "checkpoint": {"sha256": "a" * 64, "images_seen": 2000},
        "before": record, "after": {**record, "FA": 4.0, "FA_paraphrase": 10.0, "JA_neighbours": 87.0, **after},
    }  # fmt: skip


def test_sfron_comes_first() -> None:
    found = bench.places(["cat", "dog"], [0, 1], ["uce", "sfr-on"])
    assert found[:4] == [Place(name, seed, "sfr-on") for seed in (0, 1) for name in ("cat", "dog")]
    assert [place.method for place in found[4:]] == ["uce"] * 4


def test_numbers_of_a_cell_by_hand() -> None:
    assert (left(cell()), loss(cell(), "neighbours"), harm(cell())) == (7.0, 3.0, 10.0)
    assert kept(cell())
    assert not any(kept(c) for c in (cell(FA=5.1), cell(FA_paraphrase=15.1), cell(JA_neighbours=84.9)))
    assert left(cell(FA_paraphrase=None)) == 4.0
    style = cell(JA_others=70.0)
    style["before"] = {**style["before"], "JA_neighbours": None}
    assert harm(style) == 7.0 + 20.0  # no neighbours: the others speak for them
    assert harm(cell(JA_neighbours=99.0)) == 7.0  # a gain does not make up for what is left


def test_methods_are_compared_where_both_were_measured() -> None:
    cells = [cell(), cell(seed=1), cell("uce", FA=24.0), cell("uce", "dog", FA=0.0), {**cell(), "protocol": "9@4"}]
    text = concept_table(cells)
    assert "SFR-on is better than uce by 10.0 points of harm on the mean, and better in 1 of 1 cells." in text
    assert text.count("Checkpoint aaaaaaaaaaaa after 2,000 training pictures") == 2
    assert "| cat | sfr-on | 2 | 60 | 4.0 ± 0.0 |" in text
    assert text.index("| cat | sfr-on | 2") < text.index("| cat | uce")


def test_a_table_is_filled_cell_by_cell_and_not_measured_again(
    model: ModelCard, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["--model", "emoji-sd", "--forget", "cat", "--seeds", "0", "--methods", "uce", "esd-x"]
    assert bench.main(asked) == 0
    cells = bench.load()
    assert [c["method"] for c in cells] == ["sfr-on", "uce", "esd-x"]
    assert all(c["before"] == cells[0]["before"] for c in cells)
    assert cells[0]["mask_density"] is not None
    assert cells[2]["steps"] == cells[2]["settings"]["steps"] >= 1  # as many as fit
    assert cells[1]["budget_cpu_seconds"] == cells[0]["cpu_seconds"]
    assert "esd-x by" in capsys.readouterr().out
    monkeypatch.setattr(bench, "measure", None)
    assert bench.main(asked) == 0
    assert bench.find(cells, replace(model, sha256="b" * 64), Place("cat", 0, "uce")) is None
    assert bench.find(cells, model, Place("cat", 1, "uce")) is None
    assert json.loads(bench.RESULTS.read_text()) == cells
    # A concept with other prompts is another question: the cell fills no place, and the table leaves it out beside newer ones.
    other = [{**cell, "prompts": "0" * 12} for cell in cells]
    assert bench.find(other, model, Place("cat", 0, "uce")) is None
    assert bench.tables([*other, *cells]) == bench.tables(cells)


def test_without_sfron_there_is_no_time_to_give(model: ModelCard) -> None:
    with pytest.raises(InputError, match="was not measured on cat with seed 0"):
        bench.measure(model, Place("cat", 0, "esd-x"), [])


def test_what_cannot_be_measured_is_said_in_a_sentence(model: ModelCard, capsys: pytest.CaptureFixture[str]) -> None:
    for argv, said in (
        (["--forget", "cats"], "Unknown concept 'cats'"),
        (["--methods", "scrub"], "SCRUB"),
        (["--folder", "nowhere"], "nowhere"),
    ):
        assert bench.main(["--model", "emoji-sd", *argv]) == 2
        told = capsys.readouterr().err
        assert said in told
        assert told.count("\n") == 1
    assert bench.load() == []
