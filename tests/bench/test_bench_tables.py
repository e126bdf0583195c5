"""What the tables say of cells whose numbers are known."""

from __future__ import annotations

import re

import pytest

import bench.tables as bench
from bench.cells import REFERENCE, Cell
from tests.bench.bench_cells import cell, changed, classifier_cell, concept_cell, thorough


def test_labels_name_what_is_not_the_default() -> None:
    assert bench.label(classifier_cell("salun", "class:Bag")) == "salun"
    longer = classifier_cell("sfr-on", "class:Bag", preset="thorough", variant="paper")
    assert bench.label(longer) == "sfr-on (thorough, paper)"
    assert bench.label(classifier_cell("sfr-on", "class:Bag", ablation="F R-on")) == "F R-on of sfr-on"


def test_a_run_of_the_classifier_is_a_row_with_its_share_of_retraining() -> None:
    found = classifier_cell("sfr-on", "class:Bag")
    assert bench.gap(found) == pytest.approx(-0.5)
    # Of 270,000: retraining takes 30 epochs of 9,000 pictures.
    assert bench.classifier_table([found]).endswith("| 21,864 (8.1 %) |")


def test_numbers_of_a_cell_by_hand() -> None:
    assert (bench.loss(cell()), bench.fd_ratio(cell()), bench.harm(cell())) == (1.0, pytest.approx(1.1), 2.0)
    assert bench.harm(cell(JA_remain=99.0)) == 1.0  # a gain does not make up for what is left
    concept = concept_cell()
    assert (bench.left(concept), bench.loss(concept, "neighbours"), bench.harm(concept)) == (7.0, 3.0, 10.0)
    assert bench.left(concept_cell(FA_paraphrase=None)) == 4.0
    style = concept_cell(JA_others=70.0)
    style["before"] = {**style["before"], "JA_neighbours": None}
    assert bench.harm(style) == 7.0 + 20.0  # no neighbours: the others speak for them
    assert bench.harm(concept_cell(JA_neighbours=99.0)) == 7.0


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        (cell(), True),
        (cell(FA=2.0, JA_remain=92.0, FD_remain=2.3), True),
        (cell(FA=2.1), False),
        (cell(JA_remain=91.9), False),
        (cell(FD_remain=2.31), False),
        (concept_cell(), True),
        (concept_cell(FA=5.1), False),
        (concept_cell(FA_paraphrase=15.1), False),
        (concept_cell(JA_neighbours=84.9), False),
    ],
)
def test_all_three_targets_must_hold(found: Cell, holds: bool) -> None:
    assert bench.kept(found) is holds


def test_class_table_counts_the_targets() -> None:
    (mine,) = bench.by_own_steps([cell(), cell(forget="Coat", FA=9.0), cell(seed=1), cell("joint")])
    text = bench.class_table(mine)
    assert text.startswith("SFR-on redirected, one run for each class in the table.")
    assert "1 of 2 classes meet all three targets" in text
    assert text.count("\n| Bag") == 1
    assert text.count("| no |") == 1


def test_a_table_says_what_todays_preset_has_otherwise() -> None:
    old = changed(cell(), lr=1.0)
    said = "Other settings than today's preset"
    assert f"{said}: lr 1.0." in bench.table([old])
    assert said not in bench.table([old, cell(), {**cell("joint"), "settings": {}}])  # the newest stands in the table


def test_a_run_that_draws_its_pictures_and_another_preset_have_tables_of_their_own() -> None:
    free = {**cell(FA=7.0), "data": "data-free"}
    text = bench.table([cell(), free, thorough(cell(FA=0.5))])
    assert text.count("| Bag | 100.0 |") == 3
    for said in ("quick", "quick, data-free", "thorough"):
        assert f"sampler steps); {said}; fp32" in text
    assert "Data-free:" not in bench.table([{**cell(), "opening_cpu_seconds": 2.0}])
    assert "drawing the pictures of the run took 41 s" in bench.table([{**free, "opening_cpu_seconds": 41.2}])


def test_a_method_is_compared_where_sfron_was_measured_too() -> None:
    joint = [cell("joint", FA=11.0), cell("joint", seed=1, FA=21.0), cell("joint", forget="Coat")]
    text = bench.method_table([cell(), cell(seed=1), *joint, cell("salun", FA=0.0, JA_remain=95.0)])
    assert (
        "SFR-on redirected is better than Joint loss by 15.0 points of harm on the mean, and better in 2 of 2 cells"
        in text
    )
    assert "SFR-on redirected is worse than SalUn by 2.0 points of harm on the mean, and better in 0 of 1 cells" in text
    assert re.findall(r"^\| (\S+) \| (\d+) \|", text, re.M) == [("salun", "1"), (REFERENCE, "2"), ("joint", "2")]
    tie = bench.method_table([cell(), cell("joint")])
    assert "SFR-on redirected does as much harm on the mean as Joint loss, and less in 0 of 1 cells" in tie
    assert "Measured:" not in text
    assert "No second method" in bench.method_table([cell(), cell(seed=1)])
    assert "in common" in bench.method_table([cell(), cell("joint", forget="Coat")])


def test_where_only_sfron_was_measured_it_is_what_others_are_compared_with() -> None:
    both = [cell("sfr-on", FA=3.0), cell("joint", FA=11.0)]
    assert "SFR-on is better than Joint loss by 8.0 points" in bench.method_table(both)
    text = bench.table([*both, cell()])
    assert "SFR-on redirected is better than SFR-on by 2.0 points" in text
    assert re.findall(r"^(SFR-on.*), one run for each class", text, re.M) == ["SFR-on redirected", "SFR-on"]


def test_concepts_are_compared_where_both_methods_were_measured() -> None:
    uce = [concept_cell("uce", FA=24.0), concept_cell("uce", "dog", FA=0.0)]
    cells = [concept_cell(), concept_cell(seed=1), *uce]
    text = bench.table([*cells, {**concept_cell(), "protocol": "9@4"}])
    assert (
        "SFR-on redirected is better than UCE by 10.0 points of harm on the mean, and better in 1 of 1 cells." in text
    )
    assert text.count("Checkpoint aaaaaaaaaaaa after 2,000 training pictures") == 2
    assert f"| cat | {REFERENCE} | 2 | 60 | 4.0 ± 0.0 |" in bench.concept_table(cells)
    assert text.index(f"| cat | {REFERENCE} | 2") < text.index("| cat | uce")


def test_methods_are_compared_across_devices_and_classes_are_not() -> None:
    there = {"device": "a GPU", "machine": "a GPU"}
    text = bench.table([{**cell(FA=9.0), **there}, {**cell("joint", FA=11.0), **there}, cell()])
    assert text.count("1 of 1 classes meet") == text.count("0 of 1 classes meet") == 1
    assert "SFR-on redirected is better than Joint loss by 10.0 points" in text  # the newest of the default's
    assert f"Measured: joint on a GPU; {REFERENCE} on here." in text


def test_checkpoints_and_protocols_are_never_mixed() -> None:
    other = {**cell(forget="Coat"), "checkpoint": {"sha256": "b" * 64, "images_seen": 2000}}
    text = bench.table([cell(), other, {**cell(forget="Shirt"), "protocol": "50@10"}])
    assert text.count("1 of 1 classes") == 3
    assert "after 2,000 training pictures" in text
    assert "50@10" in text
    mixed = bench.table([cell(), {**cell(forget="Coat"), "precision": "bf16", "before_precision": "bf16"}])
    assert mixed.count("1 of 1 classes") == 2
    assert "; fp32, before: bf16.\n" in mixed
    assert "; bf16.\n" in mixed
    assert "1 of 1 classes" in bench.table([{**cell(FA=50.0), "settings": {}}, cell()])


def test_page_line_states_share_and_memory() -> None:
    run = {
        "forget": "Trouser", "checkpoint": {"sha256": "a" * 64}, "seconds": 100.0, "cpu_seconds": 150.0, "looks_share": 0.1,
        "spent": {"open": 2.0, "looks": 10.0, "method": 70.0, "evaluate": 18.0}, "precision": "bf16", "threads": 2,
        "looks_share_of_run": 0.125, "first_picture_seconds": 4.0, "peak_resident_bytes": 3 * 2**20,
    }  # fmt: skip
    line = bench.page_line(run)
    assert "previews 10 s (10 % of the whole, 12 % of method and previews)" in line
    assert "opening 2 s, method 70 s" in line
    assert "3 MiB resident" in line


def test_what_an_attack_brings_back_stands_beside_the_original_and_the_retrained_model() -> None:
    cells = [{**concept_cell("uce", seed=seed), "settings": {}} for seed in (0, 1)]
    how = {"attack": {"samples": 40, "steps": 300}, "precision": "fp32"}
    attacked = [{**cells[0], **how, "shown": 100.0}, {**cells[1], **how, "shown": 90.0}]
    attacked.append({**cells[0], **how, "steps": 7, "shown": 1.0})  # of another run
    attacked += [{**cells[0], **how, "method": who, "shown": n} for who, n in (("original", 97.5), ("retrained", 12.5))]
    text = bench.table(cells, (), attacked)
    assert "| cat | original |  |  | 100.0 | 100.0 | - | - | - | - | - | - | 97.5 |" in text
    assert "| cat | retrained |  |  | - | - | - | - | - | - | - | - | 12.5 |" in text
    assert "| 0 of 2 | 95.0 ± 7.1 (2) |" in text or "| 2 of 2 | 95.0 ± 7.1 (2) |" in text
    assert "percent of 40 samples that show the concept once a word has been learned for it in 300 steps" in text
    assert "| - |\n" in bench.table(cells)
    # A rival's cell has the steps of its equal time, its attack names the preset's and says apart how many ran.
    rival = {**concept_cell("esd-x", seed=0), "settings": {"lr": 0.1, "steps": 40}}
    rival["settings"]["steps"] = rival["steps"]
    assert bench.same_run({**rival, "settings": {"lr": 0.1, "steps": 60}}, rival)
    assert not bench.same_run({**rival, "settings": {"lr": 0.2, "steps": 60}}, rival)
    assert not bench.same_run({**rival, "steps": rival["steps"] + 1}, rival)
