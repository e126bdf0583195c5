"""Which classes stand for others, and which of many are taken."""

from __future__ import annotations

import numpy as np
import pytest

from sfr_core.data.class_sets import evenly, next_kept


@pytest.mark.parametrize(
    ("forgotten", "want"), [((3,), {3: 4}), ((9,), {9: 0}), ((8, 9), {8: 0, 9: 0}), ((0, 1, 4), {0: 2, 1: 2, 4: 5})]
)
def test_the_class_to_draw_instead_is_the_next_that_is_kept(forgotten: tuple[int, ...], want: dict[int, int]) -> None:
    assert next_kept(forgotten, 10).tolist() == [want.get(c, c) for c in range(10)]


def test_of_many_values_some_are_evenly_taken() -> None:
    many = np.arange(1000)
    assert evenly(many, 4).tolist() == [0, 250, 500, 750]
    assert evenly(many[:3], 4).tolist() == [0, 1, 2]
