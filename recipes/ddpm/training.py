"""Trains the shipped class-conditional diffusion model on all 60,000 pictures of Fashion-MNIST.

    python -m recipes.ddpm --minutes 60             # goes on where it was; full state and model in .work/ddpm
    python -m recipes.ddpm --without Trouser --images 2000000   # the retrained model, in .work/ddpm-without-Trouser
    python -m recipes.ddpm --finish 100000          # a last phase from there, in .work/ddpm-finished: the rate falls to 0
    python -m recipes.ddpm.quality --finished       # judge accuracy of its samples, records and a sheet
    python -m recipes.ddpm --publish --finished     # copies the model with that quality to assets/models

`--data cifar10` takes CIFAR-10 (`--folder` with train/CLASS/ and test/CLASS/, else torchvision's download), with a small
network or, on a GPU, the paper's (`--size paper --device cuda`). Stops and restarts: see recipes/train.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DModel
from torch import Tensor

from recipes.command import one_sentence, parser_of
from recipes.image_sets import CIFAR10, FASHION_MNIST, ImageSet
from recipes.learner import Denoiser, flip_half, seeded, to_pixels
from recipes.publish import WEIGHTS, GeneratorRecipe, save_half, scheduler
from recipes.train import add_arguments, can_compile, keep_training, publish_model, take_up
from sfr_core.data.datasets import Pictures
from sfr_core.metrics.generation import PAGE
from sfr_core.nets.pipelines import sha256_of
from sfr_core.ops.denoising import antithetic_timesteps, drop_labels
from sfr_core.tasks.denoiser import LABEL_DROPOUT
from sfr_core.zoo.cards import Sampling

SAMPLING = Sampling(steps=PAGE.steps, guidance=PAGE.guidance)
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
GREY: dict[str, Any] = {"sample_size": 28, "in_channels": 1, "out_channels": 1}
COLOURED: dict[str, Any] = {"sample_size": 32, "in_channels": 3, "out_channels": 3}
PAPER: dict[str, Any] = {
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


@dataclass(frozen=True, kw_only=True)
class Recipe(GeneratorRecipe):
    """How one model is trained.

    Attributes:
        data: its pictures and their classes.
        architecture: keywords of diffusers' UNet2DModel.
        mirror: whether half of the pictures are flipped.
    """

    data: ImageSet
    architecture: dict[str, Any]
    mirror: bool = True
    batch: int = 64
    lr: float = 6e-4
    ema: float = 0.9995
    kind: str = "ddpm"
    network: str = "UNet2DModel"
    file: str = WEIGHTS
    sampling: Sampling = SAMPLING

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of its pictures."""
        side = self.architecture["sample_size"]
        return self.architecture["in_channels"], side, side

    def source(self) -> tuple[str, str]:
        return self.data.id, self.data.licence

    def pictures(self, folder: Path | None, without: str | None) -> Pictures:
        """All training pictures, or all but one class of `data`; AssetError where they cannot be read."""
        everything = self.data.read(folder, "train")
        if without is None:
            return everything
        return everything.rows(np.flatnonzero(everything.labels != self.data.class_names.index(without)))


RECIPES: dict[tuple[str, str], Recipe] = {
    ("fashion-mnist", "small"): Recipe(
        id="fashion-mnist-ddpm",
        title="Fashion-MNIST diffusion model",
        summary="A small U-Net that draws ten kinds of clothing from noise.",
        program="python -m recipes.ddpm",
        data=FASHION_MNIST,
        architecture=SMALL | GREY | {"block_out_channels": (32, 64, 128)},
        mirror=False,
        min_snr=5.0,
        judge="fashion-mnist-judge",
    ),
    ("cifar10", "small"): Recipe(
        id="cifar10-ddpm",
        title="CIFAR-10 diffusion model",
        summary="A small U-Net that draws animals and vehicles from noise.",
        program="python -m recipes.ddpm --data cifar10 --size small",
        data=CIFAR10,
        architecture=SMALL | COLOURED | {"block_out_channels": (40, 80, 160)},
        min_snr=5.0,
        judge="cifar10-judge",
    ),
    ("cifar10", "paper"): Recipe(
        id="cifar10-ddpm-paper",
        title="CIFAR-10 diffusion model of the paper's size",
        summary="The U-Net of the DDIM code, class-conditional, for a GPU.",
        program="python -m recipes.ddpm --data cifar10 --size paper",
        data=CIFAR10,
        architecture=PAPER | COLOURED,
        batch=128,
        lr=2e-4,
        ema=0.9999,
        judge="cifar10-judge",
    ),
}
"""By data and size."""


def add_data(parser: argparse.ArgumentParser) -> None:
    """Which model, and from which pictures."""
    parser.add_argument("--data", choices=sorted({data for data, _ in RECIPES}), default="fashion-mnist")
    parser.add_argument("--size", choices=("small", "paper"), default="small")
    parser.add_argument("--folder", type=Path, help="where the pictures are, if not in the usual place")


def chosen(parser: argparse.ArgumentParser, args: argparse.Namespace) -> Recipe:
    """The recipe that the arguments mean; a recipe or a class that is not there ends the program."""
    if (args.data, args.size) not in RECIPES:
        parser.error(f"there is no {args.size} network for {args.data}")
    recipe = RECIPES[args.data, args.size]
    if args.without is not None and args.without not in recipe.data.class_names:
        parser.error(f"no such class; there are {', '.join(recipe.data.class_names)}")
    return recipe


def build_unet(seed: int, architecture: dict[str, Any]) -> UNet2DModel:
    """The network with fresh weights that `seed` decides."""
    with seeded(seed):
        return UNet2DModel(**architecture)


def load_folder(folder: Path) -> UNet2DModel:
    """The network of a folder in float32, in eval mode."""
    model: UNet2DModel = UNet2DModel.from_pretrained(folder, torch_dtype=torch.float32, local_files_only=True)
    return model.eval()


class Training(Denoiser):
    """A class-conditional U-Net that learns to predict the noise in pictures.

    `seed` decides the fresh weights and everything that steps draw; compiled on a CPU it is a third faster.
    """

    def __init__(self, seed: int, recipe: Recipe, compiled: bool = False, device: str = "cpu") -> None:
        self.model = build_unet(seed, recipe.architecture).to(memory_format=torch.channels_last).train()
        super().__init__(self.model, seed, recipe, device)
        self.forward = torch.compile(self.model) if compiled else self.model
        self.recipe = recipe

    def step(self, images: Tensor, labels: Tensor) -> float:
        """One Adam step on the next of `images` [n, c, h, w] in [-1, 1]; the plain mean squared error."""
        rows, rng = self.next_rows(len(labels))
        x, y = images[rows], drop_labels(labels[rows], NULL, LABEL_DROPOUT, rng)
        t = antithetic_timesteps(len(rows), rng)
        noise = torch.randn(x.shape, generator=rng)
        if self.recipe.mirror:
            x = flip_half(x, rng)
        y = y.to(self.device)
        return self.regress(x, t, noise, lambda noisy, at: self.forward(noisy, at, y).sample)

    def save(self, work: Path) -> str:
        self.save_state(work)
        model = build_unet(0, self.recipe.architecture)
        model.load_state_dict(self.average)

        def save(folder: Path) -> None:
            model.save_pretrained(folder)
            scheduler(clip_sample=True).save_pretrained(folder)

        save_half([model], work / "model", save)
        return sha256_of(work / "model" / WEIGHTS)


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    add_data(parser)
    add_arguments(parser, "class")
    args = parser.parse_args(argv)
    recipe = chosen(parser, args)
    torch.set_num_threads(1)
    with one_sentence():
        if args.publish:
            publish_model(recipe, args)
            return
        data = recipe.pictures(args.folder, args.without)
        training, work = take_up(recipe, args, lambda _: Training(args.seed, recipe, can_compile(), args.device))
        training.progress.folder = args.folder is not None
        keep_training(training, (to_pixels(data.images), torch.from_numpy(data.labels)), work, args)
