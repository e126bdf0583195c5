"""The latent task: its loss by hand on a network of one weight a class, its spaces, and sampling as diffusers' scheduler does it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.ops.denoising import noise_weights
from sfr_core.ops.diffusion import alphas_cumprod, ddim_steps
from sfr_core.ops.learned_variance import LearnedVariance
from sfr_core.ops.sampling import levels
from sfr_core.ops.walks import drained
from sfr_core.tasks import base
from sfr_core.tasks.class_sets import evenly
from sfr_core.tasks.classifier import LabelledBatch
from sfr_core.tasks.dit import DitTask, own_label_dropout
from sfr_core.tasks.latents import decode, encode
from tests.core.tiny import CLASSES, same, state
from tests.core.tiny_dit import SIDE, dit_task, ready_dit_task, rgb_dataset, tiny_dit
from tests.core.tiny_vae import tiny_vae

NULL = 10


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@dataclass
class Out:
    sample: Tensor


class PerClass(nn.Module):
    """Predicts the constant e(label) as the noise (and v = 0.5 where it learns a variance), and notes the labels."""

    def __init__(self, out: int = 4) -> None:
        super().__init__()
        self.config = SimpleNamespace(in_channels=4, out_channels=out, sample_size=4, num_embeds_ada_norm=NULL)
        self.e = nn.Parameter(torch.arange(11) / 10.0)
        self.asked: list[Tensor] = []

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> Out:
        self.asked.append(y)
        noise = self.e[y].view(-1, 1, 1, 1).expand_as(x)
        return Out(noise if self.config.out_channels == 4 else torch.cat([noise, torch.full_like(x, 0.5)], 1))


def batch(n: int = 20, label: int | None = None) -> LabelledBatch:
    y = torch.arange(n) % 10 if label is None else torch.full((n,), label)
    return LabelledBatch(torch.randn((n, 4, 4, 4), generator=rng(9)), y, torch.arange(n))


def draws(n: int, seed: int, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Timesteps, noise and labels after dropout, as `losses` draws them."""
    g = rng(seed)
    t = torch.randint(0, 1000, (n,), generator=g)
    noise = torch.randn((n, 4, 4, 4), generator=g)
    return t, noise, torch.where(torch.rand(n, generator=g) < 0.1, NULL, labels)


@pytest.mark.parametrize("out", [4, 8])
def test_a_recall_weighs_the_error_of_the_noise_and_not_that_of_the_variance(out: int) -> None:
    net = PerClass(out)
    task, some, before = dit_task(network=net), batch(), copy.deepcopy(net)
    with torch.no_grad():
        net.e.add_(0.5)
    t, _, _ = draws(20, 7, some.y)
    plain, counted = (task.recall_losses(some, before, rng(7), how) for how in ("equal", "noise"))
    # The answers are 1/2 apart: an error of 1/4, beside a term of the variance that stays.
    assert torch.allclose(counted - plain, 0.25 * (noise_weights(alphas_cumprod())[t] - 1), atol=1e-5)


@pytest.mark.parametrize(
    "protocol",
    ["Task", "FisherTask", "Redirectable", "Replayable", "Restartable", "ClassEmbedded", "Watchable", "Preparable", "Samplable"],
)  # fmt: skip
def test_protocols(protocol: str) -> None:
    assert isinstance(dit_task(), getattr(base, protocol))


def test_losses_are_the_mean_squared_error_of_the_noise_on_uniform_timesteps() -> None:
    task, some = dit_task(network=PerClass()), batch()
    t, noise, y = draws(20, 7, some.y)
    assert 0 < int((y == NULL).sum()) < 20
    want = [float(((0.1 * int(c) - noise[i]) ** 2).mean()) for i, c in enumerate(y)]
    assert task.losses(some, rng(7)).tolist() == pytest.approx(want, rel=1e-5)
    assert not torch.equal(t, 999 - t.flip(0))  # not mirrored


def test_the_fisher_asks_plainly_and_drops_no_label() -> None:
    net = PerClass()
    task, some = dit_task(network=net), batch()
    _, noise, _ = draws(20, 7, some.y)
    want = [float(((0.1 * int(c) - noise[i]) ** 2).mean()) for i, c in enumerate(some.y)]
    assert task.fisher_losses(some, rng(7)).tolist() == pytest.approx(want, rel=1e-5)
    assert torch.equal(net.asked[-1], some.y)


def test_a_learned_variance_adds_its_term() -> None:
    task, some = dit_task(network=PerClass(8)), batch()
    t, noise, y = draws(20, 7, some.y)
    share = alphas_cumprod()[t].view(-1, 1, 1, 1)
    xt = share.sqrt() * some.x + (1 - share).sqrt() * noise
    guess = (0.1 * y).view(-1, 1, 1, 1).expand_as(xt)
    want = (guess - noise).square().mean((1, 2, 3)) + LearnedVariance().bits(
        some.x, xt, t, guess, torch.full_like(xt, 0.5)
    )
    assert torch.allclose(task.losses(some, rng(7)), want, rtol=1e-4)
    # Samples are made of the noise alone.
    assert drained(task.sample(np.array([3]), seed=0, steps=2, guidance=2.0)).shape == (1, SIDE, SIDE, 3)


def test_redirection_learns_another_answer_or_as_published_another_label() -> None:
    net = PerClass()
    some = batch(6, label=3)
    task = dit_task(network=net)
    g = rng(3)
    torch.randint(0, 1000, (6,), generator=g)
    torch.randn((6, 4, 4, 4), generator=g)
    mine, other = (torch.where(torch.rand(6, generator=g) < 0.1, NULL, label) for label in (3, 4))
    assert task.redirect_losses(some, rng(3)).tolist() == pytest.approx(
        (((mine - other) * 0.1) ** 2).tolist(), abs=1e-6
    )
    published = dit_task(network=net, redirect="label")
    _, noise, y = draws(6, 3, torch.full((6,), 4))
    want = [float(((0.1 * int(c) - noise[i]) ** 2).mean()) for i, c in enumerate(y)]
    assert published.redirect_losses(some, rng(3)).tolist() == pytest.approx(want, rel=1e-5)


def test_the_network_drops_no_label_itself() -> None:
    free, own = tiny_dit().train(), own_label_dropout(tiny_dit()).train()
    x, t, y = torch.randn(64, 4, 4, 4), torch.zeros(64, dtype=torch.long), torch.zeros(64, dtype=torch.long)
    assert not torch.equal(free(x, t, y).sample, free(x, t, y).sample)
    assert torch.equal(own(x, t, y).sample, own(x, t, y).sample)
    task = ready_dit_task()
    held = torch.random.get_rng_state()
    task.model.train()
    some = next(task.remain_batches(8, rng()))
    assert torch.equal(task.losses(some, rng(1)), task.losses(some, rng(1)))
    assert torch.equal(held, torch.random.get_rng_state())


def test_without_data_both_sets_are_latents_that_were_never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DitTask, "free_forget", 6)
    monkeypatch.setattr(DitTask, "free_remain", 2)
    task = dit_task("class:three,five")
    assert task.preparation() == 2 * task.free_steps
    assert list(task.prepare()) == list(range(1, 2 * task.free_steps + 1))
    assert (task.count("forget"), task.count("remain")) == (6, 16)
    assert task._held.shape == (22, 4, 4, 4)
    assert float(task._held.abs().max()) > 1  # no picture's range
    assert torch.equal(
        next(task.forget_batches(6, rng())).x.sort().values,
        task._held[task._rows["forget"]][torch.randperm(6, generator=rng())].sort().values,
    )
    assert list(task.prepare()) == []


def test_given_pictures_are_encoded_once_to_a_seeded_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    from sfr_core.tasks import latents

    monkeypatch.setattr(latents, "PIXELS_AT_ONCE", 25 * SIDE * SIDE)
    dataset = rgb_dataset()
    task = dit_task(dataset=dataset, seed=4)
    assert (task.count("forget"), task.count("remain")) == (6, 54)
    assert task.preparation() == 3
    assert list(task.prepare()) == [1, 2, 3]
    x = torch.from_numpy(dataset.train.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    assert torch.allclose(task._held, drained(encode(tiny_vae(), x, rng=rng(4))), atol=1e-5)
    other = dit_task(dataset=dataset, seed=5)
    drained(other.prepare())
    assert not torch.equal(task._held, other._held)
    assert task.preparation() == 0


def test_only_the_transformer_is_trained_and_pictures_are_decoded() -> None:
    task = ready_dit_task()
    assert set(task.parameters()) == set(dict(tiny_dit().named_parameters()))
    real = dit_task()
    assert not any(p.requires_grad for p in real.autoencoder.parameters())
    z = torch.randn((2, 4, 4, 4), generator=rng())
    assert torch.equal(real._pictures(z), levels(drained(decode(tiny_vae(), z))))


def test_samples_are_those_of_diffusers_scheduler() -> None:
    task = dit_task()
    labels = torch.tensor([3, 5])
    noise = torch.randn((2, 4, 4, 4), generator=rng())
    walk = ddim_steps(task._predictor(task.model), noise, labels, null=NULL, steps=10, guidance=1.0, clip=False)
    scheduler = DDIMScheduler(
        beta_start=1e-4, beta_end=0.02, beta_schedule="linear", clip_sample=False, timestep_spacing="trailing"
    )
    scheduler.set_timesteps(10)
    x = noise
    with torch.no_grad():
        for t in scheduler.timesteps:
            x = scheduler.step(task.model(x, t.expand(2), labels).sample, t, x).prev_sample
    assert torch.allclose(drained(walk), x, atol=1e-4)


def test_a_look_changes_nothing_and_shows_every_class() -> None:
    task = dit_task("class:five,three")
    before, held = state(task.model), torch.random.get_rng_state()
    task.model.train()
    look, again = task.look(CancelToken()), task.look(CancelToken())
    assert look is not None
    assert look == again
    assert all(m.training for m in task.model.modules())
    assert same(before, state(task.model))
    assert torch.equal(held, torch.random.get_rng_state())
    assert look.sheet is not None
    assert look.sheet.side == SIDE
    assert look.sheet.labels == tuple(c for c in [3, 5, 0, 1, 2, 4, 6, 7, 8, 9] for _ in range(task.look_columns))


def test_of_many_classes_a_look_and_the_drawn_pictures_are_of_some() -> None:
    many = np.arange(1000)
    assert evenly(many, 4).tolist() == [0, 250, 500, 750]
    assert evenly(many[:3], 4).tolist() == [0, 1, 2]
    assert len(dit_task()._look_labels) == len(CLASSES) * DitTask.look_columns

    class Few(DitTask):
        look_classes = 4
        free_most = 3 * DitTask.free_remain

    task: Any = dit_task("class:three", kind=Few)
    assert sorted(set(task._look_labels.tolist())) == [0, 3, 4, 7]
    assert sorted(set(task._labels.tolist())) == [0, 3, 4, 7]


def test_a_new_model_has_the_same_shape_and_seeded_weights() -> None:
    task = ready_dit_task()
    a, b, c = (state(task.new_model(rng(s))) for s in (0, 0, 1))
    assert same(a, b)
    assert not same(a, c)
    assert {k: v.shape for k, v in a.items()} == {k: v.shape for k, v in state(task.model).items()}
