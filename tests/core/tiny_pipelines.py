"""Pipelines of the real classes, small enough to be made in a moment, saved as `save_pretrained` saves them."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DiTPipeline,
    DiTTransformer2DModel,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

LABELS = {0: "cat", 1: "dog", 2: "tree"}


def tiny_vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(4, 8), norm_num_groups=2, latent_channels=4, sample_size=16,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip


def save_dit(folder: Path) -> Path:
    """A DiTPipeline of three classes for 16x16 pictures."""
    torch.manual_seed(0)
    transformer = DiTTransformer2DModel(
        num_attention_heads=2, attention_head_dim=4, in_channels=4, out_channels=8, num_layers=2, sample_size=8,
        num_embeds_ada_norm=3,
    )  # fmt: skip
    DiTPipeline(transformer, tiny_vae(), DDIMScheduler(), LABELS).save_pretrained(folder)
    return folder


def save_sd(folder: Path) -> Path:
    """A StableDiffusionPipeline with a vocabulary of a few letters."""
    torch.manual_seed(0)
    words = ["<|startoftext|>", "<|endoftext|>", *"abcdeghlnoprst", *(f"{c}</w>" for c in "abcdeghlnoprst")]
    (folder / "made").mkdir(parents=True)
    (folder / "made/vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "made/merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(str(folder / "made/vocab.json"), str(folder / "made/merges.txt"), model_max_length=8)
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(words), hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
            max_position_embeddings=8, bos_token_id=0, eos_token_id=1,
        )
    )  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=(4, 8), norm_num_groups=2, layers_per_block=1, cross_attention_dim=8,
        attention_head_dim=2, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )  # fmt: skip
    pipeline = StableDiffusionPipeline(
        tiny_vae(),
        text_encoder,
        tokenizer,
        unet,
        DDIMScheduler(steps_offset=1, clip_sample=False),
        None,
        None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder / "saved")
    return folder / "saved"
