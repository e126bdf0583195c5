"""Modes come back, also after an error."""

from __future__ import annotations

import pytest
from torch import nn

from sfr_core.ops.modes import kept_modes


def test_every_module_gets_its_own_mode_back() -> None:
    model = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    model.eval()
    model[1].train()
    before = [m.training for m in model.modules()]

    def fail() -> None:
        with kept_modes(model):
            model.train()
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fail()
    assert [m.training for m in model.modules()] == before == [False, False, True]
