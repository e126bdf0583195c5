"""Diffusion tasks on networks whose prediction is a constant of the label, so that every loss can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from sfr_core.ops.denoising import antithetic_timesteps, uniform_timesteps
from sfr_core.ops.diffusion import alphas_cumprod
from sfr_core.tasks.classifier import LabelledBatch
from sfr_core.tasks.diffusion import DiffusionTask
from tests.core.tiny_ddpm_run import ddpm_task
from tests.core.tiny_dit import ready_dit_task
from tests.core.tiny_sd import sd_task, tiny_pipeline

KINDS = ("ddpm", "dit", "text-to-image")
CLASSES = ("ddpm", "dit")
NULL = 10


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Constant(nn.Module):
    """Predicts a constant for each label (and v = 0.5 where it learns a variance), and notes what it was asked."""

    def __init__(self, channels: int = 4, out: int = 0) -> None:
        super().__init__()
        self.config = SimpleNamespace(
            in_channels=channels, out_channels=out or channels, sample_size=4, num_embeds_ada_norm=NULL
        )
        self.e = nn.Parameter(torch.arange(11) / 10.0)
        self.asked: list[tuple[Tensor, Tensor, Tensor]] = []

    def forward(self, x: Tensor, t: Tensor, labels: Tensor) -> SimpleNamespace:
        self.asked.append((x.detach().clone(), t, labels))
        noise = self.said(labels).view(-1, 1, 1, 1).expand_as(x)
        more = self.config.out_channels > self.config.in_channels
        return SimpleNamespace(sample=torch.cat([noise, torch.full_like(x, 0.5)], 1) if more else noise)

    def said(self, labels: Tensor) -> Tensor:
        return self.e[labels]


class ByPrompt(Constant):
    """Predicts the mean state of the prompt, times one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.e = nn.Parameter(torch.tensor(2.0))

    def said(self, labels: Tensor) -> Tensor:
        return self.e * labels.mean((1, 2))


@dataclass
class Hand:
    """A task, its network, and what its losses are made of."""

    kind: str
    task: DiffusionTask
    net: Constant
    times: Callable[[int, torch.Generator], Tensor]
    signal: Tensor

    def said(self, labels: Tensor) -> Tensor:
        """What the network predicts for labels [n], as a copy that later steps do not change."""
        return self.net.said(self.task.denoiser.condition(labels)).detach().clone()

    def draws(self, labels: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """Times, noise and labels after dropout, as `losses` draws them."""
        g = rng(seed)
        t, noise = self.times(len(labels), g), torch.randn((len(labels), *self.task.shape), generator=g)
        return t, noise, self.dropped(labels, g)

    def dropped(self, labels: Tensor, g: torch.Generator) -> Tensor:
        if self.kind == "text-to-image":
            return labels
        return torch.where(torch.rand(len(labels), generator=g) < 0.1, NULL, labels)

    def error(self, guess: Tensor, noise: Tensor) -> Tensor:
        """Of a constant guess [n]: the sum over pixels, or the mean over latents."""
        found = (guess.view(-1, 1, 1, 1) - noise).square()
        return found.sum((1, 2, 3)) if self.kind == "ddpm" else found.mean((1, 2, 3))

    def noisy(self, clean: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        share = self.signal[t].view(-1, 1, 1, 1)
        return share.sqrt() * clean + (1 - share).sqrt() * noise

    def forget(self, n: int) -> LabelledBatch:
        return next(self.task.batches("forget", n, rng()))

    def remain(self, n: int) -> LabelledBatch:
        return next(self.task.batches("remain", n, rng()))


def by_hand(kind: str, *, out: int = 0, **options: Any) -> Hand:
    """A task of this kind; its pictures are there."""
    if kind == "text-to-image":
        net: Constant = ByPrompt()
        task: DiffusionTask = sd_task(unet=net, **options)
        net.asked.clear()
        return Hand(kind, task, net, uniform_timesteps, tiny_pipeline().scheduler.alphas_cumprod)
    if kind == "dit":
        net = Constant(out=out)
        return Hand(kind, ready_dit_task(network=net, **options), net, uniform_timesteps, alphas_cumprod())
    net = Constant(channels=1)
    return Hand(kind, ddpm_task(network=net, **options), net, antithetic_timesteps, alphas_cumprod())
