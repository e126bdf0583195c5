"""Joint loss: one gradient of both parts."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.joint import JointConfig
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.methods.joint import joint
from sfr_core.methods.sfron import sfron
from tests.core.grammar import check_grammar
from tests.core.tiny import LinearTask, state
from tests.core.tiny_generator import tiny_generator_task

BOTH: dict[str, Any] = {"forget": [[[1.0, 0.0], [3.0, 0.0]]], "remain": [[[0.0, 4.0]]]}
PLAIN: dict[str, Any] = {"optimizer": "sgd", "momentum": 0.0, "lr": 0.1, "batch_size": 2}


def test_two_steps_by_hand() -> None:
    # Mean gradients [2, 0] and [0, 4]; alpha 3 and then 3 * (1 + cos(pi / 2)) / 2 = 1.5: steps +0.6 and +0.3 on w0, -0.4 twice on w1.
    task = LinearTask((1.0, 1.0), **BOTH)
    config = JointConfig(**PLAIN, steps=2, alpha=3.0, clip=None)
    steps = check_grammar(list(joint(task, config, rng=torch.Generator(), cancel=CancelToken())))
    assert task.model.w.tolist() == pytest.approx([1.9, 0.2])
    assert [s.alpha for s in steps] == pytest.approx([3.0, 1.5])
    assert [s.forget_loss for s in steps] == pytest.approx([2.0, 3.2])
    assert [s.remain_loss for s in steps] == pytest.approx([4.0, 2.4])
    assert steps[0].forget_grad_norm == steps[0].remain_grad_norm == pytest.approx((36 + 16) ** 0.5)


def test_both_parts_share_one_clip() -> None:
    task = LinearTask((1.0, 1.0), **BOTH)
    config = JointConfig(**PLAIN, steps=1, alpha=1.5, clip=1.0)  # gradient [-3, 4], norm 5
    list(joint(task, config, rng=torch.Generator(), cancel=CancelToken()))
    assert task.model.w.tolist() == pytest.approx([1.06, 0.92], abs=1e-6)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "quadratic", "constant"])
def test_is_sfron_without_its_three_parts(schedule: str) -> None:
    common: dict[str, Any] = {
        "optimizer": "adam", "lr": 1e-3, "weight_decay": 0.0, "batch_size": 8, "steps": 7, "alpha": 0.5,
        "alpha_schedule": schedule,
    }  # fmt: skip
    a, b = tiny_generator_task(), tiny_generator_task()
    list(joint(a, JointConfig(**common), rng=torch.Generator().manual_seed(3), cancel=CancelToken()))
    ablated = SFRonConfig(
        **common, mask=False, adaptive=False, alternate=False, clip_forget=1.0, lr_schedule="constant"
    )
    list(sfron(b, ablated, rng=torch.Generator().manual_seed(3), cancel=CancelToken()))
    ours, theirs = state(a.model), state(b.model)
    # Two backward passes add up what one backward pass adds: not to the bit.
    assert all(torch.allclose(ours[name], theirs[name], rtol=0, atol=1e-5) for name in ours)


def test_without_strength_it_is_the_remain_loss() -> None:
    task = LinearTask((1.0, 1.0), **BOTH)
    list(joint(task, JointConfig(**PLAIN, steps=1, alpha=0.0, clip=None), rng=torch.Generator(), cancel=CancelToken()))
    assert task.model.w.tolist() == pytest.approx([1.0, 0.6])
