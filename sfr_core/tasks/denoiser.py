"""A generator's network with the schedule it was trained on: what it predicts, and by how much it is wrong. Every draw is on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sfr_core.configs import Precision
from sfr_core.ops.denoising import drop_labels, mean_error
from sfr_core.ops.device import Loss, UsedPrecision, autocast, pick_precision
from sfr_core.ops.diffusion import Predictor, guided
from sfr_core.ops.learned_variance import LearnedVariance
from sfr_core.ops.modes import kept_modes
from sfr_core.ops.noise_schedule import Schedule
from sfr_core.ops.sampling import denoise_steps, sample
from sfr_core.ops.stepwise import drained

LABEL_DROPOUT = 0.1
TRIAL_PICTURES = 16
"""Batch on which passes are timed."""


class Noisy(NamedTuple):
    """Pictures with noise: clean ones and noised ones x [n, c, h, w], their times t [n], and what is to be predicted of them."""

    clean: Tensor
    x: Tensor
    t: Tensor
    target: Tensor


class Denoiser:
    """Asks a network, trained or as it was before; "pictures" are what it works on: pixels in [-1, 1], or latents.

    Args:
        model: called as (x, times, condition), with an answer that has `.sample`. Moved to `device`.
        schedule: how noise is added and removed; on `device`.
        shape: channels, height, width of a picture. An answer may have more channels behind those of the prediction.
        null: the label that means "no class".
        device, precision: where and how forward passes run.
        condition: what the network is told for labels [n]; default the labels themselves.
        error: of a prediction and its target, one a picture, [n].
        dropout: share of the labels that training replaces by `null`.
        variance: the term of a network that learns its variance too; its answer has twice the channels.
        layout: of what the network is given.
    """

    def __init__(
        self,
        model: nn.Module,
        schedule: Schedule,
        *,
        shape: tuple[int, int, int],
        null: int,
        device: torch.device,
        precision: UsedPrecision = "fp32",
        condition: Callable[[Tensor], Tensor] = lambda labels: labels,
        error: Callable[[Tensor, Tensor], Tensor] = mean_error,
        dropout: float = LABEL_DROPOUT,
        variance: LearnedVariance | None = None,
        layout: torch.memory_format = torch.contiguous_format,
    ) -> None:
        self.model = model.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.schedule, self.shape, self.null = schedule, shape, null
        self.device, self.precision = device, precision
        self.condition, self.error, self.dropout, self.variance = condition, error, dropout, variance
        self._layout = layout

    def noise(self, shape: torch.Size | tuple[int, ...], rng: torch.Generator) -> Tensor:
        """Standard normal noise."""
        return torch.randn(shape, generator=rng).to(self.device)

    def noisy(self, clean: Tensor, rng: torch.Generator, t: Tensor | None = None) -> Noisy:
        """Pictures with noise at times t [n], or at times that are drawn before the noise."""
        t = (self.schedule.times(len(clean), rng) if t is None else t).to(self.device)
        noise = self.noise(clean.shape, rng)
        return Noisy(clean, self.schedule.noisy(clean, noise, t), t, self.schedule.target(clean, noise))

    def dropped(self, labels: Tensor, rng: torch.Generator) -> Tensor:
        """Labels as training takes them; nothing is drawn where none is dropped."""
        return drop_labels(labels, self.null, self.dropout, rng) if self.dropout else labels

    def predict(self, x: Tensor, t: Tensor, labels: Tensor, model: nn.Module | None = None) -> Tensor:
        """The prediction [n, c, h, w] of `model` (default: the live one) for labels, in its present mode."""
        return self.predict_told(x, t, self.condition(labels), model)

    def predict_told(self, x: Tensor, t: Tensor, condition: Tensor, model: nn.Module | None = None) -> Tensor:
        """The same for a condition, which may need a gradient."""
        return self.schedule.predicted(self._answer(x, t, condition, model)[:, : self.shape[0]], x, t)

    def predictor(self, model: nn.Module | None = None) -> Predictor:
        """`predict` of one model."""
        return lambda x, t, labels: self.predict(x, t, labels, model)

    def predict_guided(self, x: Tensor, t: Tensor, labels: Tensor, guidance: float) -> Tensor:
        """The prediction with classifier-free guidance (`ops.diffusion.guided`)."""
        return guided(self.predict, x, t, labels, self.null, guidance)

    def errors(self, noisy: Noisy, labels: Tensor, weights: Tensor | float = 1.0) -> Tensor:
        """The training loss [n]; `weights` [n] are of the prediction's error and not of the variance's."""
        if self.variance is None:
            return self.error(self.predict(noisy.x, noisy.t, labels), noisy.target) * weights
        predicted, between = self._answer(noisy.x, noisy.t, self.condition(labels)).chunk(2, 1)
        bits = self.variance.bits(noisy.clean, noisy.x, noisy.t, predicted, between)
        return self.error(predicted, noisy.target) * weights + bits

    def draw(
        self,
        labels: NDArray[np.int64],
        finish: Callable[[Tensor], Tensor],
        *,
        seed: int,
        steps: int,
        guidance: float,
        model: nn.Module | None = None,
    ) -> Generator[int, None, Tensor]:
        """Guided samples in eval mode, as `finish` keeps them; yields the sampler steps done. As `ops.sampling.sample`."""
        network = self.model if model is None else model
        with kept_modes(network):
            network.eval()
            return (
                yield from sample(
                    self.predictor(network), self.schedule, labels, self.shape, null=self.null, seed=seed, steps=steps,
                    guidance=guidance, device=self.device, finish=finish,
                )
            )  # fmt: skip

    @torch.no_grad()
    def half_drawn(self, labels: Tensor, *, steps: int, guidance: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Samples of the live model [n, c, h, w] that stop on their way, all at one random step, with its time [n]."""
        times = self.schedule.grid(steps)
        done = int(torch.randint(steps, (1,), generator=rng))
        noise = self.noise((len(labels), *self.shape), rng)
        with kept_modes(self.model):
            self.model.eval()
            work = denoise_steps(
                self.predict, self.schedule, noise, labels, null=self.null, steps=steps, guidance=guidance, until=done
            )
            x = drained(work)
        return x, torch.full((len(labels),), times[done], device=self.device)

    def trial(self, batch_size: int) -> tuple[Tensor, Loss]:
        """Pictures [n, c, h, w], at most `batch_size`, and a loss of them to time passes with."""
        x = torch.zeros((min(batch_size, TRIAL_PICTURES), *self.shape), device=self.device)
        first = torch.zeros(len(x), dtype=torch.long)
        t, condition = self.schedule.at(first, 1).to(self.device), self.condition(first.to(self.device))

        def loss(model: nn.Module, x: Tensor) -> Tensor:
            n = len(x)
            out: Tensor = model(x.contiguous(memory_format=self._layout), t[:n], condition[:n]).sample
            return out.float().square().mean()

        return x, loss

    def use_precision(self, wanted: Precision, batch_size: int) -> UsedPrecision:
        """Takes the wanted precision, or of `auto` the faster one for batches of this size."""
        x, loss = self.trial(batch_size)
        self.precision = pick_precision(wanted, self.model, x, loss)
        return self.precision

    def new_model(self, rng: torch.Generator) -> nn.Module:
        """The same architecture with fresh random weights, on the device."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(0, 2**31 - 1, (1,), generator=rng)))
            build: Callable[[Any], nn.Module] = type(self.model).from_config
            fresh = build(self.model.config)
        return fresh.to(self.device, memory_format=self._layout)  # type: ignore[call-overload, no-any-return]

    def _answer(self, x: Tensor, t: Tensor, condition: Tensor, model: nn.Module | None = None) -> Tensor:
        """All that a network says, float32 [n, channels out, h, w]."""
        network = self.model if model is None else model
        with autocast(self.device, self.precision):
            out: Tensor = network(x.contiguous(memory_format=self._layout), t, condition).sample
        return out.float()
