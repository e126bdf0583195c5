"""Training steps of a class-conditional U-Net, and its folder in diffusers' format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DModel
from torch import Tensor

from recipes.ddpm.recipes import NULL, Recipe
from recipes.learner import Denoiser, flip_half, seeded
from recipes.publish import WEIGHTS, save_half, scheduler, sha256
from sfr_core.ops.denoising import antithetic_timesteps, drop_labels
from sfr_core.tasks.denoiser import LABEL_DROPOUT


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
        return sha256(work / "model" / WEIGHTS)
