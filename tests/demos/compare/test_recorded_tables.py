"""The recorded tables of the shipped models as the tab shows them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from demos import page_data
from demos.compare import page, recorded
from demos.compare.live import LiveRaces
from demos.context import PageContext
from demos.jobs.book import JobBook
from sfr_core.catalog import able
from sfr_core.errors import AssetError
from sfr_core.zoo.shipped import card, cards
from tests.demos.compare_rows import on


def test_every_shipped_model_has_tables_that_a_browser_can_fetch() -> None:
    nothing: Any = SimpleNamespace()
    props = page.draw(LiveRaces(PageContext(book=JobBook(), browser=nothing, job=nothing))).get_config()["props"]
    assert props["models"][0]["model"] == "fashion-mnist-resnet"
    assert {one["model"] for one in props["models"]} == {card.id for card in cards()}
    for one in props["models"]:
        value = page_data.kept(one["fetch"])
        assert value["about"]["command"].startswith("python -m bench.")
        assert " 2026 on x86_64, CPU" in value["about"]["said"]
        for group in value["groups"]:
            assert group["tables"][0]["key"] == ""
            for table in group["tables"]:
                keys = {column["key"] for column in table["columns"]}
                assert table["by"] in keys
                assert all(set(row["cells"]) == keys for row in [*table["rows"], *table["pinned"]])


def test_classes_and_draws_of_the_classifier_stand_apart() -> None:
    groups = recorded.page_value("fashion-mnist-resnet")["groups"]
    assert [group["name"] for group in groups] == ["Whole classes", "A random tenth"]
    names = [table["name"] for table in groups[1]["tables"]]
    assert names[:2] == ["all 5 draws", "draw 1"]
    row = next(row for row in groups[1]["tables"][0]["rows"] if row["ours"])
    assert row["done"] == 5
    assert row["cells"]["avg_d"]["mean"] == pytest.approx(0.65, abs=0.005)  # docs/results.md


def test_days_are_told_as_people_write_them() -> None:
    race = recorded.races()["fashion-mnist-ddpm"]
    about = recorded.about(race.date, race.machine, race.command)
    assert about["said"].startswith("Recorded 24 November 2026 to ")


@pytest.mark.parametrize("content", [None, "no json", "{}", json.dumps({"emoji-dit": {"schema": 7}})])
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "compared.json"
    if content is not None:
        path.write_text(content)
    if content == "{}":
        assert recorded.races(path) == {}
        return
    with pytest.raises(AssetError) as found:
        recorded.races(path)
    assert str(found.value).count(". ") == 1


def test_classes_on_which_few_methods_ran_leave_the_others_in_the_table_of_all() -> None:
    rows = [
        on(method, forget, 1.0)
        for method in ("sfr-on", "salun", "scrub", "ssd", "delete")
        for forget in ("class:A", "class:B")
    ]
    rows += [on(method, "class:C", 1.0) for method in ("sfr-on", "salun")]
    assert {row.forget for row in recorded.mostly(rows)} == {"class:A", "class:B"}
    assert recorded.mostly(rows[:4]) == rows[:4]
    whole, *each = recorded.groups("fashion-mnist-resnet", rows)[0]["tables"]
    assert [(row["done"], row["of"]) for row in whole["rows"]] == [(2, 2)] * 5
    assert [len(one["rows"]) for one in each] == [5, 5, 2]


def test_where_methods_differ_comes_from_the_catalog() -> None:
    for model in recorded.races():
        found = recorded.page_value(model)["methods"]
        assert [one["name"] for one in found] == [spec.title for spec in able(card(model).kind).values()]
        assert all(len(one["parts"]) == 4 for one in found)
    (ours,) = [one for one in recorded.page_value("fashion-mnist-resnet")["methods"] if one["name"] == "SFR-on"]
    assert ours["parts"][0] == (
        "ratio of the diagonal Fishers of forget and remain set, at least gamma",
        "F_f / F_r ≥ γ",
    )
    assert recorded.words_and_formula("towards a neutral prompt, or ascent") == (
        "towards a neutral prompt, or ascent",
        "",
    )
    assert recorded.words_and_formula("") == ("", "")


def test_the_sweep_of_lambda_stands_with_the_model_that_it_was_made_with() -> None:
    (sweep,) = recorded.page_value("fashion-mnist-resnet")["sweeps"]
    assert (sweep["title"], sweep["field"]) == ("What λ does to SFR-on", "λ (Temperature of the weights)")
    assert [quantity["key"] for quantity in sweep["quantities"]] == ["FA", "RA", "TA", "KL"]
    assert sweep["about"]["command"] == "python -m bench.sweep --field lam"
    assert recorded.page_value("emoji-sd")["sweeps"] == []


def test_the_plane_ends_where_the_table_says() -> None:
    table = recorded.page_value("fashion-mnist-resnet")["groups"][1]["tables"][0]
    cells = next(row for row in table["rows"] if row["ours"])["cells"]
    (ours,) = [one for one in table["plane"]["ends"] if one["name"] == "SFR-on"]
    assert ours["way"] == [table["plane"]["start"], [cells["RA"]["mean"], cells["FA"]["mean"]]]
    assert table["plane"]["goal"] == [pytest.approx(table["pinned"][1]["cells"][key]["mean"]) for key in ("RA", "FA")]
    assert recorded.page_value("emoji-sd")["groups"][0]["tables"][0]["plane"]["goal"] is None
