"""Fading of the forgetting strength at points known by hand."""

from __future__ import annotations

import pytest

from sfr_core.ops.schedules import AlphaSchedule, alpha_at, cosine, warmed


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (1 / 3, 0.75), (0.5, 0.5), (2 / 3, 0.25), (1.0, 0.0)])
def test_cosine(share: float, value: float) -> None:
    assert cosine(share) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        ("cosine", [8.0, 8 * (1 + 2**-0.5) / 2, 4.0, 8 * (1 - 2**-0.5) / 2]),
        ("linear", [8.0, 6.0, 4.0, 2.0]),
        ("quadratic", [8.0, 4.5, 2.0, 0.5]),
        ("constant", [8.0, 8.0, 8.0, 8.0]),
    ],
)
def test_alpha_over_four_steps(schedule: AlphaSchedule, values: list[float]) -> None:
    assert [alpha_at(t, 4, 8.0, schedule) for t in range(4)] == pytest.approx(values)


def test_warm_up_rises_to_one_and_stays() -> None:
    assert [warmed(t, 4) for t in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert warmed(0, 0) == 1.0
