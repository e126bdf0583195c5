"""SalUn: the mask, random label behind it, and the joint step for generators."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.salun import SalUnJointConfig
from sfr_core.events import MaskReady, Step
from sfr_core.methods.salun import saliency, salun_joint
from sfr_core.ops.stepwise import drained
from tests.core.grammar import check_grammar
from tests.core.tiny import LinearTask, play, same, state, tiny_task


def mask_of(task: Any, fraction: float, clip: float | None = None) -> tuple[list[bool], MaskReady]:
    """Runs the mask phase alone: the mask of the only tensor, and its event."""
    events: list[Any] = []
    mask = drained(saliency(task, fraction, 8, clip, rng=torch.Generator(), cancel=CancelToken()), events.append)
    return mask["w"].tolist(), next(e for e in events if isinstance(e, MaskReady))


def test_mask_of_ones_is_random_label_to_the_bit() -> None:
    masked, plain = tiny_task(), tiny_task()
    a = play("salun", masked, mask_fraction=1.0, seed=5)
    b = play("random-label", plain, seed=5)
    assert same(state(masked.model), state(plain.model))
    assert [s.forget_loss for s in a if isinstance(s, Step)] == [s.forget_loss for s in b if isinstance(s, Step)]


def test_mask_takes_the_size_of_the_signed_sum() -> None:
    # Batch gradients [3, -1] and [-2.5, -1]: their sum is [0.5, -2]. Adding sizes or squares would keep w0.
    keep, ready = mask_of(LinearTask((0.0, 0.0), forget=[[[3.0, -1.0]], [[-2.5, -1.0]]]), 0.5)
    assert keep == [False, True]
    assert (ready.density, ready.threshold) == (0.5, 2.0)
    assert ready.thresholds[-1] == 2.0
    assert ready.layers[0].kept_at[-1] == 1
    assert ready.layers[0].kept_at[0] == 2


def test_mask_uses_batch_means() -> None:
    # Batch means [2, 0] and [0, 3]; adding rows would give [4, 3] and keep w0.
    keep, _ = mask_of(LinearTask((0.0, 0.0), forget=[[[2.0, 0.0], [2.0, 0.0]], [[0.0, 3.0]]]), 0.5)
    assert keep == [False, True]


def test_clip_makes_batches_count_alike() -> None:
    batches = [[[10.0, 0.0]], [[0.0, 2.0]], [[0.0, 2.0]]]
    assert mask_of(LinearTask((0.0, 0.0), forget=batches), 0.5)[0] == [True, False]
    assert mask_of(LinearTask((0.0, 0.0), forget=batches), 0.5, clip=1.0)[0] == [False, True]


@pytest.mark.parametrize(("fraction", "kept"), [(0.0, 0), (0.49, 0), (0.5, 1), (0.99, 1), (1.0, 2)])
def test_number_kept_is_rounded_down(fraction: float, kept: int) -> None:
    keep, ready = mask_of(LinearTask((0.0, 0.0), forget=[[[1.0, 2.0]]]), fraction)
    assert sum(keep) == kept
    assert ready.density == kept / 2
    assert ready.threshold == (2.0 if kept < 2 else 1.0)  # also where nothing is kept: JSON knows no infinity


def test_masked_weights_move_by_decay_only() -> None:
    task = tiny_task()
    before = {name: p.detach().clone() for name, p in task.model.named_parameters()}
    play("salun", task, mask_fraction=0.0, lr=0.1, weight_decay=0.01, momentum=0.0, lr_schedule="constant", epochs=2)
    for name, p in task.model.named_parameters():  # 2 epochs of 8 steps, each w *= 1 - lr * decay
        assert torch.allclose(p, before[name] * (1 - 0.001) ** 16, rtol=1e-5, atol=0)


def test_without_decay_masked_weights_stay_and_the_others_move() -> None:
    task = tiny_task()
    before = {name: p.detach().clone() for name, p in task.model.named_parameters()}
    (ready,) = [e for e in play("salun", task, mask_fraction=0.2, weight_decay=0.0) if isinstance(e, MaskReady)]
    moved = {name: int((p != before[name]).sum()) for name, p in task.model.named_parameters()}
    assert all(moved[layer.name] <= layer.kept for layer in ready.layers)
    assert sum(moved.values()) > 0.9 * sum(layer.kept for layer in ready.layers)


# w0 is masked: the forget gradient [3, 4] keeps w1. Joint gradient: 1 * [6, 4] + 0.5 * [0, 8] = [6, 8], norm 10.
JOINT: dict[str, Any] = {"forget": [[[3.0, 4.0]]], "redirect": [[[6.0, 4.0]]], "remain": [[[0.0, 8.0]]]}
PLAIN: dict[str, Any] = {"optimizer": "sgd", "momentum": 0.0, "lr": 0.1, "steps": 1, "batch_size": 1}


def joint(task: LinearTask, **values: Any) -> list[Any]:
    config = SalUnJointConfig(**{**PLAIN, **values})
    return list(salun_joint(task, config, rng=torch.Generator(), cancel=CancelToken()))


def test_joint_step_clips_then_masks() -> None:
    task = LinearTask((1.0, 1.0), **JOINT)
    (step,) = check_grammar(joint(task, remain_weight=0.5, clip=1.0))
    # Clipped [0.6, 0.8], masked [0, 0.8]; the other order would have given w1 = 0.9.
    assert torch.allclose(task.model.w, torch.tensor([1.0, 0.92]), atol=1e-6)
    assert step.forget_grad_norm == step.remain_grad_norm == pytest.approx(0.8, rel=1e-5)
    assert (step.forget_loss, step.remain_loss) == (10.0, 8.0)


def test_joint_step_weighs_the_parts() -> None:
    task = LinearTask((1.0, 1.0), **JOINT)
    joint(task, forget_weight=2.0, remain_weight=0.25, clip=None, mask_fraction=1.0)
    assert torch.allclose(task.model.w, torch.tensor([1.0 - 1.2, 1.0 - 1.0]), atol=1e-6)


def test_joint_step_asks_for_the_remain_set_first() -> None:
    task = LinearTask((1.0, 1.0), **JOINT)
    joint(task, steps=2)
    assert task.asked == ["forget", "remain", "redirect", "remain", "redirect"]


def test_joint_runs_on_a_classifier_too() -> None:
    task = tiny_task()
    config = SalUnJointConfig(steps=4, batch_size=8, lr=1e-3)
    events = list(salun_joint(task, config, rng=torch.Generator().manual_seed(0), cancel=CancelToken()))
    assert len(check_grammar(events)) == 4
