"""A Stable Diffusion of a few thousand weights: real components, a tokenizer that knows a dozen words, pictures 16x16."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from sfr_core.configs import RunConfig
from sfr_core.data.class_sets import SelfGenerated
from sfr_core.data.concepts import Concept, Concepts, PromptPlan, plan_prompts
from sfr_core.data.splits import ForgetSpec
from sfr_core.nets.judge import Judge
from sfr_core.nets.pipelines import sha256_of
from sfr_core.ops.stepwise import drained
from sfr_core.runs.session import Session
from sfr_core.tasks.text_to_image import TextToImageTask
from sfr_core.zoo.cards import ModelCard, Sampling, write_card
from tests.core.judged import judged_by, untrained_judge
from tests.core.tiny import CLASSES, REDIRECTED, tiny_dataset
from tests.core.tiny_vae import tiny_vae

torch.set_num_threads(1)

WORDS = ("cat", "kitty", "dog", "tiger", "car", "tree", "a", "an", "of", "picture", "emoji", "red")
WIDTH = 8
LENGTH = 8
"""Tokens of a prompt, with begin and end."""


@cache
def tiny_tokenizer() -> CLIPTokenizer:
    """Byte-pair encoding whose merges build exactly WORDS; letters that none of them has are unknown."""
    begin, end = "<|startoftext|>", "<|endoftext|>"
    letters = sorted({letter for word in WORDS for letter in word})
    vocabulary = [begin, end, *letters, *(f"{letter}</w>" for letter in letters)]
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        parts = [*word[:-1], f"{word[-1]}</w>"]
        while len(parts) > 1:
            pair = (parts[-2], parts[-1])  # from the end, so that no merge of one word spoils another's
            if pair not in merges:
                merges.append(pair)
                vocabulary.append("".join(pair))
            parts[-2:] = ["".join(pair)]
    folder = Path(tempfile.mkdtemp(prefix="tiny-tokenizer-"))
    vocab, merged = folder / "vocab.json", folder / "merges.txt"
    vocab.write_text(json.dumps({token: i for i, token in enumerate(dict.fromkeys(vocabulary))}))
    merged.write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    return CLIPTokenizer(str(vocab), str(merged), model_max_length=LENGTH)


def tiny_cond_unet(seed: int = 0, **changes: Any) -> UNet2DConditionModel:
    """A U-Net with cross-attention, in eval mode; `seed` decides its weights."""
    values: dict[str, Any] = {
        "sample_size": 4,
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": (4, 8),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "mid_block_type": None,
        "cross_attention_dim": WIDTH,
        "attention_head_dim": 2,
        "norm_num_groups": 4,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet2DConditionModel(**{**values, **changes}).eval()


def tiny_text_encoder(seed: int = 0) -> CLIPTextModel:
    """A text encoder of two layers; `seed` decides its weights."""
    tokenizer = tiny_tokenizer()
    config = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=LENGTH, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CLIPTextModel(config).eval()


def tiny_pipeline(seed: int = 0, **unet: Any) -> StableDiffusionPipeline:
    """The whole pipeline; latents 4x4 of pictures 16x16."""
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, steps_offset=1
    )
    return StableDiffusionPipeline(
        tiny_vae(seed), tiny_text_encoder(seed), tiny_tokenizer(), tiny_cond_unet(seed, **unet), scheduler,
        None, None, requires_safety_checker=False,
    )  # fmt: skip


CONCEPTS = Concepts(
    neutral=("an emoji", "a picture"),
    concepts=(
        Concept(
            name="cat", kind="object", shows=("three",), direct=("cat", "a cat emoji"), paraphrases=("kitty", "a red kitty"),
            neighbours=("tiger",),
        ),
        Concept(name="tiger", kind="object", shows=("one",), direct=("tiger", "a tiger emoji")),
        Concept(name="car", kind="object", shows=("five",), direct=("car", "picture of a car")),
        Concept(name="tree", kind="object", shows=("zero",), direct=("tree",), offered=False),
    ),
)  # fmt: skip
"""What the tiny model can forget; the classes are those of `tiny_judge`."""

SMALL_CONCEPTS: dict[str, dict[str, Any]] = {
    "sfr-on": {
        "steps": 4, "forget_every": 2, "batch_size": 4, "fisher_batch_size": 4, "fisher_batches": 2, "optimizer": "adam",
        "lr": 1e-3, "weight_decay": 0.0, "clip_forget": None, "alpha": 1.0, "forget_loss": "redirect", "adaptive": False,
    },
    "finetune": {"steps": 3, "batch_size": 4},
    "gradient-ascent": {"steps": 3, "batch_size": 4},
    "salun": {"steps": 3, "batch_size": 4, "lr": 1e-3, "saliency_batches": 2},
    "esd-x": {"steps": 3, "batch_size": 2, "lr": 1e-3, "sample_steps": "10"},
    "esd-u": {"steps": 3, "batch_size": 2, "lr": 1e-3, "sample_steps": "10"},
    "uce": {},
    "concept-ablation": {"steps": 3, "batch_size": 4, "lr": 1e-3},
}  # fmt: skip
"""Settings that let every method for text-to-image models end within a few steps."""
SMALL_CONCEPTS["sfr-on-redirected"] = {**SMALL_CONCEPTS["sfr-on"], **REDIRECTED}


def concept_plan(concept: str = "cat", redirect: str = "") -> PromptPlan:
    """The prompts of a run on the tiny model."""
    plan = plan_prompts(CONCEPTS, ForgetSpec(text=f"concept:{concept}", concept=concept), redirect)
    return replace(plan, free_forget=6, free_remain=12)


def sd_task(
    concept: str = "cat", *, seed: int = 0, ready: bool = True, unet: Any = None, **options: Any
) -> TextToImageTask:
    """The real task on the tiny pipeline, its latents drawn unless `ready` is False."""
    pipeline = tiny_pipeline(seed)
    if unet is not None:
        pipeline.unet = unet
    options.setdefault("own", SelfGenerated(steps=4))
    task = TextToImageTask(pipeline, concept_plan(concept), None, device=torch.device("cpu"), **options)
    if ready:
        drained(task.prepare())
    return task


def sd_folder(folder: Path, *, judge: str | None = "tiny-judge", **changes: Any) -> ModelCard:
    """The tiny pipeline as its recipe would write it: parts, list of concepts and card."""
    tiny_pipeline().save_pretrained(folder)
    listed = {"neutral": CONCEPTS.neutral, "concepts": [asdict(concept) for concept in CONCEPTS.concepts]}
    (folder / "concepts.json").write_text(json.dumps({**listed, "free_forget": 6, "free_remain": 12}))
    sums = {path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(folder.rglob("*.safetensors"))}
    file = "unet/diffusion_pytorch_model.safetensors"
    values: dict[str, Any] = {
        "id": "tiny-sd", "title": "Tiny", "kind": "text-to-image", "summary": "Tiny.", "dataset": "tiny", "data_licence": "MIT",
        "licence": "MIT", "source": "own" if judge else "hub", "architecture": {"name": "StableDiffusionPipeline"},
        "parameters": sum(p.numel() for p in tiny_cond_unet().parameters()), "file": file,
        "bytes": (folder / file).stat().st_size, "sha256": sums.pop(file), "parts": sums, "seed": 0, "recipe": "", "machine": "",
        "threads": 1, "precision": "fp32", "wall_seconds": None, "cpu_seconds": 9.0, "retrain_seconds": None,
        "retrain_threads": None, "metrics": {}, "retrained": (), "folder": folder, "judge": judge,
        "sampling": Sampling(steps=4, guidance=2.0),
    }  # fmt: skip
    card = ModelCard(**{**values, **changes})
    write_card(card)
    return card


def named_judge(limit: float = 1e9) -> Judge:
    """An untrained judge of colour pictures that calls its classes as tests/core/tiny.py does."""
    return untrained_judge(tiny_dataset(channels=3), limit=limit, names=CLASSES)


def sd_session(
    folder: Path, method: str = "sfr-on", *, forget: str = "concept:cat", redirect: str = "", card: ModelCard | None = None,
    seed: int = 0, **settings: Any,
) -> Session:  # fmt: skip
    """A session in float32 on the CPU, with SMALL_CONCEPTS settings changed by `settings`."""
    model = card or sd_folder(folder)
    config = RunConfig(
        model=model.id, forget=forget, method=method, redirect=redirect, settings={**SMALL_CONCEPTS[method], **settings},
        seed=seed, device="cpu", precision="fp32",
    )  # fmt: skip
    with judged_by(named_judge()):
        return Session.open(config, model)
