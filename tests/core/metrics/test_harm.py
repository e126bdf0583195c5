"""What forgetting did to a generator, counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from sfr_core.metrics.harm import fd_ratio, harm, left, lost, nearest_lost

CLASS: tuple[dict[str, Any], dict[str, Any]] = (
    {"FA": 100.0, "JA_remain": 95.0, "FD_remain": 0.5},
    {"FA": 2.0, "JA_remain": 91.0, "FD_remain": 0.6},
)


def concept(**after: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    before = {"FA": 100.0, "FA_paraphrase": 90.0, "JA_neighbours": 80.0, "JA_others": 90.0, "JA_remain": 85.0}
    return before, {**before, "FA": 4.0, "FA_paraphrase": 10.0, **after}


def test_of_a_class_all_others_can_be_harmed() -> None:
    before, after = CLASS
    assert (left(after), lost(before, after), nearest_lost(before, after)) == (2.0, 4.0, 4.0)
    assert harm(before, after) == 6.0
    assert fd_ratio(before, after) == pytest.approx(1.2)
    assert lost(before, after, "neighbours") is None


def test_of_a_concept_its_neighbours_count_and_words_that_worked() -> None:
    before, after = concept(JA_neighbours=77.0, JA_others=50.0)
    assert left(after) == 7.0
    assert harm(before, after) == 10.0
    assert left({"FA": 4.0, "FA_paraphrase": None}) == 4.0


def test_without_neighbours_the_distant_concepts_count() -> None:
    before, after = concept(JA_others=88.0)
    assert nearest_lost({**before, "JA_neighbours": None}, {**after, "JA_neighbours": None}) == 2.0


def test_a_gain_does_not_pay_for_what_is_left() -> None:
    before, after = concept(JA_neighbours=95.0)
    assert nearest_lost(before, after) == -15.0
    assert harm(before, after) == 7.0
