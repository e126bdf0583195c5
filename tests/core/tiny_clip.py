"""A CLIP of a few thousand weights that never learnt anything: the real classes, the tokenizer of the tiny Stable Diffusion."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor

from tests.core.tiny_sd import LENGTH, tiny_tokenizer

SIDE = 16


def clip_folder(folder: Path, seed: int = 6) -> Path:
    """Model and processor as `save_pretrained` writes them; pictures of 16x16 in patches of 8x8.

    With most seeds the angle between pictures and words is obtuse, and every score 0; with this one none is.
    """
    tokenizer = tiny_tokenizer()
    sizes = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {
        **sizes, "vocab_size": len(tokenizer), "max_position_embeddings": LENGTH, "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    vision = {**sizes, "image_size": SIDE, "patch_size": 8}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=6)).eval().save_pretrained(folder)
    images = CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    CLIPProcessor(image_processor=images, tokenizer=tokenizer).save_pretrained(folder)
    return folder
