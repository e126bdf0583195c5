"""Which number "What now?" is measured by, and what its table counts."""

from __future__ import annotations

from typing import Any

from bench import whatnow
from bench.whatnow import CASES, config_of, gap, helped, key, summed, table
from demos.records.what_now import MOST
from sfr_core.plan import plan
from sfr_core.results import ClassifierRecord, RunResult
from tests.demos.compare_examples import measured, result


def of(after: ClassifierRecord, **goal: float) -> RunResult:
    return result(
        after=after,
        retrained=measured(**{"FA": 0.0, "TA": 61.0, "MIA": 40.0, "TA_forget": 0.0, "TA_remain": 91.0, **goal}),
    )


def test_the_gap_of_a_class_is_that_of_what_was_found() -> None:
    run = of(measured(TA_forget=30.0, TA_remain=88.5, MIA=10.0))
    assert gap("kept", True, run, run) == 30.0
    assert gap("lost", True, run, run) == 2.5
    assert gap("noticed", True, run, run) == 30.0


def test_the_gap_of_a_share_stays_that_of_the_run_before() -> None:
    """It is the accuracy on the share where that was off, else the membership attack; also after the suggestion."""
    base = of(measured(FA=95.0, MIA=60.0), FA=92.0)
    then = of(measured(FA=92.5, MIA=70.0), FA=92.0)
    assert (gap("kept", False, base, base), gap("kept", False, then, base)) == (3.0, 0.5)
    even = of(measured(FA=92.5, MIA=60.0), FA=92.0)
    assert (gap("kept", False, even, even), gap("kept", False, base, even)) == (20.0, 20.0)
    assert gap("lost", False, of(measured(TA=58.0)), base) == 3.0


def cell(before: float, after: float, **changes: Any) -> dict[str, Any]:
    return {
        "method": "sfr-on", "case": "a case", "forget": "class:Bag", "finding": "kept", "suggestion": 0, "words": "More",
        "gap": before, "gap_then": after, **changes,
    }  # fmt: skip


def test_the_table_counts_where_the_gap_got_smaller() -> None:
    cells = [cell(10.0, 2.0), cell(10.0, 10.0, forget="class:Coat"), cell(3.0, 1.0, suggestion=1)]
    assert [helped(one) for one in cells] == [True, False, True]
    assert "| sfr-on, a case | Bag | not forgotten | More | 10.0 | 2.0 | yes |" in table(cells)
    assert summed(cells) == "The named gap got smaller after 1 of 2 first suggestions, 1 of 1 other suggestions."


def test_cases_are_different_runs_that_can_be_planned() -> None:
    assert len({key(cell(0, 0, case=c.name, forget=c.forget, method=c.method)) for c in CASES}) == len(CASES)
    for case in CASES:
        assert plan(config_of(case)).settings.to_dict().items() >= case.settings.items()


def test_what_is_stored_is_told() -> None:
    stored = whatnow.load(whatnow.RESULTS, [])
    assert all(one["finding"] in whatnow.TOLD and one["suggestion"] < MOST for one in stored)
    assert len({key(one) for one in stored}) == len(stored)
