"""Modes come back, also after an error; one picture alone moves no statistics; auxiliary heads are left out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sfr_core.ops.modes import kept_modes, logits_of


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


def test_one_picture_alone_is_normalised_by_what_batch_norm_has_learned() -> None:
    norm = nn.BatchNorm1d(1, eps=1e-12)
    norm.running_mean.fill_(1.0)
    norm.running_var.fill_(4.0)
    norm.train()
    assert logits_of(norm, torch.tensor([[7.0]])).item() == 3.0  # (7 - 1) / 2
    assert norm.training
    assert (norm.running_mean.item(), norm.num_batches_tracked.item()) == (1.0, 0)
    assert logits_of(norm, torch.tensor([[7.0], [5.0]])).flatten().tolist() == pytest.approx(
        [1.0, -1.0]
    )  # their own mean 6 and deviation 1
    assert norm.num_batches_tracked.item() == 1


def test_logits_come_before_those_of_auxiliary_heads() -> None:
    class Headed(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x + 1, x + 2

    assert logits_of(Headed(), torch.zeros(2, 1)).tolist() == [[1.0], [1.0]]
