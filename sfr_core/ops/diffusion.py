"""The noise schedule of class-conditional diffusion models, and guided DDIM sampling from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator

import numpy as np
import torch
from torch import Tensor

from sfr_core.errors import InputError

STEPS = 1000
BETA_FIRST, BETA_LAST = 1e-4, 0.02

Predictor = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(noisy pictures [n, c, h, w], timesteps [n], labels [n]) -> predicted noise [n, c, h, w]."""


def alphas_cumprod() -> Tensor:
    """Share of signal left in the variance at each of the STEPS timesteps, float32 [STEPS] (linear betas)."""
    betas = torch.linspace(BETA_FIRST, BETA_LAST, STEPS, dtype=torch.float64)
    return (1 - betas).cumprod(0).float()


def start_noise(labels: Tensor, shape: tuple[int, int, int], seed: int) -> Tensor:
    """Standard normal noise [n, *shape] (c, h, w) on the CPU to sample pictures of `labels` from.

    That of a row follows from the seed, its class and how many rows of that class stand before it, and from nothing else: two
    sets of labels share the noise, and so the pictures, of what they have in common.
    """
    seen: defaultdict[int, int] = defaultdict(int)
    noise = torch.empty((len(labels), *shape))
    for row, label in enumerate(labels.tolist()):
        state = np.random.SeedSequence([seed, label, seen[label]]).generate_state(1, np.uint64)[0]
        noise[row] = torch.randn(shape, generator=torch.Generator().manual_seed(int(state) % 2**63))
        seen[label] += 1
    return noise


def guided(predict: Predictor, x: Tensor, t: Tensor, labels: Tensor, null: int, guidance: float) -> Tensor:
    """Noise prediction of classifier-free guidance (Ho and Salimans 2022): e(null) + w (e(c) - e(null)).

    w = 1 is the plain conditional prediction and costs one forward pass; every other w costs one of double size.
    """
    if guidance == 1.0:
        return predict(x, t, labels)
    both = torch.cat([labels, torch.full_like(labels, null)])
    with_class, without = predict(torch.cat([x, x]), torch.cat([t, t]), both).chunk(2)
    return without + guidance * (with_class - without)


def check_sampler(steps: int) -> None:
    """Refuses a number of sampler steps that cannot be spaced evenly.

    Raises:
        InputError: STEPS is no multiple of `steps`.
    """
    if steps < 1 or STEPS % steps:
        raise InputError(
            f"{steps} sampling steps do not divide {STEPS}.", hint="Choose 10, 20, 25, 50 or 100 sampling steps."
        )


@torch.no_grad()
def ddim_steps(
    predict: Predictor,
    noise: Tensor,
    labels: Tensor,
    *,
    null: int,
    steps: int,
    guidance: float,
    clip: bool = True,
    signal: Tensor | None = None,
    until: int | None = None,
) -> Generator[int, None, Tensor]:
    """Deterministic DDIM (Song et al. 2020, arXiv 2010.02502, equation 12 with sigma = 0), step by step.

    Timesteps are spaced evenly and end at the last one ("trailing"), so the first step starts from pure noise. The
    predicted picture is clipped to [-1, 1] and the noise recomputed from it, else guidance saturates; latents have no such
    range. A caller that stops asking has stopped the sampling.

    Args:
        predict: the model.
        noise: standard normal [n, c, h, w]; equal noise gives equal pictures.
        labels: class of each picture, int64 [n].
        null: the label that means "no class".
        steps: 1 to STEPS; STEPS must be a multiple of it.
        guidance: w of `guided`.
        clip: False for latents.
        signal: share of signal at each timestep [STEPS], on the noise's device; default `alphas_cumprod`.
        until: stop after so many steps, with what is half drawn; default all.

    Yields:
        The number of steps done, after each of them.

    Returns:
        Pictures in [-1, 1] (or latents), shaped as `noise`.

    Raises:
        InputError: STEPS is no multiple of `steps`.
    """
    check_sampler(steps)
    if signal is None:
        signal = alphas_cumprod().to(noise.device)
    stride = STEPS // steps
    x = noise
    for done, t in enumerate(range(STEPS - 1, -1, -stride)[:until], 1):
        now = signal[t]
        after = signal[t - stride] if t >= stride else torch.ones_like(now)
        epsilon = guided(predict, x, torch.full((len(x),), t, device=x.device), labels, null, guidance)
        picture = (x - (1 - now).sqrt() * epsilon) / now.sqrt()
        if clip:
            picture = picture.clamp(-1, 1)
            epsilon = (x - now.sqrt() * picture) / (1 - now).sqrt()
        x = after.sqrt() * picture + (1 - after).sqrt() * epsilon
        yield done
    return x
