"""The generators' recipes with networks of a few thousand weights, and emoji of our own drawing: no package and no minute is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recipes.ddpm import training as ddpm_recipes
from recipes.emoji.packages import STYLES, Emoji, EmojiSet
from recipes.latents import recipes as latent_recipes
from recipes.latents.autoencoder import ARCHITECTURE, build
from recipes.latents.recipes import LatentSet, encode
from recipes.latents.selection import select
from recipes.latents.training import new_training
from recipes.train import resume

torch.set_num_threads(1)

NOWHERE = Path("nowhere")
SIDE = 16
"""Of the pictures that the diffusion models are trained on here: their networks take any side."""
SMALL_UNET = {
    "block_out_channels": (8, 8, 16),
    "norm_num_groups": 4,
    "attn_norm_num_groups": 4,
    "attention_head_dim": 8,
}
SMALL: dict[str, dict[str, Any]] = {
    "emoji-dit": {"num_attention_heads": 2, "attention_head_dim": 8, "num_layers": 1},
    "emoji-sd": {
        "block_out_channels": (8, 8, 16),
        "norm_num_groups": 4,
        "attention_head_dim": 2,
        "cross_attention_dim": 16,
    },
}
SMALL_TEXT = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 16,
}
SMALL_AUTOENCODER = ARCHITECTURE | {"block_out_channels": (8, 8, 8), "norm_num_groups": 4}


def tiny_ddpm(data: str = "fashion-mnist", size: str = "small") -> ddpm_recipes.Recipe:
    """The recipe of a diffusion model with a tiny network."""
    recipe = ddpm_recipes.RECIPES[data, size]
    widths = {"block_out_channels": (8, 8, 16, 16)} if size == "paper" else {}
    return replace(recipe, architecture=recipe.architecture | SMALL_UNET | widths, batch=8)


def tiny_latent(name: str) -> latent_recipes.LatentRecipe:
    """The recipe of a latent model with tiny networks."""
    recipe = latent_recipes.RECIPES[name]
    text = SMALL_TEXT if recipe.text else {}
    return replace(recipe, architecture=recipe.architecture | SMALL[name], text=text, batch=4, vocabulary=700)


def some_emoji() -> EmojiSet:
    """Two cats, a heart, a flag, a clock and a shirt (which is in no category), in flat colours."""
    emoji = (
        Emoji("cat", "animal-mammal", ("pet", "feline")),
        Emoji("cat face", "animal-mammal", ("pet",)),
        Emoji("blue heart", "heart", ("love",)),
        Emoji("france flag", "country-flag", ("nation",)),
        Emoji("clock face one oclock", "time", ()),
        Emoji("t-shirt", "clothing", ("fashion",)),
    )
    rng = np.random.default_rng(0)
    pictures = {}
    for style in STYLES:
        made = np.full((len(emoji), 64, 64, 3), 255, np.uint8)
        made[:, 16:48, 16:48] = rng.integers(0, 255, (len(emoji), 1, 1, 3))
        pictures[style] = made
    return EmojiSet(emoji, pictures)


def tiny_latents(found: EmojiSet) -> LatentSet:
    """Latents of an untrained autoencoder."""
    images = torch.from_numpy(np.concatenate(list(found.pictures.values()))).permute(0, 3, 1, 2) / 127.5 - 1
    return encode(build(0, SMALL_AUTOENCODER), images.contiguous())


@dataclass(frozen=True)
class Example:
    """A recipe, what makes a training of it from a seed, and what every step is shown."""

    recipe: Any
    new: Callable[..., Any]
    shown: tuple[Any, ...]

    def training(
        self,
        work: Path = NOWHERE,
        target: Path | None = None,
        seed: int = 3,
        without: str | None = None,
        steps: int = 0,
    ) -> Any:
        """The training in `work`, else of what is published in `target`, some steps further."""
        training = resume(self.new(seed=seed), self.recipe, work, target, without)
        self.step(training, steps)
        return training

    def step(self, training: Any, times: int = 1) -> None:
        for _ in range(times):
            training.step(*self.shown)

    def trained(self, work: Path, seed: int = 3, steps: int = 1) -> Any:
        """A training of some steps that is kept in `work`."""
        training = self.training(seed=seed, steps=steps)
        training.save(work)
        return training


def ddpm(data: str = "fashion-mnist", size: str = "small") -> Example:
    recipe = tiny_ddpm(data, size)
    shape = (20, recipe.shape[0], SIDE, SIDE)
    pictures = torch.rand(shape, generator=torch.Generator().manual_seed(3)) * 2 - 1
    return Example(recipe, lambda seed: ddpm_recipes.Training(seed, recipe), (pictures, torch.arange(20) % 10))


def latent(name: str) -> Example:
    recipe = tiny_latent(name)
    return Example(recipe, partial(new_training, recipe, FOUND, LATENTS), (select(FOUND, recipe),))


FOUND = some_emoji()
LATENTS = tiny_latents(FOUND)
EXAMPLES = {"ddpm": ddpm(), "emoji-dit": latent("emoji-dit"), "emoji-sd": latent("emoji-sd")}
EVERY = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
