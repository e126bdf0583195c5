"""The baselines of generators that train in steps: fine-tuning, ascent, retraining, and their common loop."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from sfr_core.cancel import CancelToken
from sfr_core.catalog.retrain import RetrainStepsConfig
from sfr_core.catalog.salun import SalUnJointConfig
from sfr_core.configs import StepConfig
from sfr_core.events import PhaseProgress
from sfr_core.methods.finetune import finetune
from sfr_core.methods.gradient_ascent import gradient_ascent
from sfr_core.methods.retrain import retrain_steps
from sfr_core.methods.salun import salun_joint
from tests.core.grammar import check_grammar
from tests.core.tiny import LinearTask, same, state
from tests.core.tiny_generator import tiny_eps, tiny_generator_task

PLAIN: dict[str, Any] = {"optimizer": "sgd", "momentum": 0.0, "lr": 0.1, "batch_size": 1, "clip": None}
BATCHES: dict[str, Any] = {"forget": [[[1.0, 0.0], [3.0, 0.0]]], "remain": [[[0.0, 4.0]], [[2.0, 0.0]]]}


def test_finetuning_descends_the_remain_batches_in_turn() -> None:
    task = LinearTask((1.0, 1.0), **BATCHES)
    config = StepConfig(**PLAIN, steps=3)
    steps = check_grammar(list(finetune(task, config, rng=torch.Generator(), cancel=CancelToken())))
    assert task.model.w.tolist() == pytest.approx([1 - 0.2, 1 - 0.4 - 0.4])
    assert task.asked == ["remain"] * 3
    assert [s.remain_loss for s in steps] == pytest.approx([4.0, 2.0, 2.4])
    assert all(s.forget_loss is s.forget_grad_norm is s.alpha is None for s in steps)


def test_ascent_climbs_the_forget_batches() -> None:
    task = LinearTask((1.0, 1.0), **BATCHES)
    config = StepConfig(**{**PLAIN, "clip": 1.0}, steps=2)  # mean gradient [2, 0], cut to [1, 0]
    steps = check_grammar(list(gradient_ascent(task, config, rng=torch.Generator(), cancel=CancelToken())))
    assert task.model.w.tolist() == pytest.approx([1.2, 1.0], abs=1e-5)
    assert task.asked == ["forget"] * 2
    assert [s.forget_loss for s in steps] == pytest.approx([2.0, 2.2], abs=1e-5)
    assert [s.forget_grad_norm for s in steps] == pytest.approx([1.0, 1.0], rel=1e-5)
    assert all(s.remain_loss is None for s in steps)


def test_both_train_in_train_mode() -> None:
    for method, config in ((finetune, StepConfig), (gradient_ascent, StepConfig)):
        task, modes = tiny_generator_task(), []
        task.model.eval()
        task.model.conv2.register_forward_hook(lambda m, *_: modes.append(m.training))  # noqa: B023
        list(method(task, config(steps=2, batch_size=8), rng=torch.Generator(), cancel=CancelToken()))
        assert modes == [True, True]


def test_retraining_is_fine_tuning_of_a_new_network() -> None:
    retrained, tuned = tiny_generator_task(), tiny_generator_task()
    common: dict[str, Any] = {"steps": 4, "batch_size": 8, "lr": 1e-3}
    list(
        retrain_steps(
            retrained, RetrainStepsConfig(**common), rng=torch.Generator().manual_seed(1), cancel=CancelToken()
        )
    )
    rng = torch.Generator().manual_seed(1)
    # The first batches are drawn after the new weights: the same generator serves both.
    tuned.model.load_state_dict(tuned.new_model(rng).state_dict())
    list(finetune(tuned, StepConfig(**common), rng=rng, cancel=CancelToken()))
    assert same(state(retrained.model), state(tuned.model))
    assert not same(state(retrained.model), state(tiny_eps()))


@pytest.mark.parametrize(("limit", "batches"), [(None, 3), (2, 2), (9, 3)])
def test_mask_of_salun_may_take_fewer_batches(limit: int | None, batches: int) -> None:
    # Gradients [0, 1], [0, 1] and [9, 0]: two batches keep w1, all three keep w0.
    task = LinearTask((1.0, 1.0), forget=[[[0.0, 1.0]], [[0.0, 1.0]], [[9.0, 0.0]]], redirect=[[[1.0, 1.0]]] * 3)
    config = SalUnJointConfig(**PLAIN, steps=1, mask_fraction=0.5, saliency_clip=None, saliency_batches=limit)
    events = list(salun_joint(task, config, rng=torch.Generator(), cancel=CancelToken()))
    check_grammar(events)
    progress = [(e.done, e.total) for e in events if isinstance(e, PhaseProgress)]
    assert progress == [(i, batches) for i in range(1, batches + 1)]
    assert task.model.w.tolist() == pytest.approx([1.0, 0.9] if limit == 2 else [0.9, 1.0])


def test_learning_rate_and_weights_are_those_of_the_config() -> None:
    task = LinearTask((1.0, 1.0), **BATCHES)
    config = StepConfig(**{**PLAIN, "lr": 0.25, "weight_decay": 0.1}, steps=1)
    (step,) = check_grammar(list(finetune(task, config, rng=torch.Generator(), cancel=CancelToken())))
    assert step.lr == 0.25
    assert task.model.w.tolist() == pytest.approx([1 - 0.25 * 0.1, 1 - 0.25 * 4.1])
    assert isinstance(task.model, nn.Module)
