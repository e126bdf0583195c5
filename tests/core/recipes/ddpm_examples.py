"""Recipes with U-Nets of a few thousand weights in place of the shipped ones, and pictures to train them on."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from recipes.ddpm_sets import RECIPES, Recipe

torch.set_num_threads(1)

SHRINK: dict[str, Any] = {
    "block_out_channels": (8, 8, 16),
    "norm_num_groups": 4,
    "attn_norm_num_groups": 4,
    "attention_head_dim": 8,
}


def tiny_recipe(data: str = "fashion-mnist", size: str = "small") -> Recipe:
    """The recipe of a shipped model with a tiny network."""
    recipe = RECIPES[data, size]
    widths = {"block_out_channels": (8, 8, 16, 16)} if size == "paper" else {}
    return replace(recipe, architecture=recipe.architecture | SHRINK | widths)


def some_pictures(n: int = 20, seed: int = 3, channels: int = 1, side: int = 28) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand((n, channels, side, side), generator=rng) * 2 - 1, torch.arange(n) % 10
