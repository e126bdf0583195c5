"""How a generator lays noise over a picture and takes it away again: all that a denoiser and a sampler need to know of it."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from sfr_core.ops.denoising import antithetic_timesteps, noise_weights, noised, uniform_timesteps
from sfr_core.ops.diffusion import STEPS, alphas_cumprod, check_sampler


class Schedule(Protocol):
    """One way from pictures to noise and back. Times are numbers as the network takes them, one a picture, [n].

    Pictures, noise and what the network predicts are [n, c, h, w] on one device, where the schedule is too.
    """

    def times(self, n: int, rng: torch.Generator) -> Tensor:
        """n times to train at, on the CPU."""
        ...

    def at(self, part: Tensor, whole: int) -> Tensor:
        """The times after `part` / `whole` of the way from the picture to the noise; `part` is int64 on the CPU."""
        ...

    def noisy(self, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Pictures with their noise at times t."""
        ...

    def target(self, clean: Tensor, noise: Tensor) -> Tensor:
        """What a perfect network predicts of them."""
        ...

    def predicted(self, output: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """The prediction of `target` that a network makes with its output for noisy pictures x."""
        ...

    def weights(self, t: Tensor) -> Tensor:
        """How much an error at times t counts in a sample, [n]; the mean over all times is 1."""
        ...

    def grid(self, steps: int) -> tuple[float, ...]:
        """The times at which a sampler of so many steps asks, from noise to picture.

        Raises:
            InputError: the schedule cannot be cut into so many steps.
        """
        ...

    def step(self, x: Tensor, predicted: Tensor, now: float, after: float | None) -> Tensor:
        """Noisy pictures x of time `now` at the time `after`; None stands for the picture without noise."""
        ...


class DdpmSchedule:
    """Noise in STEPS steps (Ho et al. 2020), which the network predicts and deterministic DDIM takes away.

    DDIM: Song et al. 2020, arXiv 2010.02502, equation 12 with sigma = 0. Its timesteps are spaced evenly and end at the last one
    ("trailing"), so that the first step starts from pure noise.

    Args:
        signal: share of signal (alpha-bar) at each timestep, float32 [STEPS]; default linear betas (`alphas_cumprod`).
        device: where it is used.
        mirrored: training timesteps come in antithetic pairs.
        velocity: the network's output is v = sqrt(a) noise - sqrt(1 - a) x0. It counts as the noise that it stands for.
        clip: the picture predicted in a sampler's step is clipped to [-1, 1] and the noise recomputed from it, else guidance
            saturates; latents have no such range.
    """

    def __init__(
        self,
        signal: Tensor | None = None,
        *,
        device: torch.device | None = None,
        mirrored: bool = False,
        velocity: bool = False,
        clip: bool = False,
    ) -> None:
        self.signal = (alphas_cumprod() if signal is None else signal.float()).to(device)
        self.mirrored, self.velocity, self.clip = mirrored, velocity, clip

    def times(self, n: int, rng: torch.Generator) -> Tensor:
        return antithetic_timesteps(n, rng) if self.mirrored else uniform_timesteps(n, rng)

    def at(self, part: Tensor, whole: int) -> Tensor:
        return part * STEPS // whole

    def noisy(self, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        return noised(clean, noise, self.signal[t])

    def target(self, clean: Tensor, noise: Tensor) -> Tensor:
        return noise

    def predicted(self, output: Tensor, x: Tensor, t: Tensor) -> Tensor:
        # From v and x_t = sqrt(a) x0 + sqrt(1 - a) noise follows noise = sqrt(a) v + sqrt(1 - a) x_t.
        return noised(output, x, self.signal[t]) if self.velocity else output

    def weights(self, t: Tensor) -> Tensor:
        return noise_weights(self.signal)[t]

    def grid(self, steps: int) -> tuple[int, ...]:
        check_sampler(steps)
        return tuple(range(STEPS - 1, -1, -(STEPS // steps)))

    def step(self, x: Tensor, predicted: Tensor, now: float, after: float | None) -> Tensor:
        share = self.signal[int(now)]
        left = torch.ones_like(share) if after is None else self.signal[int(after)]
        picture = (x - (1 - share).sqrt() * predicted) / share.sqrt()
        if self.clip:
            picture = picture.clamp(-1, 1)
            predicted = (x - share.sqrt() * picture) / (1 - share).sqrt()
        return left.sqrt() * picture + (1 - left).sqrt() * predicted
