"""The benchmark's file and tables: cells told apart, replaced in place, averaged over the forget sets that all have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import bench.classifier as bench
from bench.classifier_table import gap, label, side_by_side, table


def cell(method: str, forget: str, **more: Any) -> dict[str, Any]:
    record = {"FA": 0.0, "RA": 99.0, "TA": 82.0, "MIA": 10.0, "TA_forget": 0.0, "TA_remain": 91.0, "KL": 0.25}
    retrained = {**record, "MIA": 40.0, "TA_remain": 91.5}
    return {
        "method": method, "preset": "quick", "forget": forget, "after": record, "retrained": retrained,
        "avg_d": 7.5, "avg_d_before": 30.0, "retrain_seconds": 90.0, "timing": None, **more,
    }  # fmt: skip


def test_a_cell_without_variant_is_the_official_one() -> None:
    plain = cell("sfr-on", "class:Bag")
    assert bench.key(plain) == ("sfr-on", "quick", "official", "", "class:Bag")
    assert bench.key({**plain, "variant": "official", "ablation": None}) == bench.key(plain)
    assert bench.key({**plain, "ablation": "R"}) != bench.key(plain)
    assert bench.key({**plain, "variant": "paper"}) != bench.key(plain)


def test_labels_name_what_is_not_the_default() -> None:
    assert label(cell("salun", "class:Bag")) == "salun"
    assert label(cell("sfr-on", "class:Bag", preset="thorough", variant="paper")) == "sfr-on (thorough, paper)"
    assert label(cell("sfr-on", "class:Bag", ablation="F R-on")) == "F R-on of sfr-on"


def test_cells_are_replaced_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "classifier.json")
    for forget in ("class:Bag", "class:Coat"):
        bench.enter(cell("scrub", forget))
    bench.enter(cell("scrub", "class:Bag", avg_d=1.0))
    bench.enter(cell("scrub", "class:Bag", variant="paper"))
    found = json.loads((tmp_path / "classifier.json").read_text())
    assert [(c["forget"], c["avg_d"]) for c in found] == [("class:Bag", 1.0), ("class:Coat", 7.5), ("class:Bag", 7.5)]


def test_seconds_are_shown_only_where_they_were_measured() -> None:
    timed = cell("sfr-on", "class:Bag", timing={"seconds": 8.1}, cpu_seconds=13.0, retrain_cpu_seconds=160.0)
    assert gap(timed) == pytest.approx(-0.5)
    assert "| 8.1 s | 9.0 % | 8.1 % |" in table([timed])
    assert "| not timed | not timed | not measured |" in table([cell("sfr-on", "class:Bag")])


def test_side_by_side_averages_the_common_sets_and_dashes_the_rest() -> None:
    better = cell("sfr-on", "class:Coat", timing={"seconds": 9.0})
    better["after"] = {**better["after"], "TA_remain": 91.6, "TA_forget": 0.3, "MIA": 36.0}
    tenth = cell("sfr-on", "random:0.1@0", avg_d=0.5)
    text = side_by_side(
        [cell("sfr-on", "class:Bag"), better, tenth, cell("scrub", "class:Bag")],
        ["class:Bag", "class:Coat"], ["random:0.1@0"],
    )  # fmt: skip
    ours, scrub = text.splitlines()[2:]
    # Gaps -0.5 and +0.1; MIA 30 and 4 off.
    assert ours == ("| sfr-on | 0.3 % | -0.20 (worst -0.50) | 17.0 | 7.50 | 9.0 s | 0.50 | 30.0 | 0.250 | not timed |")
    assert scrub == "| scrub | " + " | ".join(["–"] * 9) + " |"


def test_the_committed_cells_have_settings_that_the_program_still_knows() -> None:
    from sfr_core.catalog import BY_KIND

    cells = bench.load()
    assert len({bench.key(c) for c in cells}) == len(cells)
    for c in cells:
        known = BY_KIND["classifier"][c["method"]].config_cls.from_dict(c["settings"]).to_dict()
        assert known.items() >= c["settings"].items()  # fields that came later have their defaults
