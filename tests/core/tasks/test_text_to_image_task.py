"""What is the text-to-image task's own: prompts, redirections, velocity, its trained part, and a preview by prompt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.errors import InputError
from sfr_core.nets.judge import PromptJudge
from sfr_core.ops.denoising import noised
from sfr_core.ops.stepwise import drained
from sfr_core.tasks.text_to_image import TextToImageTask
from sfr_core.tasks.text_to_image_parts import Prompts, check_prompts, key_value_layers
from tests.core.tasks.by_hand import ByPrompt, by_hand, rng
from tests.core.tiny import same, state
from tests.core.tiny_sd import concept_plan, named_judge, sd_task, tiny_pipeline, tiny_tokenizer

CAT, KITTY, TIGER = 0, 2, 4
"""Labels of the tiny plan: cat, a cat emoji, kitty, a red kitty, tiger, car, tree, then null, anchor and what is kept."""


def test_labels_ask_for_their_prompts() -> None:
    pipeline, plan = tiny_pipeline(), concept_plan()
    task = sd_task(ready=False)
    theirs = pipeline.encode_prompt(list(plan.texts), "cpu", 1, False)[0]
    torch.testing.assert_close(task.prompts.states, theirs)
    alone = pipeline.encode_prompt("a cat emoji", "cpu", 1, False)[0]
    torch.testing.assert_close(task.prompts.states[1:2], alone, atol=1e-6, rtol=1e-5)
    # begin, a, cat, emoji, end: the last word stands at 3; the empty prompt has nothing before its end at 1.
    assert task.prompts.last[1] == 3
    assert task.prompts.last[plan.null] == 1


def test_a_paraphrase_is_redirected_too() -> None:
    hand = by_hand("text-to-image")
    row = replace(hand.forget(1), y=torch.tensor([KITTY]))
    [gradient] = torch.autograd.grad(hand.task.redirect_losses(row, rng()).sum(), [hand.net.e])
    said, anchor = (float(hand.said(torch.tensor([label]))) for label in (KITTY, concept_plan().anchor))
    assert float(gradient) == pytest.approx(2 * (said - anchor) * said / 2.0)  # only its own side has one


def test_each_prompt_of_a_style_is_redirected_to_its_own() -> None:
    plan = concept_plan()
    # What the tiny model is to keep: a picture, tiger, a tiger emoji, car, picture of a car, tree.
    plan = replace(plan, redirects=("tiger", "picture of a car"))
    own = [plan.texts.index(text, plan.null) for text in plan.redirects]
    pipeline = tiny_pipeline()
    pipeline.unet = ByPrompt()
    task = TextToImageTask(pipeline, plan, None, device=torch.device("cpu"))
    drained(task.prepare())
    said = 2.0 * task.prompts.states.mean((1, 2))
    forget = next(task.batches("forget", 6, rng()))
    assert set(forget.y.tolist()) == {0, 1}
    wanted = said[torch.tensor(own)[forget.y]]
    torch.testing.assert_close(task.redirect_losses(forget, rng()), (said[forget.y] - wanted).square())
    shown = torch.cat([labels for _, labels in task.anchor_batches(2, rng())])
    assert set(shown.tolist()) == set(own)
    # A paraphrase is never trained on; it keeps the redirection of all.
    assert int(task.instead[KITTY]) == plan.anchor


def test_velocity_becomes_noise() -> None:
    pipeline = tiny_pipeline()
    pipeline.scheduler.register_to_config(prediction_type="v_prediction")
    pipeline.unet = ByPrompt()
    task = TextToImageTask(pipeline, concept_plan(), None, device=torch.device("cpu"))
    x, t = torch.randn((2, 4, 4, 4), generator=rng()), torch.tensor([10, 900])
    share = pipeline.scheduler.alphas_cumprod[t].view(-1, 1, 1, 1)
    v = 2.0 * task.prompts.states[:2].mean((1, 2)).view(-1, 1, 1, 1)
    torch.testing.assert_close(
        task.denoiser.predict(x, t, torch.tensor([0, 1])), share.sqrt() * v + (1 - share).sqrt() * x
    )


def test_noise_follows_the_schedule_of_the_pipeline() -> None:
    task = sd_task()
    batch = next(task.batches("remain", 5, rng()))
    _, x, t, noise = task.denoiser.noisy(batch.x, rng(2))
    torch.testing.assert_close(x, noised(batch.x, noise, tiny_pipeline().scheduler.alphas_cumprod[t]))


def test_the_pictures_to_forget_and_to_keep_are_drawn_before_a_run() -> None:
    task, plan = sd_task(), concept_plan()
    anchors = torch.cat([labels for _, labels in task.anchor_batches(2, rng())])
    assert anchors.tolist() == [plan.anchor] * int((plan.generated_labels == plan.anchor).sum())
    kept = {int(label) for batch in task.batches("remain", 4, rng()) for label in batch.y}
    assert kept == {plan.anchor, *range(plan.anchor + 1, len(plan.texts))}
    assert not kept & {CAT, 1, KITTY, 3}
    assert not torch.equal(task.store.held, sd_task(guidance=9.0).store.held)


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
    task = by_hand("text-to-image").task
    labels = torch.tensor([CAT, TIGER])
    x, t = task.denoiser.half_drawn(labels, steps=10, guidance=2.0, rng=rng(1))
    draw = rng(1)
    done = int(torch.randint(10, (1,), generator=draw))
    assert t.tolist() == [999 - 100 * done] * 2
    noise = torch.randn((2, 4, 4, 4), generator=draw)
    signal = tiny_pipeline().scheduler.alphas_cumprod
    said = 2.0 * task.prompts.states.mean((1, 2))
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
    assert needing == {f"{name}.weight" for name in key_value_layers(task.model)}


def test_a_preview_shows_the_concept_first_and_judges_by_prompt() -> None:
    judge = PromptJudge(named_judge(), named_judge().names, concept_plan())
    task = TextToImageTask(tiny_pipeline(), concept_plan(), judge, device=torch.device("cpu"))
    preview = task.preview(CancelToken())
    assert preview is not None
    assert preview.sheet is not None
    assert preview.sheet.labels == (0,) * 4 + (1,) * 4 + (2,) * 4 + (4,) * 4 + (5,) * 4 + (6,) * 4
    assert preview.record is not None
    assert (preview.record.n_forget, preview.record.n_remain) == (12, 12)
    assert set(preview.sheet.accepted) <= set(range(-1, 7))
    stopped = CancelToken()
    stopped.cancel()
    assert task.preview(stopped) is None


def test_a_large_model_shows_fewer_pictures() -> None:
    pipeline = tiny_pipeline(sample_size=32)  # latents of 4,096 values
    task = TextToImageTask(pipeline, concept_plan(), None, device=torch.device("cpu"))
    assert (task.previews, task.preview_settings.columns) == (4, 2)
    assert task.preview_labels.tolist() == [0, 0, 1, 1, 2, 2, 4, 4, 5, 5, 6, 6]
    assert task.plan.previewed(5).tolist() == [0, 1, 2, 4, 5]
    assert task.plan.previewed(1).tolist() == [0, 1, 2, 4, 5]  # one of each role at least


def test_a_prompt_of_unknown_words_is_refused() -> None:
    check_prompts(tiny_tokenizer(), ["", "zebra cat", "a"])
    for text in ("zebra", "zzz qqq"):
        with pytest.raises(InputError, match=f"no word of the prompt '{text}'"):
            check_prompts(tiny_tokenizer(), ["a cat", text])
    with pytest.raises(InputError, match="no word"):
        TextToImageTask(tiny_pipeline(), concept_plan(redirect="zebra"), None, device=torch.device("cpu"))


def test_a_long_prompt_is_cut() -> None:
    prompts = Prompts(tiny_pipeline(), ["a cat " * 9])
    assert prompts.states.shape == (1, 8, 8)
    assert prompts.last.tolist() == [6]
