"""The diffusion model on disk: diffusers' folder format in half precision, the resumable state, and the draft card."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, UNet2DModel
from torch import Tensor

from sfr_core.ops.diffusion import BETA_FIRST, BETA_LAST, STEPS

WEIGHTS = "diffusion_pytorch_model.safetensors"
CARD = "card.draft.json"
LARGEST_FILE = 10_000_000
"""Bytes; a Space refuses larger files that are not in its large-file store."""

CLASSES = 10
NULL = CLASSES
"""The label that stands for "no class"."""

ARCHITECTURE: dict[str, Any] = {
    "sample_size": 28,
    "in_channels": 1,
    "out_channels": 1,
    "block_out_channels": (32, 64, 128),
    "layers_per_block": 1,
    "down_block_types": ("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    "attention_head_dim": 32,
    "norm_num_groups": 8,
    "attn_norm_num_groups": 8,
    "resnet_time_scale_shift": "scale_shift",
    "num_class_embeds": CLASSES + 1,
}


@dataclass(slots=True)
class Progress:
    """How far a training is; `restarts` counts the starts from half-precision weights, without optimiser moments."""

    seed: int = 0
    images: int = 0
    steps: int = 0
    cpu_seconds: float = 0.0
    restarts: int = 0


def build_unet(seed: int) -> UNet2DModel:
    """The network with fresh weights that `seed` decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet2DModel(**ARCHITECTURE)


def save_folder(weights: dict[str, Tensor], folder: Path) -> str:
    """Writes `weights` in half precision with the configs of network and sampler; returns the sha256 of the weights.

    The folder appears whole or not at all, so that a stopped training leaves the last good one.

    Raises:
        ValueError: a file would reach LARGEST_FILE, or a weight is not finite in half precision.
    """
    model = build_unet(0)
    model.load_state_dict(weights)
    model.half()
    bad = [name for name, tensor in model.state_dict().items() if not tensor.isfinite().all()]
    if bad:
        raise ValueError(f"{bad[0]} is not finite in half precision.")
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    model.save_pretrained(new)
    scheduler = DDIMScheduler(
        num_train_timesteps=STEPS, beta_start=BETA_FIRST, beta_end=BETA_LAST, beta_schedule="linear",
        prediction_type="epsilon", clip_sample=True, timestep_spacing="trailing",
    )  # fmt: skip
    scheduler.save_pretrained(new)
    for path in new.iterdir():
        if path.stat().st_size >= LARGEST_FILE:
            raise ValueError(f"{path.name} has {path.stat().st_size} bytes, {LARGEST_FILE} is too many.")
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
    return sha256(folder / WEIGHTS)


def load_folder(folder: Path) -> UNet2DModel:
    """The network of a folder in float32, in eval mode."""
    model: UNet2DModel = UNet2DModel.from_pretrained(folder, torch_dtype=torch.float32, local_files_only=True)
    return model.eval()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def machine() -> str:
    return f"{platform.machine()}, CPU, torch {torch.__version__}"


def publish(work: Path, target: Path, progress: Progress, command: str) -> dict[str, Any]:
    """Copies the model of `work` to `target` with a draft card, and with its quality where that was measured on it.

    Raises:
        FileNotFoundError: there is no model in `work`.
        ValueError: the quality that lies beside it belongs to other weights.
    """
    source = work / "model"
    digest = sha256(source / WEIGHTS)
    quality = json.loads((work / "quality.json").read_text()) if (work / "quality.json").exists() else None
    if quality is not None and quality.pop("sha256") != digest:
        raise ValueError("The measured quality is that of other weights: run recipes.ddpm_quality again.")
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        shutil.copyfile(path, target / path.name)
    card = {
        "id": target.name,
        "title": "Fashion-MNIST diffusion model",
        "kind": "ddpm",
        "summary": "A small U-Net that draws ten kinds of clothing from noise.",
        "dataset": "fashion-mnist (all 60,000 training pictures, Debian's dataset-fashion-mnist)",
        "data_licence": "MIT (Zalando SE, 2017)",
        "licence": "MIT",
        "file": WEIGHTS,
        "bytes": (target / WEIGHTS).stat().st_size,
        "sha256": digest,
        "parameters": sum(p.numel() for p in load_folder(target).parameters()),
        "weights": "exponential moving average, half precision",
        "seed": progress.seed,
        "recipe": command,
        "images_seen": progress.images,
        "steps": progress.steps,
        "cpu_seconds": round(progress.cpu_seconds),
        "restarts_from_half_precision": progress.restarts,
        "machine": machine(),
        "threads": torch.get_num_threads(),
        "precision": "bf16 autocast",
        "quality": quality,
        "resume": f"{command} (from .work/ where the full state is there, else from these weights)",
    }
    (target / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return card
