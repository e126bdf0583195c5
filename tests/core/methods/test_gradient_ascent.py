"""GA: up the loss of the forget set, BatchNorm frozen, clipped."""

from __future__ import annotations

import math

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.gradient_ascent import GradientAscentConfig
from sfr_core.methods.gradient_ascent import gradient_ascent
from tests.core.grammar import check_grammar
from tests.core.tiny import LinearTask, play, same, state, tiny_task


def test_learning_rate_zero_changes_nothing_at_all() -> None:
    task = tiny_task()
    before = state(task.model)
    play("gradient-ascent", task, lr=0.0)
    assert same(before, state(task.model))


def test_reported_loss_is_positive_and_rises() -> None:
    steps = check_grammar(play("gradient-ascent", tiny_task(), lr=0.05, epochs=20, lr_schedule="constant", clip=1.0))
    losses = [s.forget_loss for s in steps if s.forget_loss is not None]
    assert len(losses) == len(steps)
    assert losses[0] > 0
    assert losses[-1] > 2 * losses[0]
    assert all(s.remain_loss is None for s in steps)


def test_gradient_is_clipped_or_not() -> None:
    clipped = check_grammar(play("gradient-ascent", tiny_task(), clip=0.1))
    free = check_grammar(play("gradient-ascent", tiny_task(), clip=None))
    assert all(s.forget_grad_norm == pytest.approx(0.1, rel=1e-4) for s in clipped)
    assert all(s.forget_grad_norm is not None and s.forget_grad_norm > 0.2 for s in free)


def test_one_step_by_hand() -> None:
    # Mean gradient [3, 4] of norm 5, clipped to 0.5: [0.3, 0.4]; ascent at lr 0.1 without decay: w += [0.03, 0.04].
    task = LinearTask((1.0, 1.0), forget=[[[2.0, 4.0], [4.0, 4.0]]])
    config = GradientAscentConfig(epochs=1, lr=0.1, weight_decay=0.0, clip=0.5, batch_size=2)
    (step,) = check_grammar(list(gradient_ascent(task, config, rng=torch.Generator(), cancel=CancelToken())))
    assert torch.allclose(task.model.w, torch.tensor([1.03, 1.04]), atol=1e-6)
    assert step.forget_loss == pytest.approx(7.0)
    assert step.forget_grad_norm == pytest.approx(0.5, rel=1e-5)


def test_one_batch_per_pass_when_the_set_is_small() -> None:
    steps = check_grammar(play("gradient-ascent", tiny_task(), batch_size=512, epochs=5))
    assert len(steps) == 5
    assert all(math.isfinite(s.lr) for s in steps)
