"""Emoji of our own drawing and networks of a few thousand weights, so that no test needs a package or a minute."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recipes.emoji import STYLES, Emoji, EmojiSet
from recipes.latents_autoencoder import ARCHITECTURE, build
from recipes.latents_folder import LatentSet, encode
from recipes.latents_sets import RECIPES, LatentRecipe

torch.set_num_threads(1)

NOWHERE = Path("nowhere")
SHRINK: dict[str, dict[str, Any]] = {
    "emoji-dit": {"num_attention_heads": 2, "attention_head_dim": 8, "num_layers": 1},
    "emoji-sd": {
        "block_out_channels": (8, 8, 16),
        "norm_num_groups": 4,
        "attention_head_dim": 2,
        "cross_attention_dim": 16,
    },
}
TINY_TEXT = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 16,
}


def tiny_recipe(name: str) -> LatentRecipe:
    """The recipe of a shipped latent model with tiny networks."""
    recipe = RECIPES[name]
    text = TINY_TEXT if recipe.text else {}
    return replace(recipe, network=recipe.network | SHRINK[name], text=text, batch=4, vocabulary=700)


def some_emoji() -> EmojiSet:
    """Two cats, a heart, a flag, a clock and a shirt (which is in no category), in flat colours."""
    emoji = (
        Emoji("cat", "cat2", "Animals & Nature", "animal-mammal", ("pet", "feline")),
        Emoji("cat face", "cat", "Animals & Nature", "animal-mammal", ("pet",)),
        Emoji("blue heart", "blue_heart", "Smileys & Emotion", "heart", ("love",)),
        Emoji("france flag", "flag-fr", "Flags", "country-flag", ("nation",)),
        Emoji("clock face one oclock", "clock1", "Travel & Places", "time", ()),
        Emoji("t-shirt", "shirt", "Objects", "clothing", ("fashion",)),
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
    model = build(0, ARCHITECTURE | {"block_out_channels": (8, 8, 8), "norm_num_groups": 4})
    images = torch.from_numpy(np.concatenate(list(found.pictures.values()))).permute(0, 3, 1, 2) / 127.5 - 1
    return encode(model, images.contiguous())
