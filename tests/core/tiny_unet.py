"""A diffusion model of 8 channels on pictures 8x8, its folder in diffusers' format, and a card for it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, UNet2DModel

from sfr_core.zoo.cards import ModelCard, Sampling

torch.set_num_threads(1)

WEIGHTS = "diffusion_pytorch_model.safetensors"
ARCHITECTURE: dict[str, Any] = {
    "sample_size": 8,
    "in_channels": 1,
    "out_channels": 1,
    "block_out_channels": (8, 8),
    "layers_per_block": 1,
    "down_block_types": ("DownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "UpBlock2D"),
    "attention_head_dim": 8,
    "norm_num_groups": 2,
    "num_class_embeds": 11,
}


def tiny_unet(seed: int = 0, **changes: Any) -> UNet2DModel:
    """A U-Net with weights that `seed` decides, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet2DModel(**{**ARCHITECTURE, **changes}).eval()


def unet_folder(folder: Path, seed: int = 0, **changes: Any) -> tuple[int, str]:
    """Writes network and sampler as the recipe does; size and sha256 of the weights."""
    tiny_unet(seed, **changes).half().save_pretrained(folder)
    DDIMScheduler(beta_start=1e-4, beta_end=0.02, beta_schedule="linear").save_pretrained(folder)
    raw = (folder / WEIGHTS).read_bytes()
    return len(raw), hashlib.sha256(raw).hexdigest()


def ddpm_card(folder: Path, **changes: Any) -> ModelCard:
    """Card and files of the tiny model."""
    shutil.rmtree(folder, ignore_errors=True)
    size, digest = unet_folder(folder)
    values: dict[str, Any] = {
        "id": "tiny-ddpm", "title": "Tiny", "kind": "ddpm", "summary": "Tiny.", "dataset": "tiny", "data_licence": "MIT", "licence": "MIT", "source": "bundled",
        "architecture": {"name": "UNet2DModel"}, "parameters": sum(p.numel() for p in tiny_unet().parameters()), "file": WEIGHTS, "bytes": size,
        "sha256": digest, "seed": 0, "recipe": "", "machine": "", "threads": 1, "precision": "fp32", "wall_seconds": None, "cpu_seconds": 9.0,
        "retrain_seconds": 4.5, "retrain_threads": 1, "retrain_clock": "cpu", "metrics": {}, "retrained": (), "folder": folder, "judge": "tiny-judge",
        "sampling": Sampling(steps=4, guidance=2.0),
    }  # fmt: skip
    return ModelCard(**{**values, **changes})
