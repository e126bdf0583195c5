"""Intervals of shares, against values worked out by hand and an independent implementation."""

from __future__ import annotations

import pytest

from sfr_core.metrics.intervals import above_chance, knows, wilson


@pytest.mark.parametrize(
    ("share", "n", "ends"),
    [
        # z² = 3.8415. 0 of 10: high = 3.8415 / (10 + 3.8415) = 27.75 %.
        (0.0, 10, (0.0, 27.75)),
        (100.0, 10, (72.25, 100.0)),
        # 5 of 10: 50 % ± 1.96 sqrt(0.025 + 0.0096) / 1.38415 = 26.34 points.
        (50.0, 10, (23.66, 76.34)),
        # 2 of 51: (0.03922 + 0.03766) / 1.07532 = 7.15 %, ± 1.96 sqrt(0.000739 + 0.000369) / 1.07532 = 6.07 points.
        (100 * 2 / 51, 51, (1.08, 13.22)),
    ],
)
def test_by_hand(share: float, n: int, ends: tuple[float, float]) -> None:
    assert wilson(share, n) == pytest.approx(ends, abs=0.006)


@pytest.mark.parametrize("n", [1, 7, 50, 1000])
def test_like_scipy(n: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    for k in {0, 1, n // 2, n}:
        theirs = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert wilson(100 * k / n, n) == pytest.approx((100 * theirs.low, 100 * theirs.high), abs=1e-4)


def test_of_no_pictures_there_is_none() -> None:
    with pytest.raises(ValueError, match="no pictures"):
        wilson(0.0, 0)


def test_a_guess_is_what_its_interval_allows() -> None:
    assert not above_chance(36.0, 1000, 3)
    assert above_chance(37.0, 1000, 3)
    assert not above_chance(0.0, 1000, 10)


def test_a_network_knows_what_is_ten_points_above_a_guess_and_no_chance() -> None:
    assert [knows(share, 500, 10) for share in (10.0, 19.9, 20.0, 90.0)] == [False, False, True, True]
    assert not knows(100 / 6, 132, 12)  # two of twelve classes in their place: 8.3 + 10 points are wanted
    assert not knows(60.0, 20, 2)  # 12 of 20 coins
    assert knows(90.0, 20, 2)
    assert knows(100.0, 2, 2)  # too few to tell: the benefit of the doubt
    assert not knows(50.0, 2, 2)
