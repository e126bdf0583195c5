"""MUNBa: the bargain of two gradients, by hand and against its own equation."""

from __future__ import annotations

import math

import pytest
import torch

from sfr_core.methods.munba import FAILED, bargained, shares
from sfr_core.presets import resolve
from tests.core.grammar import check_grammar
from tests.core.tiny import play, tiny_task


def test_a_right_angle_by_hand() -> None:
    # Unit gradients (1, 0) and (0, 1) whatever their lengths 3 and 0.5: the step is (1, 1), of length sqrt 2.
    step = bargained([torch.tensor([3.0, 0.0])], [torch.tensor([0.0, 0.5])], None)
    torch.testing.assert_close(step[0], torch.tensor([1.0, 1.0]))
    (clipped,) = bargained([torch.tensor([3.0, 0.0])], [torch.tensor([0.0, 0.5])], 1.0)
    torch.testing.assert_close(clipped, torch.full((2,), math.sqrt(0.5)), rtol=1e-5, atol=0)


def test_the_shares_solve_the_bargaining_equation() -> None:
    rng = torch.Generator().manual_seed(1)
    for _ in range(20):
        g = torch.randn(2, 3, generator=rng, dtype=torch.float64)
        alpha = torch.tensor(shares(float(g[0].norm()), float(g[1].norm()), float(g[0] @ g[1])), dtype=torch.float64)
        torch.testing.assert_close(g @ g.T @ alpha, 1 / alpha)  # G G^T alpha = 1 / alpha
        assert float((alpha @ g).norm()) == pytest.approx(math.sqrt(2))


def test_the_step_gains_for_both_even_where_they_quarrel() -> None:
    remain, forget = torch.tensor([1.0, 0.0]), torch.tensor([-30.0, 10.0])
    (step,) = bargained([remain], [forget], 1.0)
    assert float(step @ remain) > 0
    assert float(step @ forget) > 0
    assert float(step @ remain) == pytest.approx(float(step @ forget) / float(forget.norm()), rel=1e-5)


@pytest.mark.parametrize(("lengths", "dot"), [((1.0, 2.0), -2.0), ((0.0, 2.0), 0.0), ((1.0, 0.0), 0.0)])
def test_without_a_bargain_the_weights_are_the_codes(lengths: tuple[float, float], dot: float) -> None:
    assert shares(*lengths, dot) == FAILED == (1.0, 0.1)


def test_bargains_open_an_epoch_and_plain_remain_steps_end_it() -> None:
    steps = check_grammar(play("munba", tiny_task(), epochs=2, lr=0.01))
    assert "".join("b" if step.forget_loss is not None else "r" for step in steps) == "bbrrrr" * 2
    assert all(step.remain_loss is not None for step in steps)
    assert all((step.remain_grad_norm or 9.0) <= 1.0 for step in steps if step.forget_loss is not None)


def test_a_forget_set_larger_than_the_remain_set_is_read_whole() -> None:
    steps = check_grammar(play("munba", tiny_task("random:0.75@0"), epochs=1))
    assert [step.forget_loss is not None for step in steps] == [True] * 6  # 45 rows in batches of 8, 15 remain rows


def test_published_values() -> None:
    values = resolve("fashion-mnist-resnet", "munba", "published")
    wanted = {"lr": 0.01, "epochs": 10, "batch_size": 256, "clip": 1.0, "momentum": 0.9, "weight_decay": 5e-4}
    assert {name: values[name] for name in wanted} == wanted
