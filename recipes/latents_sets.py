"""What the latent models are made of: their networks, their pictures, and the words for these."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from diffusers import DiTTransformer2DModel, UNet2DConditionModel
from numpy.typing import NDArray
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from recipes.emoji import STYLES, Emoji, EmojiSet
from recipes.emoji_sets import CATEGORIES, CONCEPTS, sort

Name = Literal["emoji-dit", "emoji-sd"]
LATENTS, LATENT_SIDE = 4, 16
NULL = 1000
"""The label "no class": DiTPipeline has it built in, so the table of labels has 1001 rows, of which it uses the first few."""
TOKENS = 16
"""Length of every prompt, with begin, end and padding."""
VOCABULARY = 3000

DIT: dict[str, Any] = {
    "num_attention_heads": 6,
    "attention_head_dim": 32,
    "in_channels": LATENTS,
    "out_channels": LATENTS,
    "num_layers": 5,
    "sample_size": LATENT_SIDE,
    "patch_size": 2,
    "num_embeds_ada_norm": NULL,
    "attention_bias": True,
}
UNET: dict[str, Any] = {
    "sample_size": LATENT_SIDE,
    "in_channels": LATENTS,
    "out_channels": LATENTS,
    "block_out_channels": (48, 96, 112),
    "layers_per_block": 1,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "cross_attention_dim": 128,
    "attention_head_dim": 4,
    "norm_num_groups": 16,
}
TEXT: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": TOKENS,
}


@dataclass(frozen=True, slots=True)
class LatentRecipe:
    """How one latent model is trained.

    Attributes:
        id, title, summary: what its card says.
        network, text: keywords of its networks; `text` is empty where it is asked with labels.
        batch, lr, ema, min_snr: as `ddpm_sets.Recipe`.
        gpu_batch: pictures per step on a GPU, where a larger step takes no longer.
        vocabulary: largest number of tokens.
    """

    id: Name
    title: str
    summary: str
    network: dict[str, Any]
    text: dict[str, Any]
    batch: int
    lr: float
    ema: float
    min_snr: float
    vocabulary: int = VOCABULARY
    gpu_batch: int = 256


RECIPES: dict[str, LatentRecipe] = {
    "emoji-dit": LatentRecipe(
        id="emoji-dit",
        title="Emoji diffusion transformer",
        summary=f"A small DiT that draws {len(CATEGORIES)} kinds of emoji from noise.",
        network=DIT,
        text={},
        batch=64,
        lr=1e-3,
        ema=0.999,
        min_snr=5.0,
    ),
    "emoji-sd": LatentRecipe(
        id="emoji-sd",
        title="Emoji text-to-image model",
        summary="A Stable Diffusion in small that draws emoji of two styles from a text.",
        network=UNET,
        text=TEXT,
        batch=64,
        lr=1e-3,
        ema=0.999,
        min_snr=5.0,
    ),
}


class TextUNet(nn.Module):
    """The two networks of a text-to-image model that learn together."""

    def __init__(self, unet: UNet2DConditionModel, text_encoder: CLIPTextModel) -> None:
        super().__init__()
        self.unet, self.text_encoder = unet, text_encoder


def build(recipe: LatentRecipe, seed: int, tokenizer: CLIPTokenizer | None = None) -> nn.Module:
    """A DiTTransformer2DModel, or a TextUNet where the recipe has a text encoder, with fresh weights that `seed` decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if not recipe.text:
            return _begun(DiTTransformer2DModel(**recipe.network))
        if tokenizer is None:
            raise ValueError("A text encoder needs its tokenizer.")
        config = CLIPTextConfig(
            **recipe.text,
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        return TextUNet(UNet2DConditionModel(**recipe.network), CLIPTextModel(config))


def _begun(model: DiTTransformer2DModel) -> DiTTransformer2DModel:
    """Starts as the DiT's authors do: every block is the identity, the output is 0 (Peebles and Xie 2023, arXiv 2212.09748).

    diffusers starts with torch's defaults, from which a transformer of this size learns much more slowly.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for block in model.transformer_blocks:
        nn.init.normal_(block.norm1.emb.class_embedder.embedding_table.weight, std=0.02)
        for layer in (block.norm1.emb.timestep_embedder.linear_1, block.norm1.emb.timestep_embedder.linear_2):
            nn.init.normal_(layer.weight, std=0.02)
        nn.init.zeros_(block.norm1.linear.weight)
    for layer in (model.proj_out_1, model.proj_out_2):
        nn.init.zeros_(layer.weight)
    return model


@dataclass(frozen=True, slots=True)
class Selection:
    """The pictures of a training, as rows of the two styles put after each other.

    Attributes:
        stream: rows, those to be seen more often more than once [m].
        labels: category of each row in `stream`'s numbers, -1 for none [2 n].
        captions: texts of each row, empty for a row that is not shown.
    """

    stream: NDArray[np.int64]
    labels: NDArray[np.int64]
    captions: tuple[tuple[str, ...], ...]


def repeats(emoji: Emoji, category: str | None, concept: str | None) -> int:
    """How often an epoch of the transformer shows an emoji: the many flags and people once, small kinds and concepts often."""
    if category in ("flags", "people", "buttons"):
        return 1
    if category in ("hearts", "clocks", "birds", "plants", "hands", "buildings") or concept not in (
        None,
        "face",
        "dish",
    ):
        return 3
    return 2


BALANCED, MOST_REPEATS = 45, 8
"""An epoch of the text-to-image model shows a concept about so often in either style, but no picture more than MOST_REPEATS times."""


def concept_repeats(members: int) -> int:
    """How often an epoch of the text-to-image model shows each of a concept's `members`: there are 264 flags and 4 tigers."""
    return min(MOST_REPEATS, max(1, round(BALANCED / members)))


def select(found: EmojiSet, recipe: LatentRecipe, without: str | None = None) -> Selection:
    """Which pictures a model sees: the DiT those of the categories, the text-to-image model those of the concepts besides.

    Both see both styles. `without` leaves out a category, or of the text-to-image model a concept.

    Raises:
        ValueError: no such category or concept.
    """
    known = {**CONCEPTS, **CATEGORIES} if recipe.text else CATEGORIES
    if without is not None and without not in known:
        what = "concept" if recipe.text else "category"
        raise ValueError(f"There is no {what} '{without}': {', '.join(known)}.")
    categories = sort(found.emoji, CATEGORIES)
    concepts = sort(found.emoji, {name: group for name, (group, _, _) in CONCEPTS.items()})
    n = len(found.emoji)
    sizes = Counter(concepts)
    stream: list[int] = []
    captions: list[tuple[str, ...]] = []
    for number, style in enumerate(STYLES):
        for row, emoji in enumerate(found.emoji):
            category = None if categories[row] < 0 else list(CATEGORIES)[categories[row]]
            concept = None if concepts[row] < 0 else list(CONCEPTS)[concepts[row]]
            shown = category is not None or (bool(recipe.text) and concept is not None)
            if recipe.text and category in ("people", "buttons") and concept is None:
                shown = False
            shown = shown and (without is None or without not in (category, concept))
            captions.append(captions_of(emoji, category, concept, style) if shown and recipe.text else ())
            if shown and recipe.text:
                times = 1 if concept is None else concept_repeats(sizes[concepts[row]])
                stream.extend([number * n + row] * times)
            elif shown:
                stream.extend([number * n + row] * repeats(emoji, category, concept))
    return Selection(np.array(stream, np.int64), np.array(categories * len(STYLES), np.int64), tuple(captions))


TEMPLATES = ("{}", "a {}", "{} emoji", "an emoji of a {}", "a drawing of a {}")
STYLED = ("{}, {} style", "a {} in {} style", "{} {}")
PARAPHRASE_TEMPLATES = ("a picture of a {}", "an icon showing a {}", "{} picture")
"""Never trained on, but of words that are."""
FRAMES = ("a picture", "an icon", "an icon showing something", "a picture of something")
"""Captions of any emoji, so that the words of PARAPHRASE_TEMPLATES are known."""


def say(template: str, *words: str) -> str:
    """A caption, with "an" where "a" comes before a vowel that is spoken as one."""
    return re.sub(r"\ba (?=[aeiou](?!ne |ni|uro))", "an ", template.format(*words))


def nouns_of(emoji: Emoji, category: str | None, concept: str | None) -> tuple[list[str], list[str]]:
    """Its own names; and what it shares with others: its concept and nouns for that, and its category."""
    own = [emoji.name]
    for ending in (" face", " symbol", " sign"):
        if emoji.name.endswith(ending):
            own.append(emoji.name.removesuffix(ending))
    shared: list[str] = []
    if concept is not None:
        shared = [concept, concept, *CONCEPTS[concept][1]]
    if category is not None:
        shared.append(category)
    return own, shared


def captions_of(emoji: Emoji, category: str | None, concept: str | None, style: str) -> tuple[str, ...]:
    """Every caption of one picture, the commoner ones more than once: a training draws among them with equal chances."""
    own, shared = nouns_of(emoji, category, concept)
    made: list[str] = []
    for noun in own + shared:
        made += [say(template, noun) for template in TEMPLATES]
        made += [say(template, noun, style) for template in STYLED[:2]]
        made.append(say(STYLED[2], style, noun))
    made += [f"{word} emoji" for word in emoji.keywords[:6]]
    made += [*FRAMES, "an emoji", f"an emoji in {style} style", f"{style} style", f"{style} emoji"]
    return tuple(made)


@cache
def tokenizer_of(captions: frozenset[str], vocabulary: int = VOCABULARY) -> CLIPTokenizer:
    """CLIP's tokenizer with a vocabulary of our own, learned from the captions: nearly every word is one token."""
    learned: CLIPTokenizer = CLIPTokenizer().train_new_from_iterator(
        [sorted(captions)], vocab_size=vocabulary, show_progress=False
    )
    learned.model_max_length = TOKENS
    return learned
