"""SFR-on on two weights, every number written out."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.errors import InputError
from sfr_core.events import Event, MaskReady, PhaseProgress, PhaseStarted
from sfr_core.methods.sfron import estimate_fisher
from sfr_core.ops.stepwise import drained
from tests.core.two_weights import PLAIN, go, steps, two, weights


def fisher(task: Any, part: Any, **changes: Any) -> tuple[list[float], list[Event]]:
    config = SFRonConfig(**{**PLAIN, **changes})
    events: list[Event] = []
    found = drained(estimate_fisher(task, part, config, rng=torch.Generator(), cancel=CancelToken()), events.append)
    assert found is not None
    return found["w"].tolist(), events


def test_fishers_ratio_and_mask_of_two_weights() -> None:
    # Mean gradients (1/2, 1/2) and (2, 1/2): F_f = (1/4, 1/4), F_r = (4, 1/4), ratios 1/16 and 1.
    task = two()
    assert fisher(task, "forget")[0] == [0.25, 0.25]
    assert fisher(task, "remain")[0] == [4.0, 0.25]
    assert weights(task) == [1.0, 2.0]
    (mask,) = [e for e in go(two()) if isinstance(e, MaskReady)]
    assert (mask.density, mask.threshold, mask.layers[0].kept) == (0.5, 1.0, 1)
    assert mask.layers[0].kept_at[:2] == (2, 2)
    assert mask.layers[0].kept_at[-1] == 0


def test_one_forget_and_one_remain_step() -> None:
    task = two()
    (step,) = steps(go(task))
    # lambda 1: losses (1, 2), c = (1, 1/2), w = (2/3, 1/3); loss 2/3 * 1 + 1/3 * 2 = 4/3.
    assert step.forget_loss == pytest.approx(4 / 3)
    # -3 * (2/3, 1/3) = (-2, -1); the mask leaves (0, -1); w1 climbs by 0.1 * 1.
    assert step.alpha == 3.0
    assert step.forget_grad_norm == pytest.approx(1.0)
    assert task.after_forgetting == [pytest.approx([1.0, 2.1])]
    # Remain loss 2 * 1 + 2.1 / 2; velocity 0.9 * (0, -1) + (2, 0.5) = (2, -0.4).
    assert step.remain_loss == pytest.approx(3.05)
    assert step.remain_grad_norm == pytest.approx(math.hypot(2.0, 0.5))
    assert weights(task) == pytest.approx([0.8, 2.14])
    assert step.lr == 0.1


def test_redirecting_needs_a_model_that_knows_a_wrong_answer() -> None:
    with pytest.raises(InputError, match="no wrong answer") as caught:
        SFRonConfig(forget_loss="redirect").check_abilities(set())
    assert "ascent" in caught.value.hint
    SFRonConfig().check_abilities(set())


@pytest.mark.parametrize(("clip", "norm"), [(7.0, 1.0), (0.5, 0.5), (0.1, 0.1)])
def test_the_clip_comes_after_the_mask(clip: float, norm: float) -> None:
    task = two()
    (step,) = steps(go(task, clip_forget=clip))  # before the mask the norm is sqrt(5)
    assert step.forget_grad_norm == pytest.approx(norm, rel=1e-5)
    assert task.after_forgetting == [pytest.approx([1.0, 2.0 + 0.1 * norm], rel=1e-6)]


def test_weights_over_the_whole_forget_set() -> None:
    # Two batches of one row: losses 1 and 2 over D_f, c = (1, 1/2), mean 3/4; eps_1 = 1 / (3/4) = 4/3.
    task = two(forget=[[[1.0, 0.0]], [[0.0, 1.0]]])
    (step,) = steps(go(task, weight_scope="forget-set", mask=False))
    assert step.forget_loss == pytest.approx(4 / 3)
    assert step.forget_grad_norm == pytest.approx(4.0)  # alpha 3 times 4/3
    # Over the batch alone a single sample always weighs 1.
    (step,) = steps(go(two(forget=[[[1.0, 0.0]], [[0.0, 1.0]]]), mask=False))
    assert step.forget_loss == pytest.approx(1.0)


def test_redirecting_descends_towards_the_wrong_answer() -> None:
    task = two(redirect=[[[4.0, 0.0], [0.0, 0.0]]])
    (step,) = steps(go(task, forget_loss="redirect", adaptive=False, mask=False, alpha=0.5))
    assert step.forget_loss == pytest.approx(2.0)  # mean of 4 * 1 and 0
    assert task.after_forgetting == [pytest.approx([1 - 0.1 * 0.5 * 2, 2.0])]


def test_redirecting_weighs_the_whole_set_by_the_same_losses() -> None:
    # Redirect losses 4 and 1 (true ones 1 and 2): c = (1/4, 1), mean 5/8; the first batch weighs (1/4) / (5/8) = 2/5.
    task = two(forget=[[[1.0, 0.0]], [[0.0, 1.0]]], redirect=[[[4.0, 0.0]], [[1.0, 0.0]]])
    (step,) = steps(go(task, forget_loss="redirect", weight_scope="forget-set", mask=False))
    assert step.forget_loss == pytest.approx(0.4 * 4)


@pytest.mark.parametrize(("floor", "moved"), [(0.0, 0.0), (1e-4, 1.0)])
def test_one_exact_zero_loss_silences_the_batch_unless_there_is_a_floor(floor: float, moved: float) -> None:
    # Losses (0, 1), gradients (0, 0) and (1, 0); lambda 1/2: c = 1/sqrt(1e-4) = 100 and 1 with the floor.
    task = two(forget=[[[0.0, 0.0], [1.0, 0.0]]])
    (step,) = steps(go(task, lam=0.5, loss_floor=floor, mask=False))
    share = moved / 101
    assert step.forget_loss == pytest.approx(share, rel=1e-5, abs=1e-12)
    assert step.forget_grad_norm == pytest.approx(3 * share, rel=1e-5, abs=1e-12)


SHORT = [[[1.0, 0.0], [1.0, 0.0]], [[3.0, 0.0]]]
"""A full batch with mean gradient (1, 0), and a short one with (3, 0)."""


@pytest.mark.parametrize(
    ("changes", "value", "total"),
    [
        ({}, (1 + 9) / 2, 2),
        ({"fisher_last_batch": "drop"}, 1.0, 1),
        ({"fisher_batches": 1}, 1.0, 1),
        ({"fisher_batches": 5}, 5.0, 2),
        ({"fisher_clip": 2.0}, (1 + 4) / 2, 2),
    ],
    ids=["keep", "drop", "cap", "cap beyond", "clip"],
)
def test_fisher_of_a_full_and_a_short_batch(changes: dict[str, Any], value: float, total: int) -> None:
    found, events = fisher(two(forget=SHORT), "forget", **changes)
    assert found == pytest.approx([value, 0.0], rel=1e-5)
    assert events[0] == PhaseStarted(phase="fisher", total=total)
    assert [e.done for e in events if isinstance(e, PhaseProgress)] == list(range(1, total + 1)), (
        "progress ends at 100 %"
    )


def test_the_only_batch_is_kept_though_it_is_short() -> None:
    found, events = fisher(two(forget=[[[3.0, 0.0]]]), "forget", fisher_last_batch="drop")
    assert found == [9.0, 0.0]
    assert events[0] == PhaseStarted(phase="fisher", total=1)


@pytest.mark.parametrize("value", ["hold", "drift"])
def test_masked_weights_hold_or_drift(value: str) -> None:
    task = two()
    go(task, steps=2, weight_decay=0.5, masked_weights=value)
    first, second = task.after_forgetting
    starts = [w for name, w in task.weights if name == "forget"][-2:]
    if value == "hold":
        assert [first[0], second[0]] == [starts[0][0], starts[1][0]]
    else:
        # First: weight decay alone, 1 - 0.1 * 0.5 * 1. Then the momentum of both steps too.
        assert first[0] == pytest.approx(0.95)
        velocity = 0.9 * 0.5 + 2 + 0.5 * 0.95  # after the first remain step
        assert starts[1][0] == pytest.approx(0.95 - 0.1 * velocity)
        assert second[0] == pytest.approx(starts[1][0] - 0.1 * (0.9 * velocity + 0.5 * starts[1][0]))
    assert first[1] == pytest.approx(2 - 0.1 * (-1 + 0.5 * 2))  # what the mask keeps moves alike


def test_one_joint_step_without_alternation() -> None:
    task = two()
    (step,) = steps(go(task, alternate=False))
    # (0, -1) + (2, 0.5) in one step, at the weights of the start.
    assert task.weights[-2:] == [("forget", [1.0, 2.0]), ("remain", [1.0, 2.0])]
    assert weights(task) == pytest.approx([0.8, 2.05])
    assert step.remain_grad_norm == pytest.approx(math.hypot(2.0, 0.5))
    assert step.forget_grad_norm is None
    assert step.forget_loss == pytest.approx(4 / 3)
    task = two()
    go(task, alternate=False, steps=2, forget_every=2, momentum=0.0)  # it forgets only every second step
    assert weights(task) == pytest.approx([1 - 0.2 - 0.2, 2 + 0.05 - 0.05])
    (step,) = steps(go(two(), alternate=False, clip_forget=1.0))  # one gradient, clipped as one
    assert step.remain_grad_norm == pytest.approx(1.0, rel=1e-5)


def test_separate_state_keeps_the_forget_momentum_out_of_the_remain_step() -> None:
    task = two()
    go(task, optimizer_state="separate")
    assert weights(task) == pytest.approx([0.8, 2.1 - 0.05])  # shared: 2.14
    task = two()
    go(task, optimizer_state="separate", steps=2, mask=False, adaptive=False, alpha=2.0)
    # Forget velocity (-1, -1), then 0.9 * that + (-1, -1) = (-1.9, -1.9): apart from the remain steps.
    first, second = task.after_forgetting
    start = [w for name, w in task.weights if name == "forget"][1]
    assert first == pytest.approx([1.1, 2.1])
    assert second == pytest.approx([start[0] + 0.19, start[1] + 0.19])


# With weight decay 1/2 and lr 0.1 and no gradient at all, every optimiser step multiplies by 0.95.
STILL: dict[str, Any] = {
    "forget": [[[0.0, 0.0]]], "remain": [[[0.0, 0.0]]],
}  # fmt: skip
DECAY: dict[str, Any] = {"weight_decay": 0.5, "momentum": 0.0, "mask": False, "adaptive": False, "slow_beta": 0.5}
AFTER_ONE = (1 + 0.95**2) / 2


@pytest.mark.parametrize(
    ("steps", "scope", "wanted"),
    [
        (2, "outer", (1 + 0.95**3) / 2),  # forget, remain, remain, then half way back
        (2, "step", (AFTER_ONE + 0.95 * AFTER_ONE) / 2),
        (4, "outer", ((1 + 0.95**3) / 2) ** 2),  # the second cycle starts from the slow weights
    ],
)
def test_slow_weights_move_once_a_cycle_or_every_step(steps: int, scope: str, wanted: float) -> None:
    task = two(**STILL)
    go(task, **DECAY, steps=steps, forget_every=2, slow_scope=scope)
    assert weights(task)[0] == pytest.approx(wanted)


def test_a_held_closed_mask_forgets_nothing_at_all() -> None:
    # Only the BatchNorm statistics of the forget batches and their place in the generator remain.
    task = two()
    go(task, gamma=1e6, masked_weights="hold", weight_decay=0.5, steps=3)
    starts = [w for name, w in task.weights if name == "forget"][-3:]
    assert task.after_forgetting == starts


def test_alpha_zero_is_momentum_and_decay_only() -> None:
    task = two()
    found = steps(go(task, alpha=0.0, steps=2, weight_decay=0.5, mask=False))
    assert [s.forget_grad_norm for s in found] == [0.0, 0.0]
    assert task.after_forgetting[0] == pytest.approx([0.95, 1.9])
    task = two()
    go(task, alpha=0.0, steps=3, momentum=0.0, mask=False)
    starts = [w for name, w in task.weights if name == "forget"]
    assert task.after_forgetting == starts


def test_a_floor_in_adam_leaves_tiny_gradients_alone() -> None:
    # Remain gradients (2, 0.5) times 1e-6: Adam's first step is lr * g / (|g| + eps).
    task = two(remain=[[[2e-6, 0.5e-6]]])
    asked = {"mask": False, "alpha": 0.0, "optimizer": "adam", "optimizer_state": "separate", "alternate": True}
    go(task, **asked, adam_eps=1e-6)
    assert weights(task) == pytest.approx([1.0 - 0.1 * 2 / 3, 2.0 - 0.1 * 0.5 / 1.5], rel=1e-4)
    plain = two(remain=[[[2e-6, 0.5e-6]]])
    go(plain, **asked)
    assert weights(plain) == pytest.approx([1.0 - 0.1, 2.0 - 0.1], rel=1e-2)
