"""SFR-on's switches that are off by default: forgetting's own optimiser (DualOptim), and no push on what looks unseen (FaLW)."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from sfr_core.catalog.base import Sizes
from sfr_core.catalog.sfron import SFRonConfig, cost
from sfr_core.errors import InputError
from sfr_core.events import Step
from sfr_core.ops.weighting import Unseen, unseen_weights
from sfr_core.tasks.classifier import ClassifierTask
from tests.core.tiny import LinearTask, play, same, state, tiny_task

PLAIN: dict[str, Any] = {
    "steps": 1, "forget_every": 1, "alpha": 1.0, "alpha_schedule": "constant", "adaptive": False, "mask": False, "lr": 0.1,
    "lr_schedule": "constant", "momentum": 0.9, "weight_decay": 0.0, "clip_forget": None,
}  # fmt: skip


def linear() -> LinearTask:
    return LinearTask((1.0, 2.0), forget=[[[-1.0, 3.0]]], remain=[[[2.0, 0.0]]])


def test_adam_for_forgetting_beside_sgd_by_hand() -> None:
    """Ascent has the gradient (1, -3): Adam's first step is its rate against the sign, (-0.01, +0.01), whatever the lengths.

    The remain step of SGD then is -0.1 (2, 0), without a trace of the forget gradient in its momentum.
    """
    task = linear()
    play("sfr-on", task, **PLAIN, forget_optimizer="adam", forget_lr=0.01)
    torch.testing.assert_close(task.model.w.detach(), torch.tensor([1 - 0.01 - 0.2, 2 + 0.01]), rtol=1e-5, atol=0)


@pytest.mark.parametrize("rule", ["adam", "adamw"])
def test_a_masked_weight_hardly_decays_whatever_the_rule_of_forgetting(rule: str) -> None:
    """With everything masked (gamma out of reach) Adam would turn decay, the gradient that is left, into steps of its whole rate."""
    task = tiny_task()
    before = state(task.model)
    play("sfr-on", task, lr=0.0, weight_decay=5e-4, gamma=1e6, forget_optimizer=rule, forget_lr=0.01)
    moved = [float((new.detach() - before[name]).abs().max()) for name, new in task.model.named_parameters()]
    assert max(moved) < 1e-3


def test_a_rate_of_its_own_for_forgetting_by_hand() -> None:
    """Two rounds of SGD: forget velocity (1, -3), then 1.9 of it, at 0.01; remain velocity (2, 0), then 1.9 of it, at 0.1."""
    task = linear()
    play("sfr-on", task, **{**PLAIN, "steps": 2}, forget_lr=0.01)
    wanted = torch.tensor([1 - 0.01 * 2.9 * 1 - 0.1 * 2.9 * 2, 2 + 0.01 * 2.9 * 3])
    torch.testing.assert_close(task.model.w.detach(), wanted, rtol=1e-5, atol=0)


def test_the_rate_of_forgetting_fades_with_the_others() -> None:
    # At step 1 of 2 the cosine is (1 + cos(pi/2)) / 2 = 1/2.
    task = linear()
    play("sfr-on", task, **{**PLAIN, "steps": 2, "lr_schedule": "cosine", "momentum": 0.0}, forget_lr=0.01)
    torch.testing.assert_close(
        task.model.w.detach(), torch.tensor([1 - 0.01 * 1.5 - 0.1 * 2 * 1.5, 2 + 0.01 * 3 * 1.5]), rtol=1e-5, atol=0
    )


def test_the_same_rate_apart_is_separate_state_to_the_bit() -> None:
    first, second, shared = tiny_task(), tiny_task(), tiny_task()
    play("sfr-on", first, optimizer_state="separate", lr=0.01)
    play("sfr-on", second, forget_lr=0.01, lr=0.01)
    play("sfr-on", shared, lr=0.01)
    assert same(state(first.model), state(second.model))
    assert not same(state(first.model), state(shared.model))


@pytest.mark.parametrize("changes", [{"forget_lr": 0.1}, {"forget_optimizer": "adam"}, {"optimizer_state": "separate"}])
def test_a_second_optimiser_is_counted(changes: dict[str, Any]) -> None:
    sizes = Sizes(forget=10, remain=90, classes=10)
    assert cost(SFRonConfig(), sizes).optimizers == 1
    assert cost(SFRonConfig(**changes), sizes).optimizers == 2


def test_weights_of_what_looks_unseen_by_hand() -> None:
    unseen = Unseen(mean=torch.tensor([0.5, 0.8]), spread=torch.tensor([0.25, 0.1]), balance=torch.tensor([1.0, 2.0]))
    p = torch.tensor([0.5, 1.0, 0.25, 0.7])
    found = unseen_weights(-p.log(), torch.tensor([0, 0, 0, 1]), unseen)
    # z = 0, 2, -1 and, in the class of balance 2, -1: its tanh is drawn to the root.
    wanted = [1.0, 1 + math.tanh(2), 1 - math.tanh(1), 1 - math.sqrt(math.tanh(1))]
    torch.testing.assert_close(found, torch.tensor(wanted), rtol=1e-4, atol=1e-5)


def test_a_class_that_goes_whole_is_weighed_and_never_left_alone() -> None:
    # Its name gets 0.5 % on pictures of other classes, with a deviation of 4.7 points (Sneaker): z is at least -0.106.
    unseen = Unseen(mean=torch.tensor([0.005]), spread=torch.tensor([0.047]), balance=torch.tensor([1.0]))
    least = unseen_weights(torch.tensor([100.0]), torch.tensor([0]), unseen)
    assert float(least) == pytest.approx(1 - math.tanh(0.005 / 0.047), abs=1e-4)
    assert float(least) > 0.85


def test_far_below_the_unseen_the_push_ends() -> None:
    unseen = Unseen(mean=torch.tensor([0.9]), spread=torch.tensor([0.0]), balance=torch.tensor([1.0]))
    weights = unseen_weights(torch.tensor([5.0, 0.0]), torch.tensor([0, 0]), unseen)
    torch.testing.assert_close(weights, torch.tensor([0.0, 2.0]))


def independent(task: ClassifierTask, c: int, rows: list[int]) -> tuple[float, float]:
    """Mean and deviation of the probability of class c on test rows."""
    p = torch.tensor(task.predict("test")).softmax(1)[rows, c]
    return float(p.mean()), float(p.std(correction=0))


def test_the_unseen_are_test_rows_of_the_class_and_of_the_kept_ones_where_it_goes_whole() -> None:
    task = tiny_task()  # 15 scattered rows; test rows of class c are c, 10 + c, 20 + c, 30 + c
    found = task.unseen(100, 0.0)
    for c in (0, 7):
        assert (float(found.mean[c]), float(found.spread[c])) == pytest.approx(
            independent(task, c, [c, 10 + c, 20 + c, 30 + c]), rel=1e-5
        )
    task = tiny_task("class:three")
    found = task.unseen(100, 0.0)
    others = [row for row in range(40) if row % 10 != 3]
    assert (float(found.mean[3]), float(found.spread[3])) == pytest.approx(independent(task, 3, others), rel=1e-5)
    few = tiny_task().unseen(1, 0.0)
    assert float(few.spread.max()) < 1e-6  # one row of each class


def test_balance_by_hand() -> None:
    # Rows 0, 10, 20 are of class 0, row 1 of class 1: 2 on average, so (2/3)**tau and (2/1)**tau.
    found = tiny_task("samples:0,10,20,1").unseen(100, 0.5)
    assert found.balance[:2].tolist() == pytest.approx([math.sqrt(2 / 3), math.sqrt(2)])


def test_the_switch_changes_the_first_push_by_its_weights() -> None:
    """Without adaptive weights the first forget loss is the mean of w_i l_i."""
    plain, weighed = (
        next(
            e
            for e in play("sfr-on", tiny_task(), adaptive=False, mask=False, stop_when_unseen=on)
            if isinstance(e, Step)
        )
        for on in (False, True)
    )
    assert plain.forget_loss is not None
    assert weighed.forget_loss is not None
    assert 0.0 < weighed.forget_loss < 2 * plain.forget_loss
    assert weighed.forget_loss != pytest.approx(plain.forget_loss, rel=1e-3)


def test_only_classifiers_that_climb_know_what_looks_unseen() -> None:
    SFRonConfig(stop_when_unseen=True).check_abilities({"Distillable", "Redirectable"})
    for config, have in (
        (SFRonConfig(stop_when_unseen=True), {"Redirectable"}),
        (SFRonConfig(stop_when_unseen=True, forget_loss="redirect"), {"Distillable", "Redirectable"}),
    ):
        with pytest.raises(InputError, match="look unseen") as caught:
            config.check_abilities(have)
        assert "stop_when_unseen" in caught.value.hint


def test_what_it_asks_of_held_out_pictures_is_counted() -> None:
    sizes = Sizes(forget=1000, remain=9000, classes=10)
    more = cost(SFRonConfig(stop_when_unseen=True), sizes).passes - cost(SFRonConfig(), sizes).passes
    assert more == pytest.approx(100 * 10 / 3)
