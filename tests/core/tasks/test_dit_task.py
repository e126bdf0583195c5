"""What is the latent task's own: its spaces, the network's label dropout, and sampling as diffusers' scheduler does it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler

from sfr_core.ops.learned_variance import LearnedVariance
from sfr_core.ops.sampling import denoise_steps, levels
from sfr_core.ops.stepwise import drained
from sfr_core.tasks import latents
from sfr_core.tasks.dit import task_label_dropout
from sfr_core.tasks.latents import decode, encode
from tests.core.tasks.by_hand import NULL, by_hand, rng
from tests.core.tiny_dit import SIDE, dit_task, ready_dit_task, rgb_dataset, tiny_dit
from tests.core.tiny_vae import tiny_vae


def test_the_network_drops_no_label_itself() -> None:
    free, own = tiny_dit().train(), task_label_dropout(tiny_dit()).train()
    x, t, y = torch.randn(64, 4, 4, 4), torch.zeros(64, dtype=torch.long), torch.zeros(64, dtype=torch.long)
    assert not torch.equal(free(x, t, y).sample, free(x, t, y).sample)
    assert torch.equal(own(x, t, y).sample, own(x, t, y).sample)


def test_given_pictures_are_encoded_once_to_a_seeded_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latents, "PIXELS_AT_ONCE", 25 * SIDE * SIDE)
    dataset = rgb_dataset()
    task = dit_task(dataset=dataset, seed=4)
    assert (task.count("forget"), task.count("remain")) == (6, 54)
    assert task.preparation() == 3
    assert list(task.prepare()) == [1, 2, 3]
    x = torch.from_numpy(dataset.train.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    assert torch.allclose(task.store.held, drained(encode(tiny_vae(), x, rng=rng(4))), atol=1e-5)
    other = dit_task(dataset=dataset, seed=5)
    drained(other.prepare())
    assert not torch.equal(task.store.held, other.store.held)
    assert task.preparation() == 0
    batch = next(task.batches("forget", 6, rng()))
    assert torch.equal(batch.x, task.store.held[batch.rows])


def test_only_the_transformer_is_trained_and_pictures_are_decoded() -> None:
    assert set(ready_dit_task().parameters()) == set(dict(tiny_dit().named_parameters()))
    real = dit_task()
    assert not any(p.requires_grad for network in real.still for p in network.parameters())
    z = torch.randn((2, 4, 4, 4), generator=rng())
    assert torch.equal(real.space.shown(z), levels(drained(decode(tiny_vae(), z))))


def test_samples_are_those_of_diffusers_scheduler() -> None:
    task = dit_task()
    labels = torch.tensor([3, 5])
    noise = torch.randn((2, 4, 4, 4), generator=rng())
    denoiser = task.denoiser
    work = denoise_steps(denoiser.predictor(), denoiser.schedule, noise, labels, null=NULL, steps=10, guidance=1.0)
    scheduler = DDIMScheduler(
        beta_start=1e-4, beta_end=0.02, beta_schedule="linear", clip_sample=False, timestep_spacing="trailing"
    )
    scheduler.set_timesteps(10)
    x = noise
    with torch.no_grad():
        for t in scheduler.timesteps:
            x = scheduler.step(task.model(x, t.expand(2), labels).sample, t, x).prev_sample
    assert torch.allclose(drained(work), x, atol=1e-4)


def test_a_learned_variance_adds_its_term_and_samples_are_made_of_the_noise_alone() -> None:
    hand = by_hand("dit", out=8)
    batch = hand.remain(20)
    t, noise, y = hand.draws(batch.y, 7)
    xt, guess = hand.noisy(batch.x, t, noise), hand.said(y).view(-1, 1, 1, 1).expand_as(batch.x)
    want = (guess - noise).square().mean((1, 2, 3)) + LearnedVariance().bits(
        batch.x, xt, t, guess, torch.full_like(xt, 0.5)
    )
    assert torch.allclose(hand.task.losses(batch, rng(7)), want, rtol=1e-4)
    drawn = drained(dit_task(network=hand.net).sample(np.array([3]), seed=0, steps=2, guidance=2.0))
    assert drawn.shape == (1, SIDE, SIDE, 3)
