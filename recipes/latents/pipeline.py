"""The latent models on disk: whole pipelines in diffusers' format and half precision, and the latents that they learn from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DiTPipeline, StableDiffusionPipeline
from torch import Tensor, nn
from transformers import CLIPTokenizer

from recipes.emoji.groups import CATEGORIES
from recipes.latents.recipes import TextUNet
from recipes.publish import save_half, scheduler

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
