"""Which cells are equal, which are measured again, and files that several processes fill."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import bench.classifier
import bench.generators
from bench.cells import REFERENCE, Cell, Place, find, identity, load, places, unmeasured
from sfr_core.catalog import BY_KIND
from tests.bench.bench_cells import DDPM, cell, changed, classifier_cell, thorough

BAG = Place("Bag", 0, REFERENCE)
FREE, LONGER, JOINT = replace(BAG, data="data-free"), replace(BAG, preset="thorough"), replace(BAG, method="joint")


def test_the_default_is_measured_before_the_methods_that_take_its_time() -> None:
    found = places(["Bag", "Coat"], [0, 1], ["joint", REFERENCE, "salun"])
    assert len(found) == len(set(found)) == 2 * 2 * 3
    assert found[:4] == [Place(name, seed, REFERENCE) for seed in (0, 1) for name in ("Bag", "Coat")]
    assert [place.method for place in found[4:]] == ["joint"] * 4 + ["salun"] * 4
    assert places(["Bag"], [0], [], "thorough", "data-free") == [Place("Bag", 0, REFERENCE, "thorough", "data-free")]


@pytest.mark.parametrize(
    ("found", "place", "fills"),
    [
        (json.loads(json.dumps(cell())), BAG, True),  # as it comes out of the file
        (cell(), replace(BAG, seed=1), False),
        (cell(), FREE, False),
        (cell(), LONGER, False),
        ({**cell(), "data": "data-free"}, BAG, False),
        ({**cell(), "data": "data-free"}, FREE, True),
        (thorough(cell()), BAG, False),
        (thorough(cell()), LONGER, True),
        (cell("joint"), replace(JOINT, preset="thorough"), False),  # its presets differ in steps only
        (changed(cell(), steps=3), BAG, False),
        (changed(cell(), lr=1.0), BAG, False),
        (changed(cell("joint"), steps=3), JOINT, True),  # its steps follow from the default's time
        (changed(cell("sfr-on"), steps=3), replace(BAG, method="sfr-on"), False),  # SFR-on runs as its preset says
        (changed(cell("joint"), lr=1.0), JOINT, False),
        ({**cell(), "prompts": "0" * 12}, BAG, False),  # other prompts are another question
    ],
)
def test_a_cell_fills_the_place_of_its_own_settings_preset_and_pictures(found: Cell, place: Place, fills: bool) -> None:
    assert (find([found], unmeasured(DDPM, place, "100@20")) is not None) is fills
    plain = replace(place, preset="quick", data="shipped", seed=0)
    wanted = cell(place.method)
    assert find([changed(found, lr=0.5), wanted], unmeasured(DDPM, plain, "100@20")) == wanted


def test_a_cell_of_another_checkpoint_or_protocol_fills_no_place() -> None:
    assert find([cell()], unmeasured(replace(DDPM, sha256="b" * 64), BAG, "100@20")) is None
    assert find([cell()], unmeasured(DDPM, BAG, "500@50")) is None


def test_results_of_several_processes_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add, stored = bench.generators.add, bench.generators.stored
    monkeypatch.setattr(bench.generators, "RESULTS", tmp_path / "results" / "generators.json")
    for found in (cell(), cell(seed=1), {**cell(FA=77.0), "precision": "bf16"}):
        add("cells", found)
    assert stored()["cells"] == [cell(), cell(seed=1)]  # another process was faster
    add("page", {"seconds": 1.0})
    assert stored()["page"] == [{"seconds": 1.0}]


def test_cells_of_the_classifier_are_replaced_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.classifier, "RESULTS", tmp_path / "classifier.json")
    for forget, more in (("Bag", {}), ("Coat", {}), ("Bag", {"avg_d": 1.0}), ("Bag", {"variant": "paper"})):
        bench.classifier.enter(classifier_cell("scrub", f"class:{forget}", **more))
    found = load(tmp_path / "classifier.json", [])
    assert [(c["forget"], c["avg_d"]) for c in found] == [("class:Bag", 1.0), ("class:Coat", 7.5), ("class:Bag", 7.5)]


def test_seconds_are_shown_of_one_go_only() -> None:
    early, late = ({"seconds": 1.0, "go": go} for go in ("2026-12-01T07:00:00+00:00", "2026-12-01T08:00:00+00:00"))
    cells = [
        classifier_cell("scrub", f"class:{name}", timing=timing) for name, timing in (("Bag", early), ("Coat", late))
    ]
    assert [c["timing"] for c in bench.classifier.in_one_go([*cells, {**cells[0], "timing": None}])] == [
        None,
        late,
        None,
    ]
    assert bench.classifier.in_one_go(cells[:1]) == cells[:1]


def test_a_measured_cell_is_timed_by_its_own_settings_and_keeps_its_numbers() -> None:
    # In closed form, so that it is over in a second.
    (found,) = (
        c for c in load(bench.classifier.RESULTS, []) if (c["method"], c["forget"]) == ("mupht", "class:Trouser")
    )
    timed = bench.classifier.timed(found, "now")
    assert timed["timing"]["seconds"] > 0
    assert timed["timing"]["go"] == "now"
    assert {**timed, "timing": None} == {**found, "timing": None}


def test_a_cell_of_the_classifier_is_told_by_method_preset_variant_ablation_and_forget_set() -> None:
    plain = classifier_cell("sfr-on", "class:Bag")
    assert bench.classifier.key(plain) == ("sfr-on", "quick", "official", "", "class:Bag")
    assert bench.classifier.key({**plain, "ablation": "R"}) != bench.classifier.key(plain)
    assert bench.classifier.key({**plain, "variant": "paper"}) != bench.classifier.key(plain)


def test_the_committed_cells_have_settings_that_the_program_still_knows() -> None:
    cells = load(bench.classifier.RESULTS, [])
    assert len({bench.classifier.key(c) for c in cells}) == len(cells) >= 170
    for c in cells:
        known = BY_KIND["classifier"][c["method"]].config_cls.from_dict(c["settings"]).to_dict()
        assert known.items() >= c["settings"].items()  # fields that came later have their defaults
    generators = bench.generators.stored()
    assert (len(generators["cells"]), len(generators["page"])) >= (200, 3)
    assert all(identity(c) for c in generators["cells"])
    ours = [c["method"] for c in generators["cells"] if c["settings"].get("forget_loss") == "relative"]
    assert set(ours) == {REFERENCE}  # no cell with losses of ours has the paper's name
