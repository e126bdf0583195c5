"""Cells of the generators' tables from real tiny models, their sheet, and what cannot be measured."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bench.generators as bench
from bench.cells import REFERENCE, Cell, Place, find, unmeasured
from bench.generators import GAP, MARK, SCALE, TILES, TITLE, measure, save_tiles, sheet
from bench.pace import bare_run
from bench.tables import page_line, table
from sfr_core.data.samples import sample_plan
from sfr_core.errors import InputError
from sfr_core.metrics.generation import Protocol
from sfr_core.ops.stepwise import drained
from sfr_core.runs import evaluate
from sfr_core.runs import session as sessions
from sfr_core.runs.sampling import OriginalSamples, draw
from sfr_core.zoo.cards import ModelCard
from tests.bench.bench_cells import DDPM, cell, changed
from tests.core.tiny_ddpm_run import ddpm_session
from tests.core.tiny_sd import SMALL_CONCEPTS, named_judge, sd_folder

SMALL = Protocol(12, 4)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelCard:
    """The tiny text-to-image model as a shipped one, measured on few samples, with results of its own."""
    made = sd_folder(tmp_path / "emoji-sd", id="emoji-sd", source="bundled")
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results" / "generators.json")
    monkeypatch.setattr(bench, "card", lambda _: made)
    for module in (bench, evaluate):
        monkeypatch.setattr(module, "protocol_of", lambda _: SMALL)
    monkeypatch.setattr(sessions, "open_judge", lambda _: named_judge())
    for module in ("bench.cells", "bench.generators"):
        monkeypatch.setattr(f"{module}.settings_of", lambda _, place: dict(SMALL_CONCEPTS[place.method]))
    return made


def test_a_table_is_filled_cell_by_cell_and_not_measured_again(
    model: ModelCard, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["--model", "emoji-sd", "--forget", "cat", "--seeds", "0", "--methods", "uce", "esd-x"]
    bench.main(asked)
    cells = bench.stored()["cells"]
    assert [c["method"] for c in cells] == [REFERENCE, "uce", "esd-x"]
    assert all(c["before"] == cells[0]["before"] for c in cells)
    assert cells[0]["mask_density"] is not None
    assert cells[2]["steps"] == cells[2]["settings"]["steps"] >= 1  # as many as fit
    assert cells[1]["budget_cpu_seconds"] == cells[0]["cpu_seconds"]
    assert "as much harm on the mean as ESD-x" in capsys.readouterr().out
    monkeypatch.setattr(bench, "measure", None)
    bench.main(asked)
    assert bench.stored()["cells"] == cells
    uce = Place("cat", 0, "uce", data="data-free")
    assert find(cells, unmeasured(model, uce, SMALL.name)) == cells[1]
    assert find(cells, unmeasured(replace(model, sha256="b" * 64), uce, SMALL.name)) is None
    assert find(cells, unmeasured(model, replace(uce, seed=1), SMALL.name)) is None
    # A concept with other prompts is another question: the cell fills no place, and the table leaves it out beside newer ones.
    other = [{**cell, "prompts": "0" * 12} for cell in cells]
    assert find(other, unmeasured(model, uce, SMALL.name)) is None
    assert table([*other, *cells]) == table(cells)


@pytest.mark.parametrize("others", [[], [{**cell(), "protocol": "500@50"}], [changed(cell(), lr=1.0)], [cell(seed=1)]])
def test_a_method_gets_no_time_from_no_cell_another_protocol_preset_or_seed(others: list[Cell]) -> None:
    sampler = Protocol(100, 20)
    with pytest.raises(InputError, match="was not measured on Bag with seed 0"):
        measure(DDPM, Place("Bag", 0, "joint"), others, OriginalSamples(sampler), sampler)


@pytest.mark.parametrize(
    ("of", "argv", "said"),
    [
        ("fashion-mnist-ddpm", ["--forget", "Trousers"], "Unknown class 'Trousers'. Did you mean 'Trouser'?"),
        ("fashion-mnist-ddpm", ["--methods", "nothing"], "Unknown method 'nothing'"),
        ("fashion-mnist-ddpm", ["--methods", "retrain"], "is not measured here"),
        ("fashion-mnist-ddpm", ["--sampler-steps", "7"], "7 sampling steps do not divide 1000."),
        ("fashion-mnist-ddpm", ["--samples", "1"], "1 samples are too few."),
        ("fashion-mnist-ddpm", ["--folder", "nowhere"], "nowhere"),
        ("emoji-sd", ["--forget", "cats"], "Unknown concept 'cats'"),
        ("emoji-sd", ["--methods", "scrub"], "SCRUB"),
        ("emoji-sd", ["--folder", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    of: str, argv: list[str], said: str, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    if of == "emoji-sd":
        request.getfixturevalue("model")
    stored, _ = bench.stored(), capsys.readouterr()
    with pytest.raises(SystemExit, match="2"):
        bench.main(["--model", of, *argv])
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert bench.stored() == stored


def test_tiles_and_the_frame_of_the_forgotten_row(tmp_path: Path) -> None:
    labels = np.repeat(np.arange(3), [TILES + 2, 2, TILES])
    images = np.repeat(labels[:, None, None, None] * 40 + 40, 28 * 28, 1).reshape(-1, 28, 28, 1).astype(np.uint8)
    drawn: Any = SimpleNamespace(images=images, labels=labels)
    save_tiles(drawn, tmp_path / "tiles" / "a.png")
    tiles = Image.open(tmp_path / "tiles" / "a.png")
    assert tiles.size == (TILES * 28, 3 * 28)
    assert [tiles.getpixel((5, 28 * k + 5)) for k in range(3)] == [40, 80, 120]
    assert tiles.getpixel((28 * 3, 28 + 5)) == 0  # only two samples were drawn of class 1
    whole = sheet([("before", None, tiles), ("without 1", 1, tiles)])
    marked = np.argwhere((np.asarray(whole) == MARK).all(-1))
    assert len(marked)
    assert marked[:, 1].min() > GAP + SCALE * TILES * 28  # nothing is framed in the first panel
    side = SCALE * 28
    top = GAP + TITLE + side
    assert (marked[:, 0].min(), marked[:, 0].max()) == (top - 2, top + side + 1)
    with pytest.raises(ValueError, match="no cell"):
        sheet([])


def test_samples_of_the_untouched_model_are_drawn_once_and_are_its_own(tmp_path: Path) -> None:
    session, sampler = ddpm_session(tmp_path), Protocol(6, 2)
    before, task = OriginalSamples(sampler), session.task
    labels = sample_plan((3,), 10, 6)
    wanted = drained(draw(task, task.judge, labels, sampler)).images
    bare_run(session)
    assert np.array_equal(before.drawn(task, session.reference("before"), labels).images, wanted)
    other = sample_plan((4,), 10, 6)
    few = before.drawn(task, session.reference("before"), other).images
    assert np.array_equal(few[other == 0], wanted[labels == 0][:1])


def test_the_record_before_is_taken_from_a_cell_that_had_the_same_model_machine_and_sampler(tmp_path: Path) -> None:
    session, sampler = ddpm_session(tmp_path), Protocol(18, 2)
    task, labels = session.task, sample_plan((3,), 10, 18)
    record = OriginalSamples(sampler).drawn(task, session.reference("before"), labels).record((3,))
    other = {
        **cell("salun", seed=2), "forget": "three", "protocol": sampler.name, "before_precision": "fp32", "machine": "here",
        "device": session.device_name, "checkpoint": {"sha256": session.card.sha256}, "before": asdict(record),
    }  # fmt: skip

    def found(**values: Any) -> Any:
        return bench.known_before([{**other, **values}], session, sampler, "three", "here")

    assert found() == record
    for field in ("protocol", "before_precision", "machine", "device", "forget"):
        assert found(**{field: "another"}) is None
    assert found(checkpoint={"sha256": "f" * 64}) is None


def test_seconds_of_a_page_run_add_up_from_the_opening_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "open_session", lambda *_: ddpm_session(tmp_path))  # the shipped model takes minutes
    found = bench.page_run(DDPM)
    spent = found["spent"]
    assert all(seconds > 0 for seconds in spent.values())
    assert sum(spent.values()) == pytest.approx(found["seconds"])
    assert found["looks_share"] < found["looks_share_of_run"] < 1
    assert spent["open"] < found["first_picture_seconds"] < found["seconds"]
    assert "a fresh process" in page_line(found)
