"""Which number "What now?" is measured by, and what its table counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench import whatnow
from bench.whatnow import CASES, config_of, gap, helped, key, summed, table
from demos.records.what_now import MOST
from sfr_core.plan import plan
from sfr_core.results import ClassifierRecord, RunResult
from tests.demos import generator_examples
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


def drawn(**numbers: Any) -> RunResult:
    return generator_examples.result(after=generator_examples.measured(**numbers))


def test_the_gap_of_a_generators_class_is_what_is_left_or_what_the_others_lost() -> None:
    """Before: 98 % of the class, 96 % of the others at a distance of 2; retrained: nothing of the class."""
    base = drawn(FA=30.0, JA_remain=86.0, FD_remain=3.0)
    assert (gap("kept", True, base, base), gap("kept", True, drawn(FA=4.0), base)) == (30.0, 4.0)
    assert (gap("lost", True, base, base), gap("lost", True, drawn(JA_remain=97.0), base)) == (10.0, 0.0)
    # Its others are as many as before, but look less real: half as far again from real pictures, then a tenth.
    blurred = drawn(JA_remain=95.0, FD_remain=3.0)
    assert gap("lost", True, blurred, blurred) == 50.0
    assert gap("lost", True, drawn(JA_remain=90.0, FD_remain=2.2), blurred) == pytest.approx(10.0)


def test_the_gap_of_a_concept_is_by_its_own_prompts_first_and_of_its_neighbours_first() -> None:
    words = {"FA_paraphrase": 40.0, "JA_neighbours": 60.0, "JA_others": 90.0}
    before = generator_examples.measured(FA=98.0, FA_paraphrase=90.0, JA_neighbours=80.0, JA_others=91.0)
    base = generator_examples.result(before=before, after=generator_examples.measured(FA=20.0, **words))
    assert (gap("kept", False, base, base), gap("lost", False, base, base)) == (20.0, 20.0)
    by_words = generator_examples.result(before=before, after=generator_examples.measured(FA=2.0, **words))
    assert gap("kept", False, by_words, by_words) == 40.0
    alone = replace(before, JA_neighbours=None)
    far = generator_examples.measured(FA=2.0, FA_paraphrase=1.0, JA_others=70.0)
    none = generator_examples.result(before=alone, after=far)
    assert gap("lost", False, none, none) == 21.0


def cell(before: float, after: float, **changes: Any) -> dict[str, Any]:
    return {
        "method": "sfr-on", "case": "a case", "forget": "class:Bag", "finding": "kept", "suggestion": 0, "words": "More",
        "gap": before, "gap_then": after, **changes,
    }  # fmt: skip


def test_the_table_counts_where_the_gap_got_smaller() -> None:
    cells = [cell(10.0, 2.0), cell(10.0, 10.0, forget="class:Coat"), cell(3.0, 1.0, suggestion=1)]
    assert [helped(one) for one in cells] == [True, False, True]
    assert "| fashion-mnist-resnet | sfr-on, a case | Bag | not forgotten | More | 10.0 | 2.0 | yes |" in table(cells)
    assert summed(cells) == "The named gap got smaller after 1 of 2 first suggestions, 1 of 1 other suggestions."


def test_cases_are_different_runs_that_can_be_planned() -> None:
    assert len({key(cell(0, 0, model=c.model, case=c.name, forget=c.forget, method=c.method)) for c in CASES}) == len(
        CASES
    )
    for case in CASES:
        assert plan(config_of(case)).settings.to_dict().items() >= case.settings.items()


def test_what_is_stored_is_told() -> None:
    stored = whatnow.load(whatnow.RESULTS, [])
    assert all(one["finding"] in whatnow.TOLD and one["suggestion"] < MOST for one in stored)
    assert len({key(one) for one in stored}) == len(stored)
