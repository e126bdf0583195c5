"""Between pictures and the latents that latent diffusion models work on: a frozen autoencoder, batch by batch.

Pictures are float32 [n, 3, h, w] in [-1, 1], latents float32 [n, z, h / f, w / f], already shifted and scaled as the
diffusion model takes them. Both functions work step by step (`ops.stepwise`): they yield the batches done, and a caller that stops iterating
has stopped them.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import torch
from torch import Tensor, nn

PIXELS_AT_ONCE = 2**19
"""Of the pictures of one batch: 128 of 64x64, 8 of 256x256. The widest layer of an autoencoder is about 100 times that."""


def frozen(autoencoder: nn.Module) -> nn.Module:
    """The autoencoder in eval mode, its weights fixed: a run changes the diffusion model alone. In place."""
    return autoencoder.eval().requires_grad_(False)


def downscale(autoencoder: nn.Module) -> int:
    """f: pixels along the side of one latent pixel."""
    return int(2 ** (len(_config(autoencoder).block_out_channels) - 1))


def batch_size(autoencoder: nn.Module, height: int, width: int) -> int:
    """How many pictures of height x width pixels go through the autoencoder at once."""
    return max(1, PIXELS_AT_ONCE // (height * width))


@torch.no_grad()
def encode(
    autoencoder: nn.Module, pictures: Tensor, *, rng: torch.Generator | None = None
) -> Generator[int, None, Tensor]:
    """Latents of pictures, on the autoencoder's device.

    Args:
        autoencoder: diffusers' AutoencoderKL or AutoencoderTiny.
        pictures: float [n, 3, h, w] in [-1, 1]; h and w are multiples of `downscale`.
        rng: draws from the posterior, on the CPU and in the order of the rows, as training does; without it the mean of the
            posterior. AutoencoderTiny has no posterior and draws nothing.

    Yields:
        Batches done, 1 to ceil(n / batch_size).

    Returns:
        float32 [n, z, h / f, w / f].
    """
    config = _config(autoencoder)
    device, dtype = _place(autoencoder)
    parts = []
    size = batch_size(autoencoder, *pictures.shape[2:])
    for done, part in enumerate(torch.split(pictures, size), 1):
        found: Any = autoencoder.encode(part.to(device, dtype))  # type: ignore[operator]
        if hasattr(found, "latent_dist"):
            posterior = found.latent_dist
            raw: Tensor = posterior.mean.float()
            if rng is not None:
                raw = raw + posterior.std.float() * torch.randn(raw.shape, generator=rng).to(device)
        else:
            raw = found.latents.float()
        parts.append((raw - _shift(config)) * config.scaling_factor)
        yield done
    return torch.cat(parts)


@torch.no_grad()
def decode(autoencoder: nn.Module, latents: Tensor) -> Generator[int, None, Tensor]:
    """Pictures of latents [n, z, h, w], on the autoencoder's device; values beyond [-1, 1] are cut.

    Yields:
        Batches done, 1 to ceil(n / batch_size).

    Returns:
        float32 [n, 3, h * f, w * f].
    """
    config = _config(autoencoder)
    device, dtype = _place(autoencoder)
    f = downscale(autoencoder)
    parts = []
    size = batch_size(autoencoder, latents.shape[2] * f, latents.shape[3] * f)
    for done, part in enumerate(torch.split(latents, size), 1):
        raw = part.to(device).float() / config.scaling_factor + _shift(config)
        out: Any = autoencoder.decode(raw.to(dtype))  # type: ignore[operator]
        parts.append(out.sample.float().clamp(-1, 1))
        yield done
    return torch.cat(parts)


def _config(autoencoder: nn.Module) -> Any:
    return autoencoder.config


def _shift(config: Any) -> float:
    """Most autoencoders have no shift: the field is missing or None."""
    return float(getattr(config, "shift_factor", None) or 0.0)


def _place(autoencoder: nn.Module) -> tuple[torch.device, torch.dtype]:
    first = next(autoencoder.parameters())
    return first.device, first.dtype
