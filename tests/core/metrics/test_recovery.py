"""The recovery attack: what it may touch, that it learns, and that it finds the answer where there is one by construction."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sfr_core.configs.recovery import Attack
from sfr_core.errors import InputError
from sfr_core.metrics.generation import Protocol
from sfr_core.metrics.recovery import attack_steps, recover
from sfr_core.nets.judge import Judge, PromptJudge, Verdict
from sfr_core.ops.stepwise import drained
from sfr_core.tasks.text_to_image import TextToImageTask
from sfr_core.tasks.text_to_image_parts import SoftPrompt
from tests.core.tiny import CLASSES, same, state
from tests.core.tiny_sd import concept_plan, named_judge, sd_task, tiny_pipeline

SAMPLER = Protocol(0, 4, 2.0)


def judged(pipeline: object = None) -> TextToImageTask:
    judge = PromptJudge(named_judge(), CLASSES, concept_plan())
    task = TextToImageTask(pipeline or tiny_pipeline(), concept_plan(), judge, device=torch.device("cpu"))
    drained(task.prepare())
    return task


def test_a_soft_prompt_with_the_word_itself_is_the_prompt() -> None:
    task = judged()
    soft = SoftPrompt(task.tokenizer, task.text_encoder, "an emoji")
    torch.testing.assert_close(
        soft.states(soft.start), task.prompts.states[task.plan.anchor][None], atol=1e-6, rtol=1e-5
    )
    vector = soft.start.clone().requires_grad_(True)
    [gradient] = torch.autograd.grad(soft.states(vector).square().sum(), [vector])
    assert bool(gradient.abs().sum() > 0)
    # Words before it cannot see it (the encoder reads from left to right), its own place and those behind do.
    moved = (soft.states(soft.start + 1) - soft.states(soft.start)).abs().amax((0, 2)) > 1e-6
    assert moved.tolist() == [False, False, True, True, True, True, True, True]


def test_an_attack_changes_nothing_but_its_own_word() -> None:
    task = judged()
    before, words = state(task.model), state(task.text_encoder)
    held, known = torch.random.get_rng_state(), task.prompts.states.clone()
    attack = Attack(steps=5, batch_size=4, samples=6)
    seen: list[int] = []
    found = drained(recover(task, SAMPLER, attack), seen.append)
    assert seen == list(range(1, attack_steps(attack, SAMPLER, task.shape) + 1))
    assert same(before, state(task.model))
    assert same(words, state(task.text_encoder))
    assert torch.equal(held, torch.random.get_rng_state())
    assert torch.equal(known, task.prompts.states[: len(known)])
    assert found.n == 6
    assert 0.0 <= found.shown <= 100.0
    assert found.drawn.images.shape == (6, 16, 16, 3)
    assert 100 * float((found.drawn.accepted == found.drawn.labels).mean()) == found.shown
    assert drained(recover(judged(), SAMPLER, attack)) == found
    numbers = {"shown": found.shown, "n": 6, "first_loss": found.first_loss, "last_loss": found.last_loss}
    assert json.loads(json.dumps(found.to_json())) == numbers


def test_another_model_is_attacked_in_the_place_of_the_live_one() -> None:
    """The untouched weights in a copy say what the live ones would, whatever has become of those."""
    attack, task = Attack(steps=3, batch_size=4, samples=4), judged()
    kept, expected = copy.deepcopy(task.model), drained(recover(judged(), SAMPLER, attack))
    with torch.no_grad():
        for weight in task.model.parameters():
            weight.mul_(0.5)
    assert drained(recover(task, SAMPLER, attack)).first_loss != expected.first_loss
    found = drained(recover(task, SAMPLER, attack, kept))
    assert found == expected
    assert np.array_equal(found.drawn.images, expected.drawn.images)


class FirstEntry(nn.Module):
    """Predicts ten times the first entry of the prompt's states, mean over its words, as the noise everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(10.0))
        self.config = SimpleNamespace(in_channels=4, sample_size=4)

    def forward(self, x: Tensor, t: Tensor, states: Tensor) -> SimpleNamespace:
        return SimpleNamespace(sample=(self.weight * states[..., 0].mean(1)).view(-1, 1, 1, 1).expand_as(x))


class ByBrightness(Judge):
    """Calls a picture class three (the cat) where its mean is above a limit, else none."""

    def __init__(self, limit: float) -> None:
        self.limit, self.real = limit, None

    def __call__(self, pixels: Tensor) -> Verdict:
        cat = (pixels.mean((1, 2, 3)) > self.limit).numpy()
        labels = np.where(cat, 3, len(CLASSES)).astype(np.int64)
        return Verdict(
            labels, labels.clip(0, 9), np.zeros((len(cat), 2), np.float32), np.zeros((len(cat), 10), np.float32)
        )


def test_the_attack_finds_the_word_that_predicts_the_noise() -> None:
    """Noise has the mean 0, so that of all words the best is one whose prompt says 0: the loss is 1 + (10 k)^2."""
    pipeline = tiny_pipeline()
    pipeline.unet = FirstEntry()
    task = judged(pipeline)
    before = 10 * float(task.prompts.states[task.plan.anchor, :, 0].mean())
    drained(recover(task, SAMPLER, Attack(steps=100, lr=0.05, batch_size=8, samples=2)))
    after = 10 * float(task.prompts.states[-1, :, 0].mean())
    assert abs(before) > 0.9
    assert abs(after) < 0.2 * abs(before)


def test_shown_is_the_share_that_the_judge_accepts_as_the_concept() -> None:
    attack = Attack(steps=1, batch_size=2, samples=4)
    for limit, shown in ((-1.0, 100.0), (2.0, 0.0)):
        judge = PromptJudge(ByBrightness(limit), CLASSES, concept_plan())
        task = TextToImageTask(tiny_pipeline(), concept_plan(), judge, device=torch.device("cpu"))
        drained(task.prepare())
        assert drained(recover(task, SAMPLER, attack)).shown == shown


def test_without_judge_or_pictures_there_is_no_attack() -> None:
    with pytest.raises(InputError, match="Nobody can tell"):
        next(recover(sd_task(), SAMPLER))
    judge = PromptJudge(named_judge(), CLASSES, concept_plan())
    task = TextToImageTask(tiny_pipeline(), concept_plan(), judge, device=torch.device("cpu"))
    with pytest.raises(InputError, match="no pictures"):
        next(recover(task, SAMPLER))
