"""The table of methods and its first lines, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from demos.compare.table import _place_words, compared, name_of, said, table
from sfr_core.runs.race_record import Racer, RaceRow
from tests.core.runs.race_examples import row
from tests.demos.compare_rows import on, sample

A, B = "class:A", "class:B"
OURS = "sfr-on"


def both(method: str, a: float, b: float, **changes: Any) -> list[RaceRow]:
    return [on(method, A, a, **changes), on(method, B, b, **changes)]


def line(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in found["rows"] if each["name"] == name)


def test_only_what_two_ran_on_is_compared() -> None:
    rows = [*both(OURS, 1.0, 3.0), on(OURS, "class:C", 50.0), *both("salun", 4.0, 6.0)]
    assert {each.forget for each in compared(rows, OURS)} == {A, B}
    assert len(compared(rows[:3], OURS)) == 3  # alone, all of it stands
    assert compared(rows[3:], OURS) == rows[3:]
    found = table("t", rows, OURS)
    assert line(found, "SFR-on")["cells"]["avg_d"] == {
        "mean": 2.0, "spread": pytest.approx(2**0.5), "n": 2, "gap": None, "score": 2.0, "best": True,
    }  # fmt: skip
    assert line(found, "SFR-on")["ours"]
    assert not line(found, "SalUn")["cells"]["avg_d"]["best"]


def test_the_gap_is_that_to_the_retrained_model_and_stands_beside_it() -> None:
    found = table("t", both(OURS, 1.0, 3.0), OURS)
    cells = line(found, "SFR-on")["cells"]
    assert (cells["MIA"]["mean"], cells["MIA"]["gap"]) == (34.0, -6.0)
    assert cells["neighbours"]["mean"] == -7.0
    assert cells["passes"] == {
        "mean": 25.0, "spread": 0.0, "n": 2, "gap": None, "score": 25.0, "best": False, "beside": "50 passes",
    }  # fmt: skip
    assert [each["name"] for each in found["pinned"]] == ["Original model", "Retrained model"]
    assert found["pinned"][1]["cells"]["RA"]["mean"] == 98.0
    assert found["by"] == "avg_d"


def test_best_is_only_what_is_ahead_by_more_than_the_spread() -> None:
    near, far, wide = both(OURS, 1.0, 2.0), both("salun", 5.0, 6.0), both("scrub", 1.0, 9.0)
    assert line(table("t", near + far, OURS), "SFR-on")["cells"]["avg_d"]["best"]
    assert not line(table("t", near + wide, OURS), "SFR-on")["cells"]["avg_d"]["best"]
    assert said(near + far, OURS, "avg_d") == [
        "SFR-on is nearest to retraining: its mean gap is 1.50 ± 0.71 points (2 runs).",
        "Next is SalUn, 4.00 points behind, more than the spread of either.",
        "Nothing here beats SFR-on.",
    ]
    assert said(near + wide, OURS, "avg_d")[1] == "Next is SCRUB, 3.50 points behind, within the spread."


def test_what_beats_sfr_on_is_said_with_how_much() -> None:
    rows = [*both(OURS, 5.0, 6.0), *both("salun", 1.0, 2.0), *both("scrub", 4.0, 6.0)]
    assert said(rows, OURS, "avg_d")[0] == (
        "SFR-on is beaten by SalUn (by 4.00 points, more than the spread of either); SCRUB (by 0.50 points, within the spread)."
    )
    once = [on(OURS, A, 5.0), on("salun", A, 1.0)]
    assert said(once, OURS, "avg_d") == [
        "SFR-on is beaten by SalUn (by 4.00 points, measured only once, so the spread is unknown).",
        "SalUn is nearest to retraining: its mean gap is 1.00 points (1 run).",
        "Next is SFR-on, 4.00 points behind, measured only once, so the spread is unknown.",
    ]


def test_one_that_lacks_runs_has_no_place_and_takes_nobodys() -> None:
    rows = [*both(OURS, 5.0, 6.0), on("salun", A, 1.0), *both("scrub", 8.0, 9.0)]
    found = table("t", rows, OURS)
    assert (line(found, "SalUn")["done"], line(found, "SalUn")["of"]) == (1, 2)
    assert found["said"][0].startswith("SFR-on is nearest")
    assert found["said"][2:] == [
        "SFR-on is beaten by SalUn (by 4.00 points, measured only once, so the spread is unknown).",
        "Not ranked, because not everything has been measured yet: SalUn.",
    ]
    assert not any(each["cells"]["avg_d"]["best"] for each in found["rows"])


def test_a_table_in_which_nobody_ran_on_all_says_so() -> None:
    rows = [on(OURS, A, 5.0), on("salun", B, 1.0)]
    assert said(rows, OURS, "avg_d") == ["Not ranked, because not everything has been measured yet: SFR-on, SalUn."]


def test_the_models_stand_in_the_figure_though_the_last_run_of_a_forget_set_failed() -> None:
    failed: dict[str, Any] = {
        "after": None,
        "before": None,
        "retrained": None,
        "avg_d": None,
        "status": "failed",
        "said": "No.",
    }
    rows = [*both(OURS, 1.0, 2.0), on("salun", A, 1.0), on("scrub", A, 0.0, **failed), on("scrub", B, 0.0, **failed)]
    plane = table("t", rows, OURS)["plane"]
    assert plane == {**table("t", rows[:3], OURS)["plane"], "ends": plane["ends"]}
    assert plane["start"]
    assert plane["goal"]


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        ("x86_64, CPU, 2 cores, python 3.11, torch 2.14", "CPU, 2 cores"),
        ("NVIDIA H200, bf16, python 3.12", "NVIDIA H200, bf16"),
        ("CPU, 2 cores, fp32, python 3.11", "CPU, 2 cores, fp32"),
        ("a desk", "a desk"),
    ],
)
def test_a_machine_is_named_with_its_device(machine: str, words: str) -> None:
    assert _place_words(machine) == words


def test_retraining_itself_is_no_rival() -> None:
    rows = [*both(OURS, 5.0, 6.0), *both("retrain", 0.0, 0.1)]
    assert table("t", rows, OURS)["said"] == [
        "Only SFR-on has been measured here so far: its mean gap to the retrained model is 5.50 ± 0.71 points (2 runs)."
    ]


def test_seconds_stand_only_where_all_were_timed_on_one_machine() -> None:
    def keys(rows: list[RaceRow]) -> list[str]:
        return [column["key"] for column in table("t", rows, OURS)["columns"]]

    assert "seconds" in keys(both(OURS, 1.0, 2.0))
    untimed = [*both(OURS, 1.0, 2.0), *both("salun", 1.0, 2.0, seconds=None)]
    assert "seconds" not in keys(untimed)
    assert table("t", untimed, OURS)["notes"] == [
        "No seconds stand here, because not all of these runs were timed in one go on one machine."
    ]
    assert "seconds" not in keys([*both(OURS, 1.0, 2.0), *both("salun", 1.0, 2.0, machine="x86_64, GPU, python 3")])


def test_what_failed_or_was_stopped_is_told_and_not_counted() -> None:
    gone: dict[str, Any] = {"after": None, "avg_d": None}
    rows = [
        *both(OURS, 1.0, 2.0), on("salun", A, 0.0, status="failed", said="It diverged.", **gone),
        on("salun", B, 0.0, status="stopped", said="It was stopped.", **gone),
    ]  # fmt: skip
    found = line(table("t", rows, OURS), "SalUn")
    assert (found["done"], found["notes"]) == (0, ["1 stopped", "1 failed: It diverged."])
    assert set(found["cells"].values()) == {None}
    assert table("t", [rows[2]], OURS)["said"] == ["Nothing was measured here yet."]


def test_generators_are_ordered_by_harm() -> None:
    rows = [sample("sfr-on", seed, 0.0, 88.0) for seed in (0, 1)] + [
        sample("salun", seed, 10.0, 80.0) for seed in (0, 1)
    ]
    found = table("t", rows, "sfr-on")
    assert found["by"] == "harm"
    assert found["said"][:2] == [
        "SFR-on does the least harm: 2.00 ± 0.00 points (2 runs).",
        "Next is SalUn, 18.0 points behind, more than the spread of either.",
    ]
    assert line(found, "SalUn")["cells"]["lost"]["mean"] == 10.0
    assert [each["name"] for each in found["pinned"]] == ["Original model"]


def test_settings_and_machines_that_differ_are_noted() -> None:
    cpu, gpu = "x86_64, CPU, 2 cores, python 3", "x86_64, GPU, python 3"
    steps = [
        on("salun", A, 1.0, settings={"steps": 36}, machine=gpu),
        on("salun", B, 1.0, settings={"steps": 60}, machine=cpu),
    ]
    rows = [*both(OURS, 1.0, 2.0, settings={}, machine=cpu), *steps]
    found = table("t", rows, OURS, kind="ddpm")
    assert line(found, "SalUn")["notes"] == ["36 to 60 steps", "partly on GPU"]
    assert line(found, "SFR-on")["notes"] == []
    assert found["notes"][1].startswith("Trained rivals have as many steps")
    tuned = table("t", [on(OURS, A, 1.0, settings={"lr": 0.1, "alpha": 40.0})], OURS, kind="classifier")
    assert line(tuned, "SFR-on")["notes"] == ["learning rate 0.1", "forgetting strength 40"]


def test_names_tell_ablations_and_what_is_unusual() -> None:
    assert name_of(Racer("sfr-on")) == "SFR-on"
    assert name_of(Racer("sfr-on", "R-on")) == "SFR-on without mask and adaptive weights (R-on)"
    assert name_of(Racer("salun", preset="thorough")) == "SalUn (thorough)"
    assert name_of(Racer("sfr-on", variant="paper")) == "SFR-on (paper)"
    thorough = row("sfr-on", preset="thorough", avg_d=0.1)
    assert table("t", [thorough, row("sfr-on", avg_d=1.0)], OURS)["rows"][1]["ours"]
