"""What each diffusion model is made of: its pictures, its network and how it learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sfr_core.data.datasets import CIFAR_CLASSES, FASHION_CLASSES, FASHION_FULL, Pictures, read_idx_pair
from sfr_core.data.folder import open_folder
from sfr_core.errors import AssetError
from sfr_core.tasks.base import Source

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
        id, title, summary, dataset, data_licence: what its card says.
        class_names: of the labels 0, 1, ...
        architecture: keywords of diffusers' UNet2DModel.
        mirror: whether half of the pictures are flipped.
        batch, lr, ema: pictures per step, Adam's learning rate, decay of the moving average.
        min_snr: cap of the signal-to-noise ratio in the loss weights (`ddpm_training.loss_weights`); None weighs all steps equally.
        judge: identifier of the judge of its samples (recipes.judge).
        read: the training pictures of a folder; None asks for the usual place.
    """

    id: str
    title: str
    summary: str
    dataset: str
    data_licence: str
    class_names: tuple[str, ...]
    architecture: dict[str, Any]
    mirror: bool
    batch: int
    lr: float
    ema: float
    min_snr: float | None
    judge: str
    read: Callable[[Path | None], Pictures]

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
        everything = self.read(folder)
        if without is None:
            return everything
        if without not in self.class_names:
            raise AssetError(f"There is no class '{without}'.", hint=f"Classes: {', '.join(self.class_names)}.")
        kept = np.flatnonzero(everything.labels != self.class_names.index(without))
        return everything.rows(kept.astype(np.int64))


def read_fashion(folder: Path | None, part: Source = "train") -> Pictures:
    """All 60,000 to train on or 10,000 to test: of the IDX files in `folder`, or of Debian's dataset-fashion-mnist."""
    return read_idx_pair(folder or FASHION_FULL, "train" if part == "train" else "t10k")


def read_cifar(folder: Path | None, part: Source = "train") -> Pictures:
    """The training or test pictures of a folder (or zip) with train/CLASS/ and test/CLASS/, or torchvision's download.

    Raises:
        AssetError: not such a folder, or nothing could be downloaded.
    """
    if folder is not None:
        found = open_folder(folder, size=(32, 32), channels=3, class_names=CIFAR_CLASSES)
        return found.train if part == "train" else found.test
    from torchvision.datasets import CIFAR10

    try:
        found = CIFAR10(str(Path.home() / ".cache" / "unlearning-playground"), train=part == "train", download=True)
    except (OSError, RuntimeError) as error:
        raise AssetError(
            f"CIFAR-10 could not be downloaded ({error}).", hint="Try again with a network, or give --folder."
        ) from None
    return Pictures(found.data, np.asarray(found.targets, np.int64))


RECIPES: dict[tuple[str, str], Recipe] = {
    ("fashion-mnist", "small"): Recipe(
        id="fashion-mnist-ddpm",
        title="Fashion-MNIST diffusion model",
        summary="A small U-Net that draws ten kinds of clothing from noise.",
        dataset="fashion-mnist",
        data_licence="MIT (Zalando SE, 2017)",
        class_names=FASHION_CLASSES,
        architecture=FASHION,
        mirror=False,
        batch=64,
        lr=6e-4,
        ema=0.9995,
        min_snr=5.0,
        judge="fashion-mnist-judge",
        read=read_fashion,
    ),
    ("cifar10", "small"): Recipe(
        id="cifar10-ddpm",
        title="CIFAR-10 diffusion model",
        summary="A small U-Net that draws animals and vehicles from noise.",
        dataset="cifar10",
        data_licence="none stated (Krizhevsky, 2009)",
        class_names=CIFAR_CLASSES,
        architecture=CIFAR_SMALL,
        mirror=True,
        batch=64,
        lr=6e-4,
        ema=0.9995,
        min_snr=5.0,
        judge="cifar10-judge",
        read=read_cifar,
    ),
    ("cifar10", "paper"): Recipe(
        id="cifar10-ddpm-paper",
        title="CIFAR-10 diffusion model of the paper's size",
        summary="The U-Net of the DDIM code, class-conditional, for a GPU.",
        dataset="cifar10",
        data_licence="none stated (Krizhevsky, 2009)",
        class_names=CIFAR_CLASSES,
        architecture=CIFAR_PAPER,
        mirror=True,
        batch=128,
        lr=2e-4,
        ema=0.9999,
        min_snr=None,
        judge="cifar10-judge",
        read=read_cifar,
    ),
}
"""By data and size."""
