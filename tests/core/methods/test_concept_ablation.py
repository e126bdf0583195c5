"""Concept ablation: both losses of the first step from predictions, and who the teacher is."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.concept_ablation import ConceptAblationConfig
from sfr_core.events import Step
from sfr_core.methods.concept_ablation import _asking, concept_ablation
from tests.core.tiny import same, state
from tests.core.tiny_prompts import tiny_prompt_task


def steps_of(task: Any, **values: Any) -> list[Step]:
    config = ConceptAblationConfig.from_dict({"steps": 1, "batch_size": 4, "lr": 1e-2, **values})
    events = concept_ablation(task, config, rng=torch.Generator().manual_seed(3), cancel=CancelToken())
    return [event for event in events if isinstance(event, Step)]


def test_the_first_losses_from_predictions() -> None:
    task = tiny_prompt_task()
    rng = torch.Generator().manual_seed(3)
    batch, anchors = next(task.anchor_batches(4, rng))
    _, x, t, noise = task.denoiser.noisy(batch.x, rng)
    mine = _asking(task, anchors, torch.randint(len(task.direct), (len(x),), generator=rng))
    mine, anchor = (task.denoiser.predict(x, t, labels).detach() for labels in (mine, anchors))
    [step] = steps_of(task)
    assert step.forget_loss == pytest.approx(float((mine - anchor).square().mean()), rel=1e-5)
    assert step.remain_loss == pytest.approx(float((anchor - noise).square().mean()), rel=1e-5)


def test_without_regularisation_there_is_no_remain_loss() -> None:
    [step] = steps_of(tiny_prompt_task(), prior_weight=0.0)
    assert step.remain_loss is None


def test_the_live_teacher_moves_and_the_frozen_one_does_not() -> None:
    live, frozen, again = tiny_prompt_task(), tiny_prompt_task(), tiny_prompt_task()
    first = [steps_of(live, steps=3)[0], steps_of(frozen, steps=3, teacher="frozen")[0]]
    assert first[0].forget_loss == first[1].forget_loss  # at first they are one
    assert not same(state(live.model), state(frozen.model))
    steps_of(again, steps=3, teacher="frozen")
    assert same(state(again.model), state(frozen.model))


def test_a_picture_of_one_anchor_is_asked_for_by_a_prompt_that_leads_to_it() -> None:
    task = tiny_prompt_task()
    task.direct, task.targets = torch.tensor([3, 1, 2]), torch.tensor([7, 8, 7])
    anchors = torch.tensor([7, 7, 8, 7, 8])
    # The drawn number counts round among the prompts of the anchor: 3 and 2 lead to 7, only 1 to 8.
    assert _asking(task, anchors, torch.tensor([0, 1, 2, 2, 1])).tolist() == [3, 2, 1, 3, 1]
