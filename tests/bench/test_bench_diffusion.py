"""The diffusion benchmark: which cells are measured, how many steps are equal time, what the tables and the sheet say."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bench.diffusion as bench
from bench import diffusion_cells, pace
from bench.diffusion import measure
from bench.diffusion_cells import Place, add, cell_of, load, missing, places
from bench.diffusion_sheet import GAP, MARK, SCALE, TILES, TITLE, save_tiles, sheet
from bench.diffusion_table import class_table, fd_ratio, harm, ja_loss, kept, method_table, page_line, table
from bench.equal_time import Measured, bare_run, cost, steps_for
from sfr_core.cancel import CancelToken
from sfr_core.errors import InputError
from sfr_core.metrics.generation import Protocol, sample_plan
from sfr_core.ops.stepwise import drained
from sfr_core.runs.runner import run
from sfr_core.runs.sampling import OriginalSamples, draw
from tests.core.tiny import same, state
from tests.core.tiny_ddpm_run import ddpm_session


def cell(method: str = "sfr-on", forget: str = "Bag", seed: int = 0, **after: float) -> dict[str, Any]:
    """A cell: before FA 100, JA 95, FD 2.0; after as given."""
    record = {"FA_softmax": 1.0, "accepted_any": 5.0, "diversity": 0.9}
    return {
        "method": method, "forget": forget, "label": 8, "seed": seed, "steps": 50, "protocol": "100@20", "seconds": 60.0, "preset": "quick",
        "settings": Place(forget, seed, method).settings,
        "cpu_seconds": 80.0, "once_seconds": 0.0, "machine": "here", "checkpoint": {"sha256": "a" * 64, "images_seen": 1000},
        "before": {**record, "FA": 100.0, "JA_remain": 95.0, "FD_remain": 2.0},
        "after": {**record, "FA": 1.0, "JA_remain": 94.0, "FD_remain": 2.2, **after},
    }  # fmt: skip


def test_sfron_is_measured_before_the_methods_that_take_its_time() -> None:
    found = places("methods", ["Bag", "Coat"], [0, 1], ["joint", "sfr-on", "salun"])
    assert len(found) == len(set(found)) == 2 * 2 * 3
    assert [p.method for p in found[:4]] == ["sfr-on"] * 4
    assert places("classes", ["Bag", "Coat"], [5, 6], ["joint"]) == [
        Place("Bag", 5, "sfr-on"),
        Place("Coat", 5, "sfr-on"),
        Place("Bag", 6, "sfr-on"),
        Place("Coat", 6, "sfr-on"),
    ]


def test_measured_cells_are_skipped_on_the_same_checkpoint_and_protocol_only() -> None:
    wanted = [Place("Bag", 0, "sfr-on"), Place("Bag", 1, "sfr-on")]
    assert missing([cell()], wanted, "a" * 64, "100@20") == wanted[1:]
    assert missing([cell()], wanted, "b" * 64, "100@20") == wanted
    assert missing([cell()], wanted, "a" * 64, "500@50") == wanted


def test_a_run_that_draws_its_pictures_and_another_preset_have_cells_and_tables_of_their_own() -> None:
    shipped, free = Place("Bag", 0, "sfr-on"), Place("Bag", 0, "sfr-on", data="data-free")
    thorough = Place("Bag", 0, "sfr-on", "thorough")
    found = {**cell(FA=7.0), "data": "data-free"}
    assert missing([cell()], [shipped, free, thorough], "a" * 64, "100@20") == [free, thorough]
    assert missing([found], [shipped, free], "a" * 64, "100@20") == [shipped]
    assert missing([{**cell(), "data": "shipped"}], [shipped], "a" * 64, "100@20") == []
    longer = {**cell(FA=0.5), "preset": "thorough", "settings": thorough.settings}
    assert missing([longer], [shipped, thorough], "a" * 64, "100@20") == [shipped]
    rival = Place("Bag", 0, "joint", "thorough")
    assert missing([cell("joint")], [rival], "a" * 64, "100@20") == [rival]  # its presets differ in steps only
    both = table([cell(), found, longer])
    assert both.count("| Bag | 100.0 |") == 3
    for said in ("quick", "quick, data-free", "thorough"):
        assert f"sampler steps); {said}; fp32" in both
    assert "Data-free:" not in table([{**cell(), "opening_cpu_seconds": 2.0}])
    assert "drawing the pictures of the run took 41 s" in table([{**found, "opening_cpu_seconds": 41.2}])
    assert places("classes", ["Bag"], [0], [], "thorough", "data-free") == [
        Place("Bag", 0, "sfr-on", "thorough", "data-free")
    ]


def test_cells_of_other_settings_fill_no_place() -> None:
    ours, rival = Place("Bag", 0, "sfr-on"), Place("Bag", 0, "joint")

    def changed(method: str, **settings: Any) -> dict[str, Any]:
        found = cell(method)
        return {**found, "settings": {**found["settings"], **settings}}

    def fills(found: dict[str, Any], place: Place) -> bool:
        return missing([found], [place], "a" * 64, "100@20") == []

    assert fills(json.loads(json.dumps(cell())), ours)  # as it comes out of the file
    assert not fills(changed("sfr-on", steps=3), ours)
    assert not fills(changed("sfr-on", lr=1.0), ours)
    assert fills(changed("joint", steps=3), rival)  # its steps follow from SFR-on's time
    assert not fills(changed("joint", lr=1.0), rival)
    assert cell_of([changed("sfr-on", lr=1.0), cell()], ours, "a" * 64, "100@20") == cell()


def test_a_method_gets_no_time_from_another_protocol_or_preset() -> None:
    retuned = {**cell(), "settings": {**cell()["settings"], "lr": 1.0}}
    model: Any = SimpleNamespace(sha256="a" * 64)
    sampler = Protocol(100, 20)
    for other in ({**cell(), "protocol": "500@50"}, retuned, cell(seed=1)):
        with pytest.raises(InputError, match="was not measured on Bag with seed 0"):
            measure(model, Place("Bag", 0, "joint"), [other], OriginalSamples(sampler), sampler)


def test_what_cannot_be_measured_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for argv, said in (
        (["--classes", "Trousers"], "Unknown class 'Trousers'. Did you mean 'Trouser'?"),
        (["--methods", "nothing"], "Unknown method 'nothing'"),
        (["--methods", "retrain"], "is not measured here"),
        (["--sampler-steps", "7"], "7 sampling steps do not divide 1000."),
        (["--samples", "1"], "1 samples are too few."),
        (["--folder", "nowhere"], "nowhere"),
    ):
        assert bench.main(argv) == 2
        told = capsys.readouterr().err
        assert said in told
        assert told.count("\n") == 1


def test_steps_for_equal_time_by_hand() -> None:
    # 4 steps: 3 of 2 s after a first one of 5 s, a mask of 4 s, and 100 s that are needed once.
    # Of 79 s the mask and the first step leave 70, which are 35 steps more.
    measured = Measured(4, 0.0, 115.0, 6.0, 100.0, None)
    assert steps_for(79.0, measured) == 36
    assert steps_for(1.0, measured) == 1
    assert steps_for(cost(measured, 36), measured) == 36


def test_equal_time_on_a_gpu_is_that_of_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "RESULTS", tmp_path / "pace.json")
    row = {
        "forget": "Bag",
        "settings": {"lr": 1.0, "steps": 50},
        "machine": "here",
        "seconds": 9.0,
        "mask_density": None,
        "steps": 4,
    }
    ours = {**row, "cpu_seconds": 16.0, "step_cpu_seconds": 6.0, "once_cpu_seconds": 0.0}  # 10 and 2 a step
    theirs = {**row, "cpu_seconds": 5.0, "step_cpu_seconds": 3.0, "once_cpu_seconds": 1.0}  # 1 and 1 a step
    pace.RESULTS.write_text(json.dumps({"m": {"sfr-on": ours, "salun": theirs}}))
    assert pace.equal_steps("m", "salun", {"lr": 1.0, "steps": 7}, {"lr": 1.0, "steps": 11}) == (30, 30.0)
    with pytest.raises(InputError, match="of salun costs on m is not known") as told:
        pace.equal_steps("m", "salun", {"lr": 2.0, "steps": 7}, {"lr": 1.0, "steps": 11})
    assert "python -m bench.pace m" in str(told.value.hint)


def test_numbers_of_a_cell_by_hand() -> None:
    assert (ja_loss(cell()), fd_ratio(cell())) == (1.0, pytest.approx(1.1))
    assert harm(cell()) == 2.0
    assert harm(cell(JA_remain=99.0)) == 1.0  # a gain does not make up for what is left
    assert kept(cell())
    assert kept(cell(FA=2.0, JA_remain=92.0, FD_remain=2.3))
    assert not any(kept(c) for c in (cell(FA=2.1), cell(JA_remain=91.9), cell(FD_remain=2.31)))


def test_class_table_counts_the_targets() -> None:
    text = class_table([cell(), cell(forget="Coat", FA=9.0), cell(seed=1), cell("joint")])
    assert "1 of 2 classes keep all three" in text
    assert text.count("\n| Bag") == 1
    assert text.count("| no |") == 1


def test_a_table_says_what_todays_preset_has_otherwise() -> None:
    old = {**cell(), "settings": {**cell()["settings"], "lr": 1.0}}
    said = "SFR-on with other settings than today's preset"
    assert f"{said}: lr 1.0." in table([old])
    assert said not in table([old, cell(), {**cell("joint"), "settings": {}}])  # the newest stands in the table


def test_a_method_is_compared_where_sfron_was_measured_too() -> None:
    cells = [
        cell(),
        cell(seed=1),
        cell("joint", FA=11.0),
        cell("joint", seed=1, FA=21.0),
        cell("joint", forget="Coat"),
        cell("salun", FA=0.0, JA_remain=95.0),
    ]
    text = method_table(cells)
    assert "SFR-on is better than joint by 15.0 points of harm on the mean, and in 2 of 2 cells" in text
    assert "SFR-on is worse than salun by 2.0 points of harm on the mean, and in 0 of 1 cells" in text
    rows = [line.split(" |")[:2] for line in text.splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert rows == [["| salun", " 1"], ["| sfr-on", " 2"], ["| joint", " 2"]]
    assert "Measured:" not in text
    assert "No second method" in method_table(cells[:2])
    assert "in common" in method_table([cell(), cell("joint", forget="Coat")])


def test_methods_are_compared_across_devices_and_classes_are_not() -> None:
    def there(found: dict[str, Any]) -> dict[str, Any]:
        return {**found, "device": "a GPU", "machine": "a GPU"}

    text = table([there(cell(FA=9.0)), there(cell("joint", FA=11.0)), cell()])
    assert text.count("1 of 1 classes keep") == text.count("0 of 1 classes keep") == 1
    assert "SFR-on is better than joint by 10.0 points" in text  # the newest of SFR-on's
    assert "Measured: joint on a GPU; sfr-on on here." in text


def test_checkpoints_and_protocols_are_never_mixed() -> None:
    other = {**cell(forget="Coat"), "checkpoint": {"sha256": "b" * 64, "images_seen": 2000}}
    text = table([cell(), other, {**cell(forget="Shirt"), "protocol": "50@10"}])
    assert text.count("1 of 1 classes") == 3
    mixed = table([cell(), {**cell(forget="Coat"), "precision": "bf16", "before_precision": "bf16"}])
    assert mixed.count("1 of 1 classes") == 2
    assert "; fp32, before: bf16.\n" in mixed  # a cell of the time when none was named
    assert "; bf16.\n" in mixed
    retuned = {**cell(FA=50.0), "settings": {}}
    assert "1 of 1 classes" in table([retuned, cell()])
    assert "after 2,000 training pictures" in text
    assert "50@10" in text


def test_page_line_states_share_and_memory() -> None:
    run = {
        "forget": "Trouser", "checkpoint": {"sha256": "a" * 64}, "seconds": 100.0, "cpu_seconds": 150.0, "looks_share": 0.1,
        "spent": {"open": 2.0, "looks": 10.0, "method": 70.0, "evaluate": 18.0}, "precision": "bf16", "threads": 2,
        "looks_share_of_run": 0.125, "first_picture_seconds": 4.0,
        "peak_resident_bytes": 3 * 2**20,
    }  # fmt: skip
    line = page_line(run)
    assert "live looks 10 s (10 % of the whole, 12 % of method and looks)" in line
    assert "opening 2 s, method 70 s" in line
    assert "3 MiB resident" in line


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
    width = SCALE * TILES * 28
    marked = np.argwhere((np.asarray(whole) == MARK).all(-1))
    assert len(marked)
    assert marked[:, 1].min() > GAP + width  # nothing is framed in the first panel
    side = SCALE * 28
    top = GAP + TITLE + side
    assert (marked[:, 0].min(), marked[:, 0].max()) == (top - 2, top + side + 1)
    with pytest.raises(ValueError, match="no cell"):
        sheet([])


def test_a_bare_run_is_the_run_of_the_page_without_its_looks(tmp_path: Path) -> None:
    bare, page = ddpm_session(tmp_path / "a", seed=3), ddpm_session(tmp_path / "b", seed=3)
    took = bare_run(bare)
    for _ in run(page, cancel=CancelToken(), evaluate=False):
        pass
    assert same(state(bare.task.model), state(page.task.model))
    assert took.steps == 4
    assert took.mask_density is not None
    assert 0 < took.step_cpu_seconds < took.cpu_seconds
    assert took.once_cpu_seconds == 0


def test_the_fisher_of_selective_amnesia_is_needed_once(tmp_path: Path) -> None:
    took = bare_run(ddpm_session(tmp_path, "selective-amnesia"))
    assert 0 < took.once_cpu_seconds < took.cpu_seconds - took.step_cpu_seconds


def test_samples_of_the_untouched_model_are_drawn_once_and_are_its_own(tmp_path: Path) -> None:
    session, sampler = ddpm_session(tmp_path), Protocol(6, 2)
    before, task = OriginalSamples(sampler), bench.task_of(session)
    labels = sample_plan((3,), 10, 6)
    wanted = drained(draw(task, task.judge, labels, sampler)).images
    bare_run(session)
    assert np.array_equal(before.drawn(task, session.reference("before"), labels).images, wanted)
    other = sample_plan((4,), 10, 6)
    few = before.drawn(task, session.reference("before"), other).images
    assert np.array_equal(few[other == 0], wanted[labels == 0][:1])


def test_the_record_before_is_taken_from_a_cell_that_had_the_same_model_machine_and_sampler(tmp_path: Path) -> None:
    session, sampler = ddpm_session(tmp_path), Protocol(18, 2)
    task, labels = bench.task_of(session), sample_plan((3,), 10, 18)
    record = OriginalSamples(sampler).drawn(task, session.reference("before"), labels).record((3,))
    other = {
        **cell("salun", "three", seed=2), "protocol": sampler.name, "before_precision": "fp32", "machine": "here",
        "device": session.device_name, "checkpoint": {"sha256": session.card.sha256}, "before": asdict(record),
    }  # fmt: skip

    def found(**values: Any) -> Any:
        return bench.known_before([{**other, **values}], session, sampler, "three", "here")

    assert found() == record
    for field in ("protocol", "before_precision", "machine", "device", "forget"):
        assert found(**{field: "another"}) is None
    assert found(checkpoint={"sha256": "f" * 64}) is None


def test_results_of_several_processes_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffusion_cells, "RESULTS", tmp_path / "results" / "diffusion.json")
    add("cells", cell())
    assert add("cells", cell(seed=1))["cells"] == load()["cells"] == [cell(), cell(seed=1)]
    equal = {**cell(FA=77.0), "precision": "bf16"}
    assert add("cells", equal)["cells"] == [cell(), cell(seed=1)]  # another process was faster
    assert add("page", {"seconds": 1.0})["page"] == [{"seconds": 1.0}]


def test_seconds_of_a_page_run_add_up_from_the_opening_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "open_session", lambda *_: ddpm_session(tmp_path))  # the shipped model takes minutes
    card: Any = SimpleNamespace(sha256="a" * 64, training={"images_seen": 1})
    found = bench.page_run(card)
    spent = found["spent"]
    assert all(seconds > 0 for seconds in spent.values())
    assert sum(spent.values()) == pytest.approx(found["seconds"])
    assert found["looks_share"] < found["looks_share_of_run"] < 1
    assert spent["open"] < found["first_picture_seconds"] < found["seconds"]
    assert "a fresh process" in page_line(found)
