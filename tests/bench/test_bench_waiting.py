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


def test_places_are_compared_with_who_began_meanwhile() -> None:
    first, second = Waited([], 10.0), Waited([], 20.0)
    # Told at 5: two begin before it (number 3). Told 4 is one off, told 5 is two off.
    runs = [first, second, Waited([(5.0, number(3)), (6.0, number(4)), (7.0, number(5))], 30.0)]
    found = truth(runs)
    assert (found["told"], found["places_right"], found["place_worst"]) == (3, 0.667, 2)
    assert not honest(found)
    # Next while the second has begun already: right. Who never had a turn says nothing.
    found = truth([second, Waited([(25.0, "Waiting: you are next.")], 30.0), Waited([(0.0, number(9))], None)])
    assert (found["told"], found["places_right"], found["place_worst"]) == (1, 1.0, 0)
    assert honest(found)


def test_times_are_compared_with_the_real_ones_where_these_are_long_enough() -> None:
    told = [(0.0, number(1, "20 s")), (20.0, number(1, "45 s")), (31.0, number(1, "5 s"))]
    found = truth([Waited(told, 40.0)])  # 20 of 40 s, 45 of 20 s, and 9 s that are too few
    assert (found["times_told"], found["times_right"]) == (2, 0.5)
    assert (found["time_least"], found["time_most"]) == (0.5, 2.25)
    assert not honest(found)
    assert truth([])["places_right"] is None
    assert not honest(truth([]))  # nothing was told
