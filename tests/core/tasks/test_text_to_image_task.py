"""The text-to-image task on a network whose answers are constants of the prompt, and on a tiny Stable Diffusion."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.errors import InputError
from sfr_core.methods.sfron import sfron
from sfr_core.nets.prompt_judge import PromptJudge
from sfr_core.ops.denoising import noise_weights, noised, uniform_timesteps
from sfr_core.ops.walks import drained
from sfr_core.tasks import base
from sfr_core.tasks.text_to_image import TextToImageTask, _look_prompts
from sfr_core.tasks.text_to_image_parts import check_prompts, encoded
from tests.core.tiny import same, state
from tests.core.tiny_sd import SMALL_CONCEPTS, concept_plan, named_judge, sd_task, tiny_pipeline, tiny_tokenizer

CAT, KITTY, TIGER = 0, 2, 4
"""Labels of the tiny plan: cat, a cat emoji, kitty, a red kitty, tiger, car, tree, then null, anchor and what is kept."""


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@dataclass
class Out:
    sample: Tensor


class ByPrompt(nn.Module):
    """Predicts the mean state of the prompt, times one weight, as the noise everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))
        self.config = SimpleNamespace(in_channels=4, sample_size=4)

    def forward(self, x: Tensor, t: Tensor, states: Tensor) -> Out:
        return Out((self.weight * states.mean((1, 2))).view(-1, 1, 1, 1).expand_as(x))


def by_hand(**options: Any) -> tuple[TextToImageTask, Tensor]:
    """The task and what its network says of every label."""
    task = sd_task(unet=ByPrompt(), **options)
    return task, 2.0 * task._states.mean((1, 2))


def test_it_implements_what_the_methods_need() -> None:
    task = sd_task(ready=False)
    names = ("Task", "FisherTask", "Redirectable", "Promptable", "Editable", "Preparable", "Samplable", "Watchable")
    assert all(isinstance(task, getattr(base, name)) for name in names)


def test_labels_ask_for_their_prompts() -> None:
    pipeline, plan = tiny_pipeline(), concept_plan()
    task = sd_task(ready=False)
    theirs = pipeline.encode_prompt(list(plan.texts), "cpu", 1, False)[0]
    torch.testing.assert_close(task._states, theirs)
    alone = pipeline.encode_prompt("a cat emoji", "cpu", 1, False)[0]
    torch.testing.assert_close(task._states[1:2], alone, atol=1e-6, rtol=1e-5)
    # begin, a, cat, emoji, end: the last word stands at 3; the empty prompt has nothing before its end at 1.
    assert task._last[1] == 3
    assert task._last[plan.null] == 1


def test_training_loss_by_hand() -> None:
    task, said = by_hand()
    batch = next(task.forget_batches(4, rng()))
    draw = rng(1)
    uniform_timesteps(4, draw)
    noise = torch.randn(batch.x.shape, generator=draw)
    wanted = (said[batch.y].view(-1, 1, 1, 1) - noise).square().mean((1, 2, 3))
    torch.testing.assert_close(task.losses(batch, rng(1)), wanted)
    assert set(batch.y.tolist()) <= {0, 1}


def test_a_recall_counts_by_the_schedule_of_the_pipeline() -> None:
    task, said = by_hand()
    before = copy.deepcopy(task.model)
    batch = next(task.remain_batches(6, rng()))
    with torch.no_grad():
        task.model.weight.mul_(1.5)
    t = uniform_timesteps(6, rng(1))
    signal = tiny_pipeline().scheduler.alphas_cumprod
    error = (0.5 * said[batch.y]).square()
    torch.testing.assert_close(task.recall_losses(batch, before, rng(1), "noise"), error * noise_weights(signal)[t])


def test_redirection_by_hand() -> None:
    task, said = by_hand()
    forget = next(task.forget_batches(6, rng()))
    anchor = said[concept_plan().anchor]
    torch.testing.assert_close(task.redirect_losses(forget, rng()), (said[forget.y] - anchor).square())
    remain = next(task.remain_batches(6, rng()))
    torch.testing.assert_close(task.redirect_losses(remain, rng()), torch.zeros(6))
    # A paraphrase is redirected too, and only its own side has a gradient: d/dw (w s - stop(w a))^2 = 2 (w s - w a) s.
    row = replace(forget, y=torch.tensor([KITTY]), x=forget.x[:1])
    [gradient] = torch.autograd.grad(task.redirect_losses(row, rng()).sum(), [task.model.weight])
    torch.testing.assert_close(gradient, 2 * (said[KITTY] - anchor) * said[KITTY] / 2.0)


def test_each_prompt_of_a_style_is_redirected_to_its_own() -> None:
    plan = concept_plan()
    # What the tiny model is to keep: a picture, tiger, a tiger emoji, car, picture of a car, tree.
    plan = replace(plan, redirects=("tiger", "picture of a car"))
    own = [plan.texts.index(text, plan.null) for text in plan.redirects]
    pipeline = tiny_pipeline()
    pipeline.unet = ByPrompt()
    task = TextToImageTask(pipeline, plan, None, device=torch.device("cpu"))
    drained(task.prepare())
    said = 2.0 * task._states.mean((1, 2))
    forget = next(task.forget_batches(6, rng()))
    assert set(forget.y.tolist()) == {0, 1}
    wanted = said[torch.tensor(own)[forget.y]]
    torch.testing.assert_close(task.redirect_losses(forget, rng()), (said[forget.y] - wanted).square())
    shown = torch.cat([labels for _, labels in task.anchor_batches(2, rng())])
    assert set(shown.tolist()) == set(own)
    # A paraphrase is never trained on; it keeps the redirection of all.
    assert int(task._pseudo[KITTY]) == plan.anchor


def test_the_fisher_asks_for_the_guided_prediction() -> None:
    task, said = by_hand()
    batch = next(task.forget_batches(3, rng()))
    draw = rng(1)
    uniform_timesteps(3, draw)
    noise = torch.randn(batch.x.shape, generator=draw)
    guided = 8.5 * said[batch.y] - 7.5 * said[task.null]
    wanted = (guided.view(-1, 1, 1, 1) - noise).square().mean((1, 2, 3))
    torch.testing.assert_close(task.fisher_losses(batch, rng(1)), wanted)


def test_velocity_becomes_noise() -> None:
    pipeline = tiny_pipeline()
    pipeline.scheduler.register_to_config(prediction_type="v_prediction")
    pipeline.unet = ByPrompt()
    task = TextToImageTask(pipeline, concept_plan(), None, device=torch.device("cpu"))
    x, t = torch.randn((2, 4, 4, 4), generator=rng()), torch.tensor([10, 900])
    share = pipeline.scheduler.alphas_cumprod[t].view(-1, 1, 1, 1)
    v = 2.0 * task._states[:2].mean((1, 2)).view(-1, 1, 1, 1)
    torch.testing.assert_close(task.noise_of(x, t, torch.tensor([0, 1])), share.sqrt() * v + (1 - share).sqrt() * x)


def test_noise_follows_the_schedule_of_the_pipeline() -> None:
    task = sd_task()
    batch = next(task.remain_batches(5, rng()))
    x, noise, t = task.noisy_batch(batch, rng(2))
    torch.testing.assert_close(x, noised(batch.x, noise, tiny_pipeline().scheduler.alphas_cumprod[t]))


def test_the_pictures_to_forget_and_to_keep_are_drawn_before_a_run() -> None:
    task = sd_task(ready=False)
    assert task.preparation() == 2 * task.free_steps
    assert list(task.prepare()) == list(range(1, 2 * task.free_steps + 1))
    assert task.preparation() == 0
    plan = concept_plan()
    assert (task.count("forget"), task.count("remain")) == (len(plan.split.forget), len(plan.split.remain))
    anchors = torch.cat([labels for _, labels in task.anchor_batches(2, rng())])
    assert anchors.tolist() == [plan.anchor] * int((plan.free_labels == plan.anchor).sum())
    kept = {int(label) for batch in task.remain_batches(4, rng()) for label in batch.y}
    assert kept == {plan.anchor, *range(plan.anchor + 1, len(plan.texts))}
    assert not kept & {CAT, 1, KITTY, 3}
    other = sd_task()
    assert torch.equal(task._held, other._held)
    assert not torch.equal(task._held, sd_task(guidance=9.0)._held)


def test_equal_seeds_draw_equal_pictures_and_change_nothing() -> None:
    task = sd_task(ready=False)
    before, held = state(task.model), torch.random.get_rng_state()
    labels = np.array([CAT, TIGER, TIGER])
    first, second = (drained(task.sample(labels, seed=5, steps=4, guidance=2.0)) for _ in range(2))
    assert first.shape == (3, 16, 16, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
    assert not np.array_equal(first[1], first[2])
    assert same(before, state(task.model))
    assert torch.equal(held, torch.random.get_rng_state())


def test_a_sample_that_stops_on_its_way_is_the_whole_one_so_far() -> None:
    task, _ = by_hand()
    labels = torch.tensor([CAT, TIGER])
    x, t = task.half_drawn(labels, steps=10, guidance=2.0, rng=rng(1))
    draw = rng(1)
    done = int(torch.randint(10, (1,), generator=draw))
    assert t.tolist() == [999 - 100 * done] * 2
    noise = torch.randn((2, 4, 4, 4), generator=draw)
    signal = tiny_pipeline().scheduler.alphas_cumprod
    said = 2.0 * task._states.mean((1, 2))
    epsilon = (said[task.null] + 2.0 * (said[labels] - said[task.null])).view(-1, 1, 1, 1)
    for at in range(999, 999 - 100 * done, -100):
        clean = (noise - (1 - signal[at]).sqrt() * epsilon) / signal[at].sqrt()
        noise = signal[at - 100].sqrt() * clean + (1 - signal[at - 100]).sqrt() * epsilon
    torch.testing.assert_close(x, noise)
    assert done > 0


def test_only_the_trained_part_needs_gradients() -> None:
    task = sd_task(ready=False, trainable="keys-values")
    needing = {name for name, weight in task.model.named_parameters() if weight.requires_grad}
    assert needing == set(task.parameters())
    assert needing == {f"{name}.weight" for name in task.key_value_layers()}


def test_sfron_moves_only_the_trained_part() -> None:
    config = SFRonConfig.from_dict(SMALL_CONCEPTS["sfr-on"])
    task = sd_task(trainable="cross-attention")
    before = state(task.model)
    list(sfron(task, config, rng=rng(), cancel=CancelToken()))
    moved = {name for name, value in state(task.model).items() if not torch.equal(value, before[name])}
    assert moved
    assert moved <= set(task.parameters())


def test_the_mask_is_really_applied() -> None:
    """Where no weight passes, forgetting has no effect: its strength is all the same. With every weight it is not."""

    def after(**values: Any) -> dict[str, Tensor]:
        task = sd_task()
        small = {**SMALL_CONCEPTS["sfr-on"], "steps": 1, "forget_every": 1, "fisher_batches": 1, **values}
        list(sfron(task, SFRonConfig.from_dict(small), rng=rng(), cancel=CancelToken()))
        return state(task.model)

    assert same(after(gamma=1e6, mask_eps=1.0, alpha=5.0), after(gamma=1e6, mask_eps=1.0, alpha=0.0))
    assert not same(after(gamma=0.0, alpha=5.0), after(gamma=0.0, alpha=0.0))


def test_a_look_shows_the_concept_first_and_judges_by_prompt() -> None:
    judge = PromptJudge(named_judge(), named_judge().names, concept_plan())
    task = TextToImageTask(tiny_pipeline(), concept_plan(), judge, device=torch.device("cpu"))
    look = task.look(CancelToken())
    assert look is not None
    assert look.sheet is not None
    assert look.sheet.labels == (0,) * 4 + (1,) * 4 + (2,) * 4 + (4,) * 4 + (5,) * 4 + (6,) * 4
    assert look.record is not None
    assert (look.record.n_forget, look.record.n_remain) == (12, 12)
    assert set(look.sheet.accepted) <= set(range(-1, 7))
    stopped = CancelToken()
    stopped.cancel()
    assert task.look(stopped) is None


def test_a_model_without_a_judge_shows_its_pictures_and_says_nothing() -> None:
    look = sd_task(ready=False).look(CancelToken())
    assert look is not None
    assert look.record is None
    assert look.sheet is not None
    assert (len(look.sheet.labels), look.sheet.accepted) == (24, ())


def test_a_large_model_shows_fewer_pictures() -> None:
    pipeline = tiny_pipeline(sample_size=32)  # latents of 4,096 values
    task = TextToImageTask(pipeline, concept_plan(), None, device=torch.device("cpu"))
    assert (task.looks, task.look_columns) == (4, 2)
    assert task._look_labels.tolist() == [0, 0, 1, 1, 2, 2, 4, 4, 5, 5, 6, 6]
    assert _look_prompts(task.plan, 5).tolist() == [0, 1, 2, 4, 5]
    assert _look_prompts(task.plan, 1).tolist() == [0, 1, 2, 4, 5]  # one of each role at least


def test_a_prompt_of_unknown_words_is_refused() -> None:
    check_prompts(tiny_tokenizer(), ["", "zebra cat", "a"])
    for text in ("zebra", "zzz qqq"):
        with pytest.raises(InputError, match=f"no word of the prompt '{text}'"):
            check_prompts(tiny_tokenizer(), ["a cat", text])
    with pytest.raises(InputError, match="no word"):
        TextToImageTask(tiny_pipeline(), concept_plan(redirect="zebra"), None, device=torch.device("cpu"))


def test_a_long_prompt_is_cut() -> None:
    states, last = encoded(tiny_pipeline(), ["a cat " * 9])
    assert states.shape == (1, 8, 8)
    assert last.tolist() == [6]
