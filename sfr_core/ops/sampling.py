"""Pictures from a generator: batches of equal size, progress step by step, rounded to 256 levels as a file would be."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Generator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sfr_core.errors import LOWER, Diverged
from sfr_core.ops.diffusion import Predictor, guided, start_noise
from sfr_core.ops.noise_schedule import DdpmSchedule, Schedule
from sfr_core.ops.stepwise import counted_on

SAMPLE_BATCH = 100
"""Pictures that are drawn side by side at most. Records depend on it in their last digits, so it is the same everywhere."""
SAMPLE_VALUES = 102_400
"""Values of all pictures or latents that are drawn side by side: what the shipped models draw 100 of; 6 of Stable Diffusion's."""


def sample_batch(shape: Sequence[int]) -> int:
    """Pictures or latents of a shape that are drawn side by side."""
    return max(1, min(SAMPLE_BATCH, SAMPLE_VALUES // math.prod(shape)))


def sampler_steps(n: int, steps: int, shape: Sequence[int]) -> int:
    """How often `sample` yields for n pictures of a shape."""
    return math.ceil(n / sample_batch(shape)) * steps


@torch.no_grad()
def denoise_steps(
    predict: Predictor,
    schedule: Schedule,
    noise: Tensor,
    labels: Tensor,
    *,
    null: int,
    steps: int,
    guidance: float,
    until: int | None = None,
) -> Generator[int, None, Tensor]:
    """Guided pictures of labels, step by step. A caller that stops asking has stopped the sampling.

    Args:
        predict: the model.
        schedule: of its training; says the times and takes the steps.
        noise: standard normal [n, c, h, w]; equal noise gives equal pictures.
        labels: class of each picture, int64 [n].
        null: the label that means "no class".
        steps: that the schedule can be cut into.
        guidance: w of `guided`.
        until: stop after so many steps, with what is half drawn; default all.

    Yields:
        The number of steps done, after each of them.

    Returns:
        Pictures in [-1, 1] (or latents), shaped as `noise`.

    Raises:
        InputError: as `schedule.grid`.
    """
    times = schedule.grid(steps)
    x = noise
    for done, (now, after) in enumerate(zip(times[:until], [*times[1:], None], strict=False), 1):
        t = torch.full((len(x),), now, device=x.device)
        x = schedule.step(x, guided(predict, x, t, labels, null, guidance), now, after)
        yield done
    return x


def sample_pictures(
    predict: Predictor,
    labels: NDArray[np.int64],
    shape: tuple[int, int, int],
    *,
    null: int,
    seed: int,
    steps: int,
    guidance: float,
    device: torch.device,
) -> Generator[int, None, NDArray[np.uint8]]:
    """Draws a picture for each label [n] from a DDPM of pixels; arguments as for `sample`.

    Returns:
        uint8 [n, h, w, c].
    """
    schedule = DdpmSchedule(device=device, clip=True)
    drawn = yield from sample(
        predict, schedule, labels, shape, null=null, seed=seed, steps=steps, guidance=guidance, device=device, finish=levels
    )  # fmt: skip
    return tiles(drawn)


def sample(
    predict: Predictor,
    schedule: Schedule,
    labels: NDArray[np.int64],
    shape: tuple[int, int, int],
    *,
    null: int,
    seed: int,
    steps: int,
    guidance: float,
    device: torch.device,
    finish: Callable[[Tensor], Tensor],
) -> Generator[int, None, Tensor]:
    """Draws from the model for each label [n], batch by batch; a caller that stops asking has stopped the sampling.

    Args:
        predict, schedule, null, steps, guidance: as for `denoise_steps`.
        shape: channels, height, width of what the model works on: pictures or latents.
        seed: of the noise; equal seeds give equal noise, class by class (`start_noise`).
        finish: what is kept of each finished batch [m, *shape], for example its pictures.

    Yields:
        Sampler steps done over all batches, 1 to `sampler_steps(n, steps, shape)`.

    Returns:
        What `finish` made, [n, ...].

    Raises:
        InputError: as `schedule.grid`.
    """
    classes = torch.from_numpy(labels)
    noise = start_noise(classes, shape, seed)
    parts: list[Tensor] = []
    size = sample_batch(shape)
    for start, y in zip(torch.split(noise, size), torch.split(classes, size), strict=True):
        work = denoise_steps(
            predict, schedule, start.to(device), y.to(device), null=null, steps=steps, guidance=guidance
        )
        parts.append(finish((yield from counted_on(work, len(parts) * steps))))
    return torch.cat(parts)


def levels(pictures: Tensor) -> Tensor:
    """Pictures in [-1, 1] rounded to uint8, on the CPU.

    Raises:
        Diverged: a value is NaN or infinite.
    """
    if not torch.isfinite(pictures).all():
        raise Diverged(
            "The pictures that the network draws are no longer numbers.",
            hint=f"{LOWER} Where the untouched network draws such pictures too, choose --precision fp32.",
        )
    return ((pictures + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu()


def tiles(images: Tensor) -> NDArray[np.uint8]:
    """uint8 [n, c, h, w] as pictures [n, h, w, c]."""
    found: NDArray[np.uint8] = images.permute(0, 2, 3, 1).contiguous().numpy()
    return found


def sheet_png(images: NDArray[np.uint8], columns: int) -> str:
    """Tiles [n, h, w, c] (c 1 or 3) side by side, `columns` a row, as a base64 PNG; n is a multiple of `columns`."""
    n, height, width, channels = images.shape
    rows = images.reshape(n // columns, columns, height, width, channels)
    whole = rows.transpose(0, 2, 1, 3, 4).reshape(n // columns * height, columns * width, channels)
    file = io.BytesIO()
    Image.fromarray(whole[..., 0] if channels == 1 else whole).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")
