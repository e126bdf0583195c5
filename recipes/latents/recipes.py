"""What the latent models are made of: their networks, what their recipes say of them, and whole pipelines on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DiTPipeline, DiTTransformer2DModel, StableDiffusionPipeline, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from recipes.emoji.groups import CATEGORIES
from recipes.latents.captions import TOKENS, VOCABULARY
from recipes.latents.concepts import write_concepts
from recipes.learner import seeded
from recipes.publish import WEIGHTS, GeneratorRecipe, save_half, scheduler
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


SHARD = 9_900_000


@dataclass(frozen=True, slots=True)
class LatentSet:
    """What the autoencoder makes of the pictures.

    Attributes:
        pictures: scaled latents float32 [n, 4, 16, 16] with standard deviation 1, the two styles after each other.
        scale: what they were multiplied with.
        autoencoder: the network that made them and decodes them.
    """

    pictures: Tensor
    scale: float
    autoencoder: AutoencoderKL


@torch.no_grad()
def encode(autoencoder: AutoencoderKL, images: Tensor, batch: int = 64) -> LatentSet:
    """Latents of pictures [n, 3, h, w] in [-1, 1], the means, scaled to a standard deviation of 1."""
    autoencoder.eval()
    means = torch.cat([autoencoder.encode(part).latent_dist.mode() for part in torch.split(images, batch)])
    scale = float(1 / means.std())
    autoencoder.register_to_config(scaling_factor=scale)
    return LatentSet((means * scale).contiguous(), scale, autoencoder)


@torch.no_grad()
def whiten(autoencoder: AutoencoderKL, images: Tensor, batch: int = 64) -> None:
    """Turns and stretches the latents so that over these pictures they have mean 0 and unit covariance; in place.

    What the encoder keeps of small things lies in directions of small variance, which a diffusion model would learn last and leave
    as coloured drops. Only the two 1x1 convolutions around the latents change, so pictures go through as before. The posterior's
    deviation becomes one number for each new direction, its root mean square over the pictures.
    """
    autoencoder.eval()
    found = [autoencoder.encode(part).latent_dist for part in torch.split(images, batch)]
    means, variances = (
        torch.cat([maps.permute(0, 2, 3, 1).flatten(0, 2).double() for maps in some])
        for some in ([one.mean for one in found], [one.var for one in found])
    )
    middle = means.mean(0)
    spread, directions = torch.linalg.eigh(torch.cov(means.T))
    forth, back = directions / spread.sqrt(), directions * spread.sqrt()
    deviation = (variances.mean(0) @ forth.square()).sqrt()
    _mix(autoencoder.quant_conv, forth, middle, deviation)
    after = autoencoder.post_quant_conv
    matrix = after.weight[:, :, 0, 0].double()
    after.bias.add_((matrix @ middle).float())
    after.weight.copy_((matrix @ back).float()[:, :, None, None])


def _mix(layer: nn.Conv2d, forth: Tensor, middle: Tensor, deviation: Tensor) -> None:
    """Means x become (x - middle) @ forth, the logarithms of the variances constant."""
    n = len(middle)
    matrix = layer.weight[:n, :, 0, 0].double()
    bias = (layer.bias[:n].double() - middle) @ forth
    layer.weight.zero_()
    layer.weight[:n, :, 0, 0] = (forth.T @ matrix).float()
    layer.bias.copy_(torch.cat([bias, 2 * deviation.log()]).float())


def copy_of(autoencoder: AutoencoderKL, weights: dict[str, Tensor] | None = None) -> AutoencoderKL:
    """Another autoencoder of the same kind and scaling factor (which diffusers' from_config forgets), with these weights."""
    made = AutoencoderKL.from_config(autoencoder.config)
    made.register_to_config(scaling_factor=autoencoder.config.scaling_factor)
    made.load_state_dict(autoencoder.state_dict() | (weights or {}))
    return made


def pipeline_of(model: nn.Module, autoencoder: AutoencoderKL, tokenizer: CLIPTokenizer | None = None) -> Any:
    """A DiTPipeline, or with a tokenizer a StableDiffusionPipeline, of these parts."""
    sampler = scheduler(clip_sample=False, steps_offset=1)
    if isinstance(model, TextUNet):
        return StableDiffusionPipeline(
            vae=autoencoder,
            text_encoder=model.text_encoder,
            tokenizer=tokenizer,
            unet=model.unet,
            scheduler=sampler,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    made = DiTPipeline(model, autoencoder, sampler)
    made.register_to_config(id2label={str(i): name for i, name in enumerate(CATEGORIES)})
    return made


def save_pipeline(model: nn.Module, folder: Path, latents: LatentSet, tokenizer: CLIPTokenizer | None = None) -> None:
    """Writes the model and its autoencoder in half precision as a pipeline; the model is changed."""
    autoencoder = copy_of(latents.autoencoder)
    parts = pipeline_of(model, autoencoder, tokenizer)
    save_half([model, autoencoder], folder, lambda new: parts.save_pretrained(new, max_shard_size=SHARD))
