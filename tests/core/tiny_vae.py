"""A tiny autoencoder of the real class: RGB pictures to latents of 4 channels at a quarter of the side."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import AutoencoderKL

torch.set_num_threads(1)


def tiny_vae(seed: int = 0, **changes: Any) -> AutoencoderKL:
    """An AutoencoderKL with weights that `seed` decides, f = 4, in eval mode."""
    values: dict[str, Any] = {
        "block_out_channels": (4, 4, 8),
        "down_block_types": ("DownEncoderBlock2D",) * 3,
        "up_block_types": ("UpDecoderBlock2D",) * 3,
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 4,
        "scaling_factor": 0.5,
        "sample_size": 16,
        "mid_block_add_attention": False,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoencoderKL(**{**values, **changes}).eval()
