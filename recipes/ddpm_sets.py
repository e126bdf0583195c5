"""What each diffusion model is made of: its pictures, its network and how it learns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recipes.image_sets import CIFAR10, FASHION_MNIST, ImageSet
from sfr_core.data.datasets import Pictures
from sfr_core.errors import AssetError

CLASSES = 10
NULL = CLASSES
"""The label that stands for "no class"."""

SMALL: dict[str, Any] = {
    "layers_per_block": 1,
    "down_block_types": ("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    "attention_head_dim": 32,
    "norm_num_groups": 8,
    "attn_norm_num_groups": 8,
    "resnet_time_scale_shift": "scale_shift",
    "num_class_embeds": CLASSES + 1,
}
FASHION: dict[str, Any] = SMALL | {
    "sample_size": 28,
    "in_channels": 1,
    "out_channels": 1,
    "block_out_channels": (32, 64, 128),
}
CIFAR_SMALL: dict[str, Any] = SMALL | {
    "sample_size": 32,
    "in_channels": 3,
    "out_channels": 3,
    "block_out_channels": (40, 80, 160),
}
CIFAR_PAPER: dict[str, Any] = {
    "sample_size": 32,
    "in_channels": 3,
    "out_channels": 3,
    "block_out_channels": (128, 256, 256, 256),
    "layers_per_block": 2,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": None,
    "norm_num_groups": 32,
    "dropout": 0.1,
    "num_class_embeds": CLASSES + 1,
}
"""Width 128 with multipliers 1-2-2-2, two residual blocks, attention at 16, dropout 0.1, as the DDIM code that SFR-on builds on.

diffusers adds the class embedding to that of the time, where that code concatenates the two: an equal number of inputs to
every block, not the same network, so its published weights do not fit.
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one model is trained.

    Attributes:
        id, title, summary: what its card says.
        data: its pictures and their classes.
        architecture: keywords of diffusers' UNet2DModel.
        mirror: whether half of the pictures are flipped.
        batch, lr, ema: pictures per step, Adam's learning rate, decay of the moving average.
        min_snr: cap of the signal-to-noise ratio in the loss weights (`ddpm_training.loss_weights`); None weighs all steps equally.
        judge: identifier of the judge of its samples (recipes.judge).
    """

    id: str
    title: str
    summary: str
    data: ImageSet
    architecture: dict[str, Any]
    mirror: bool
    batch: int
    lr: float
    ema: float
    min_snr: float | None
    judge: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of its pictures."""
        side = self.architecture["sample_size"]
        return self.architecture["in_channels"], side, side

    def pictures(self, folder: Path | None, without: str | None) -> Pictures:
        """All training pictures, or all but one class.

        Raises:
            AssetError: they cannot be read, or no such class.
        """
        everything = self.data.read(folder)
        if without is None:
            return everything
        if without not in self.data.class_names:
            raise AssetError(f"There is no class '{without}'.", hint=f"Classes: {', '.join(self.data.class_names)}.")
        kept = np.flatnonzero(everything.labels != self.data.class_names.index(without))
        return everything.rows(kept.astype(np.int64))


RECIPES: dict[tuple[str, str], Recipe] = {
    ("fashion-mnist", "small"): Recipe(
        id="fashion-mnist-ddpm",
        title="Fashion-MNIST diffusion model",
        summary="A small U-Net that draws ten kinds of clothing from noise.",
        data=FASHION_MNIST,
        architecture=FASHION,
        mirror=False,
        batch=64,
        lr=6e-4,
        ema=0.9995,
        min_snr=5.0,
        judge="fashion-mnist-judge",
    ),
    ("cifar10", "small"): Recipe(
        id="cifar10-ddpm",
        title="CIFAR-10 diffusion model",
        summary="A small U-Net that draws animals and vehicles from noise.",
        data=CIFAR10,
        architecture=CIFAR_SMALL,
        mirror=True,
        batch=64,
        lr=6e-4,
        ema=0.9995,
        min_snr=5.0,
        judge="cifar10-judge",
    ),
    ("cifar10", "paper"): Recipe(
        id="cifar10-ddpm-paper",
        title="CIFAR-10 diffusion model of the paper's size",
        summary="The U-Net of the DDIM code, class-conditional, for a GPU.",
        data=CIFAR10,
        architecture=CIFAR_PAPER,
        mirror=True,
        batch=128,
        lr=2e-4,
        ema=0.9999,
        min_snr=None,
        judge="cifar10-judge",
    ),
}
"""By data and size."""
