"""Optimisers by name; those with 8-bit states only where somebody installed them."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.errors import ConfigError, InputError
from sfr_core.ops.optimizers import check_optimizer, make_optimizer, set_lr


@pytest.mark.parametrize(
    ("name", "kind"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
def test_by_name(name: str, kind: type[torch.optim.Optimizer]) -> None:
    check_optimizer(name)
    made = make_optimizer(SFRonConfig.from_dict({"optimizer": name, "lr": 0.5}), [nn.Parameter(torch.zeros(2))])
    assert type(made) is kind
    set_lr(made, 0.25)
    assert [group["lr"] for group in made.param_groups] == [0.25]
    with pytest.raises(ConfigError):
        SFRonConfig.from_dict({"optimizer": "adam4bit"})


@pytest.mark.parametrize("name", ["adam8bit", "adamw8bit"])
def test_eight_bits_that_are_not_installed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(InputError, match="bitsandbytes is not installed"):
        check_optimizer(name)
    with pytest.raises(InputError, match="bitsandbytes is not installed"):
        make_optimizer(SFRonConfig.from_dict({"optimizer": name}), [nn.Parameter(torch.zeros(2))])


@pytest.mark.parametrize("name", ["adam8bit", "adamw8bit"])
def test_eight_bits_learn_as_all_bits_do(name: str) -> None:
    pytest.importorskip("bitsandbytes", reason="an extra of this program")
    start = torch.linspace(-1, 1, 8192)  # smaller tensors keep whole states
    ends = []
    for kind in (name, name[:-4]):
        weight = nn.Parameter(start.clone())
        optimizer = make_optimizer(
            SFRonConfig.from_dict({"optimizer": kind, "lr": 0.01, "weight_decay": 0.0}), [weight]
        )
        for _ in range(20):
            weight.grad = weight.detach().clone()
            optimizer.step()
        ends.append(weight.detach())
    assert float((ends[0] - ends[1]).abs().max()) < 0.02
    assert float((ends[0] - start).abs().max()) > 0.1
