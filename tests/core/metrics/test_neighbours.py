"""Which classes are taken most often for the forgotten ones."""

from __future__ import annotations

from sfr_core.metrics.neighbours import neighbours_of

# Class 0 is called 2 twice and 1 once; 1 is called 0 three times; 3 and 2 are mistaken for each other, which says nothing of 0.
LABELS = [0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 3]
SAID = [0, 2, 2, 1, 0, 0, 0, 1, 3, 2, 2]


def test_confusions_in_both_directions_count() -> None:
    assert neighbours_of([0], LABELS, SAID) == [1, 2]  # four and two times
    assert neighbours_of([0], LABELS, SAID, 1) == [1]
    assert neighbours_of([3], LABELS, SAID) == [2]


def test_of_two_forgotten_classes_what_they_are_to_each_other_is_left_out() -> None:
    assert neighbours_of([0, 1], LABELS, SAID) == [2]


def test_of_equals_the_first_class_comes_first_and_nobody_confused_is_none() -> None:
    assert neighbours_of([0], [0, 0, 0], [4, 2, 3]) == [2, 3]
    assert neighbours_of([0], [0, 1], [0, 1]) == []
    assert neighbours_of([], LABELS, SAID) == []
