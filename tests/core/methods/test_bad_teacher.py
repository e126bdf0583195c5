"""BT: two teachers, one divergence."""

from __future__ import annotations

import math

import pytest
import torch

from sfr_core.methods.bad_teacher import imitation


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_divergence_by_hand_where_the_temperature_divides_and_nothing_multiplies_back(temperature: float) -> None:
    # Student q = (1/4, 3/4), teacher p = (1/2, 1/2): KL = (ln 2 + ln 2/3) / 2, averaged over 2 classes.
    student, teacher = torch.tensor([[0.0, temperature * math.log(3.0)]]), torch.tensor([[5.0, 5.0]])
    wanted = (math.log(2) + math.log(2 / 3)) / 2 / 2
    assert float(imitation(student, teacher, temperature)) == pytest.approx(wanted, rel=1e-6)


def test_teacher_comes_first_in_the_divergence() -> None:
    a, b = torch.tensor([[0.0, math.log(3.0)]]), torch.tensor([[0.0, 0.0]])
    wanted = (0.25 * math.log(0.5) + 0.75 * math.log(1.5)) / 2  # p = (1/4, 3/4), q = (1/2, 1/2)
    assert float(imitation(b, a, 1.0)) == pytest.approx(wanted, rel=1e-5)
