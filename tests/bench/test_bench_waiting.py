"""What a queue told against what then ran, by hand."""

from __future__ import annotations

import pytest

from bench.waiting import Waited, honest, truth, words
from demos.text.live import STATE_LINES
from demos.text.unlearn import about


@pytest.mark.parametrize(("seconds", "read"), [(4.2, 4), (37, 35), (200, 180), (4000, 4020)])
def test_the_pages_own_lines_are_read(seconds: float, read: float) -> None:
    begins = STATE_LINES["begins"].format(time=about(seconds))
    assert words(f"{STATE_LINES['queued_next']} {begins}") == (1, read)
    assert words(f"{STATE_LINES['queued'].format(place=12)} {begins}") == (12, read)
    assert words(STATE_LINES["queued"].format(place=3)) == (3, None)
    assert words(STATE_LINES["starting"]) is None


def number(place: int, time: str = "") -> str:
    return f"Waiting: number {place} in the queue." + (f" It begins in about {time}." if time else "")


def at(when: float, line: str) -> tuple[float, float, str]:
    """A line that came at once."""
    return when, when, line


def waited(told: list[tuple[float, str]], begun: float | None) -> Waited:
    """A run of which every moment is known."""
    return Waited([at(*one) for one in told], None if begun is None else (begun, begun))


def test_places_are_compared_with_who_began_meanwhile() -> None:
    first, second = waited([], 10.0), waited([], 20.0)
    # Told at 5: two begin before it (number 3). Told 4 is one off, told 5 is two off.
    runs = [first, second, waited([(5.0, number(3)), (6.0, number(4)), (7.0, number(5))], 30.0)]
    found = truth(runs)
    assert (found["told"], found["places_right"], found["place_worst"]) == (3, 0.667, 2)
    assert not honest(found)
    # Next while the second has begun already: right. Who never had a turn says nothing.
    found = truth([second, waited([(25.0, "Waiting: you are next.")], 30.0), waited([(0.0, number(9))], None)])
    assert (found["told"], found["places_right"], found["place_worst"]) == (1, 1.0, 0)
    assert honest(found)


def test_a_place_is_right_that_was_so_at_any_time_between_question_and_answer() -> None:
    # Asked at 5, shown at 25: both others began meanwhile, so numbers 1 to 3 were right at some time, 4 is one off, 5 is two off.
    others = [waited([], 10.0), waited([], 20.0)]
    slow = Waited([(5.0, 25.0, number(place)) for place in (1, 2, 3, 4, 5)], (30.0, 30.0))
    assert truth([*others, slow])["place_worst"] == 2
    assert truth([*others, slow])["places_right"] == 0.8
    # The second was not seen to begin, only that it ended: between 10 and 40, before or after the third.
    unseen = Waited([], (10.0, 40.0))
    told = [(5.0, number(place)) for place in (1, 2, 3, 4)]
    found = truth([waited([], 8.0), unseen, waited(told, 30.0)])  # 2 and 3 are right, 1 and 4 are one off
    assert (found["places_right"], found["place_worst"]) == (1.0, 1)


def test_times_are_compared_with_the_real_ones_where_these_are_long_enough() -> None:
    told = [(0.0, number(1, "20 s")), (20.0, number(1, "45 s")), (31.0, number(1, "5 s"))]
    found = truth([waited(told, 40.0)])  # 20 of 40 s, 45 of 20 s, and 9 s that are too few
    assert (found["times_told"], found["times_right"]) == (2, 0.5)
    assert (found["time_least"], found["time_most"]) == (0.5, 2.25)
    assert not honest(found)
    assert truth([])["places_right"] is None
    assert not honest(truth([]))  # nothing was told
