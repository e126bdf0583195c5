"""Sparing memory changes what is kept, not what is learned."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from sfr_core.errors import InputError
from sfr_core.ops.sparing import halve_frozen, recompute_blocks
from tests.core.tiny_sd import WIDTH, tiny_cond_unet


@pytest.mark.parametrize("training", [True, False])  # the Fisher is estimated in eval mode
def test_recomputed_blocks_give_equal_gradients_and_keep_less(training: bool) -> None:
    plain = tiny_cond_unet().train(training)
    spared = copy.deepcopy(plain)
    recompute_blocks(spared)
    x, t, states = torch.randn(2, 4, 4, 4), torch.tensor([3, 500]), torch.randn(2, 5, WIDTH)
    kept = []
    for unet in (plain, spared):
        kept.append(0)

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            kept[-1] += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = unet(x, t, states).sample.square().mean()
        torch.autograd.backward(loss)
    assert kept[1] < kept[0]
    for (name, a), b in zip(plain.named_parameters(), spared.parameters(), strict=True):
        assert a.grad is not None, name
        assert b.grad is not None, name
        assert torch.equal(a.grad, b.grad), name


def test_a_network_without_blocks() -> None:
    with pytest.raises(InputError, match="cannot spare memory"):
        recompute_blocks(nn.Linear(2, 2))


def test_only_what_stands_still_is_halved() -> None:
    beside = (nn.Linear(2, 2), nn.Linear(2, 2))
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    halve_frozen(beside, model, "fp32")
    still = (*beside, model[0])
    assert [part.weight.dtype for part in still] == [torch.float32] * 3
    halve_frozen(beside, model, "bf16")
    assert [part.weight.dtype for part in still] == [torch.bfloat16] * 3
    assert model[1].weight.dtype == torch.float32
