"""What the latent models are made of: their networks, and what their recipes say of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import DiTTransformer2DModel, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from recipes.emoji.groups import CATEGORIES
from recipes.latents.captions import TOKENS, VOCABULARY
from recipes.latents.concepts import write_concepts
from recipes.learner import seeded
from recipes.publish import WEIGHTS, GeneratorRecipe
from sfr_core.nets.pipelines import sha256_of
from sfr_core.zoo.cards import Sampling

SAMPLING = Sampling(steps=20, guidance=3.0)
LATENTS, LATENT_SIDE = 4, 16
NULL = 1000
"""The label "no class": DiTPipeline has it built in, so the table of labels has 1001 rows, of which it uses the first few."""

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
LICENCE = (
    "Google's pictures: Apache-2.0; Twitter's pictures: CC BY 4.0, (c) Twitter, Inc and other contributors; "
    "keywords: MIT, (c) Mu-An Chiou (emojilib)"
)


@dataclass(frozen=True, kw_only=True)
class LatentRecipe(GeneratorRecipe):
    """How one latent model is trained.

    Attributes:
        architecture, text: keywords of its networks; `text` is empty where it is asked with labels.
        gpu_batch: pictures per step on a GPU, where a larger step takes no longer.
        vocabulary: largest number of tokens.
    """

    architecture: dict[str, Any]
    text: dict[str, Any]
    batch: int = 64
    lr: float = 1e-3
    ema: float = 0.999
    min_snr: float | None = 5.0
    gpu_batch: int = 256
    vocabulary: int = VOCABULARY
    sampling: Sampling = SAMPLING
    afresh: str = " --fresh"

    def source(self) -> tuple[str, str]:
        return "emoji", LICENCE

    def published_weights(self, folder: Path, file: str) -> dict[str, Tensor]:
        """Of a retrained text-to-image model only the U-Net is kept: its text encoder is the original's."""
        weights = GeneratorRecipe.published_weights(self, folder, file)
        if not self.text:
            return weights
        text = text_encoder(folder).state_dict()
        return {f"unet.{n}": t for n, t in weights.items()} | {f"text_encoder.{n}": t for n, t in text.items()}

    def check_retrained(self, model: Path, target: Path) -> None:
        first, second = (folder / "text_encoder" / "model.safetensors" for folder in (model, target))
        if self.text and sha256_of(first) != sha256_of(second):
            raise ValueError("This retrained model has a text encoder of its own: train it with --keep-text.")

    def complete(self, target: Path) -> None:
        if self.text:
            write_concepts(target)


RECIPES: dict[str, LatentRecipe] = {
    "emoji-dit": LatentRecipe(
        id="emoji-dit",
        title="Emoji diffusion transformer",
        summary=f"A small DiT that draws {len(CATEGORIES)} kinds of emoji from noise.",
        kind="dit",
        judge="emoji-judge",
        network="DiTTransformer2DModel",
        file=f"transformer/{WEIGHTS}",
        program="python -m recipes.latents emoji-dit",
        architecture=DIT,
        text={},
    ),
    "emoji-sd": LatentRecipe(
        id="emoji-sd",
        title="Emoji text-to-image model",
        summary="A Stable Diffusion in small that draws emoji of two styles from a text.",
        kind="text-to-image",
        judge="emoji-concepts-judge",
        network="UNet2DConditionModel",
        file=f"unet/{WEIGHTS}",
        program="python -m recipes.latents emoji-sd",
        architecture=UNET,
        text=TEXT,
    ),
}


def text_encoder(folder: Path) -> CLIPTextModel:
    """The text encoder of a pipeline's folder, in float32."""
    found: CLIPTextModel = CLIPTextModel.from_pretrained(
        folder / "text_encoder", dtype=torch.float32, local_files_only=True
    )
    return found


class TextUNet(nn.Module):
    """The two networks of a text-to-image model that learn together."""

    def __init__(self, unet: UNet2DConditionModel, text_encoder: CLIPTextModel) -> None:
        super().__init__()
        self.unet, self.text_encoder = unet, text_encoder


def build(recipe: LatentRecipe, seed: int, tokenizer: CLIPTokenizer | None = None) -> nn.Module:
    """A DiTTransformer2DModel, or a TextUNet where the recipe has a text encoder, with fresh weights that `seed` decides."""
    with seeded(seed):
        if not recipe.text:
            return _begun(DiTTransformer2DModel(**recipe.architecture))
        if tokenizer is None:
            raise ValueError("A text encoder needs its tokenizer.")
        config = CLIPTextConfig(
            **recipe.text,
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        return TextUNet(UNet2DConditionModel(**recipe.architecture), CLIPTextModel(config))


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
