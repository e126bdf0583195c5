"""A diffusion transformer of 2 layers on latents 4x4 of pictures 16x16: the real classes, its pipeline's folder, and a card for it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, DiTPipeline, DiTTransformer2DModel
from torch import nn

from sfr_core.configs import RunConfig
from sfr_core.data.datasets import Dataset, without_pictures
from sfr_core.data.splits import parse_forget, split_rows
from sfr_core.nets.judge import Judge
from sfr_core.nets.pipelines import sha256_of
from sfr_core.plan import plan
from sfr_core.runs.session import Session
from sfr_core.tasks import dit
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.tasks.pictures import PictureStore
from sfr_core.zoo.cards import ModelCard, RetrainedModel, Sampling
from sfr_core.zoo.shipped import open_whole
from tests.core.judged import judged_by, retrained_of, untrained_judge
from tests.core.tiny import CLASSES, REDIRECTED, tiny_dataset
from tests.core.tiny_vae import tiny_vae

FORGET = "class:three"
SIDE = 16
FILE = "transformer/diffusion_pytorch_model.safetensors"
VAE_FILE = "vae/diffusion_pytorch_model.safetensors"
SMALL_DIT: dict[str, dict[str, Any]] = {
    "sfr-on": {
        "steps": 4, "forget_every": 2, "batch_size": 8, "fisher_batch_size": 8, "fisher_batches": 2, "optimizer": "adamw",
        "lr": 1e-3, "weight_decay": 0.0, "clip_forget": 1.0, "alpha": 1.0, "adaptive": False,
    },
    "retrain": {"steps": 4, "batch_size": 8},
    "finetune": {"steps": 4, "batch_size": 8},
    "gradient-ascent": {"steps": 4, "batch_size": 8},
    "joint": {"steps": 4, "batch_size": 8},
    "salun": {"steps": 4, "batch_size": 8, "lr": 1e-3},
    "selective-amnesia": {"steps": 4, "batch_size": 8, "fisher_images": 1, "fisher_timesteps": 2},
    "random-embedding": {"batch_size": 8},
}  # fmt: skip
"""Settings that let every method end within a few steps."""
SMALL_DIT["sfr-on-redirected"] = {**SMALL_DIT["sfr-on"], **REDIRECTED}


def tiny_dit(seed: int = 0, **changes: Any) -> DiTTransformer2DModel:
    """A transformer with weights that `seed` decides, in eval mode; it knows the null class and ten others."""
    values: dict[str, Any] = {
        "num_attention_heads": 2, "attention_head_dim": 4, "num_layers": 2, "sample_size": 4, "patch_size": 2,
        "in_channels": 4, "num_embeds_ada_norm": 10, "norm_num_groups": 4,
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DiTTransformer2DModel(**{**values, **changes}).eval()


def dit_folder(folder: Path, seed: int = 0, **changes: Any) -> dict[str, str]:
    """Writes a whole pipeline as the recipe does; sha256 of its weight files."""
    shutil.rmtree(folder, ignore_errors=True)
    scheduler = DDIMScheduler(beta_start=1e-4, beta_end=0.02, beta_schedule="linear", clip_sample=False)
    pipeline = DiTPipeline(tiny_dit(seed, **changes).half(), tiny_vae(seed).half(), scheduler)
    pipeline.register_to_config(id2label={str(i): name for i, name in enumerate(CLASSES)})
    pipeline.save_pretrained(folder)
    return {name: sha256_of(folder / name) for name in (FILE, VAE_FILE)}


def dit_card(folder: Path, **changes: Any) -> ModelCard:
    """Card and files of the tiny pipeline."""
    files = dit_folder(folder)
    values: dict[str, Any] = {
        "id": "tiny-dit", "title": "Tiny", "kind": "dit", "summary": "Tiny.", "dataset": "tiny", "data_licence": "MIT", "licence": "MIT", "source": "bundled",
        "architecture": {"name": "DiTTransformer2DModel"}, "parameters": sum(p.numel() for p in tiny_dit().parameters()), "file": FILE,
        "bytes": (folder / FILE).stat().st_size, "sha256": files[FILE], "parts": {VAE_FILE: files[VAE_FILE]}, "seed": 0, "recipe": "", "machine": "", "threads": 1,
        "precision": "fp32", "wall_seconds": None, "cpu_seconds": 9.0, "retrain_seconds": 4.5, "retrain_threads": 1, "retrain_clock": "cpu", "metrics": {},
        "retrained": (), "folder": folder, "judge": "tiny-judge", "sampling": Sampling(steps=4, guidance=2.0),
    }  # fmt: skip
    return ModelCard(**{**values, **changes})


def dit_retrained(folder: Path) -> RetrainedModel:
    """A second tiny transformer, called retrained without FORGET."""
    return retrained_of(folder, tiny_dit(seed=1).state_dict())


def rgb_dataset(seed: int = 0) -> Dataset:
    """`tiny_dataset` at twice the side: RGB pictures 16x16."""
    small = tiny_dataset(seed, mirror=False)

    def doubled(part: Any) -> Any:
        return type(part)(part.images.repeat(2, 1).repeat(2, 2), part.labels)

    return Dataset("tiny-16", CLASSES, doubled(small.train), doubled(small.test), small.mean, small.std, mirror=False)


def no_pictures() -> Dataset:
    return without_pictures("tiny", CLASSES, SIDE)


def rgb_judge(seed: int = 0, limit: float = 1e9) -> Judge:
    """An untrained judge that takes RGB pictures 16x16."""
    return untrained_judge(rgb_dataset(), seed=seed, limit=limit)


def dit_task(
    forget: str = FORGET, *, dataset: Dataset | None = None, network: nn.Module | None = None,
    autoencoder: nn.Module | None = None, **options: Any,
) -> DiffusionTask:  # fmt: skip
    """The real task on the tiny pipeline; without a data set it draws its own pictures."""
    given = dataset or no_pictures()
    split = split_rows(parse_forget(forget, CLASSES), given.train.labels)
    options.setdefault("data", "data-free" if dataset is None else "shipped")
    network, autoencoder = network or tiny_dit(), autoencoder or tiny_vae()
    return dit.dit_task(network, autoencoder, given, split, rgb_judge(), device=torch.device("cpu"), **options)


def ready_dit_task(
    forget: str = FORGET, *, seed: int = 0, dataset: Dataset | None = None, layers: int = 2,
    network: nn.Module | None = None, **options: Any,
) -> DiffusionTask:  # fmt: skip
    """For tests of methods, which neither draw nor look: the latents are there, 60 of a data set's labels, not numbers where its
    mean is none. `seed` decides the starting weights.
    """
    given = dataset or tiny_dataset()
    task = dit_task(forget, network=network or tiny_dit(seed, num_layers=layers), autoencoder=nn.Identity(), **options)
    latents = torch.randn((len(given.train), *task.shape), generator=torch.Generator().manual_seed(5))
    latents += 0 * given.mean[0]
    task.store = PictureStore(given.train.labels, task.forgotten, task.space, task.device, latents)
    return task


def dit_session(
    folder: Path,
    method: str = "sfr-on",
    *,
    forget: str = FORGET,
    seed: int = 0,
    card: ModelCard | None = None,
    **settings: Any,
) -> Session:
    """A session in float32 on the CPU, with SMALL_DIT settings changed by `settings`; the judge is the tiny one."""
    model = card or dit_card(folder)
    config = RunConfig(
        model=model.id, forget=forget, method=method, settings={**SMALL_DIT[method], **settings}, seed=seed, device="cpu",
        precision="fp32",
    )  # fmt: skip
    run = plan(config, card=model, dataset=no_pictures())
    with judged_by(rgb_judge()):
        return Session(run, no_pictures(), lambda: open_whole(model), tiny_dit)
