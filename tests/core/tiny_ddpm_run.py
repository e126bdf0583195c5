"""A whole session of a tiny diffusion model: its folder, grey pictures 8x8 and a judge that never saw anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from sfr_core.configs import DataSource, RunConfig
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import parse_forget, split_rows
from sfr_core.nets.judge import Judge
from sfr_core.plan import plan
from sfr_core.runs.session import Retrained, Session
from sfr_core.tasks import ddpm
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.zoo.cards import ModelCard, RetrainedModel
from sfr_core.zoo.shipped import open_model
from tests.core.judged import judged_by, retrained_of, untrained_judge
from tests.core.tiny import CLASSES, REDIRECTED, tiny_dataset
from tests.core.tiny_unet import ddpm_card, tiny_unet

FORGET = "class:three"
SMALL_DDPM: dict[str, dict[str, Any]] = {
    "sfr-on": {
        "steps": 4, "forget_every": 2, "batch_size": 8, "fisher_batch_size": 8, "fisher_batches": 2, "optimizer": "adam",
        "lr": 1e-3, "fisher_clip": 1.0, "weight_decay": 0.0, "clip_forget": 1.0, "alpha": 1.0,
    },
    "retrain": {"steps": 3, "batch_size": 8},
    "finetune": {"steps": 3, "batch_size": 8},
    "gradient-ascent": {"steps": 3, "batch_size": 8},
    "joint": {"steps": 3, "batch_size": 8},
    "salun": {"steps": 3, "batch_size": 8, "lr": 1e-3},
    "selective-amnesia": {"steps": 3, "batch_size": 8, "fisher_images": 1, "fisher_timesteps": 2},
}  # fmt: skip
SMALL_DDPM["sfr-on-redirected"] = {**SMALL_DDPM["sfr-on"], **REDIRECTED}


def grey_dataset(seed: int = 0, *, mirror: bool = False) -> Dataset:
    """`tiny_dataset` in greys."""
    return tiny_dataset(seed, channels=1, mirror=mirror)


def tiny_judge(seed: int = 0, limit: float = 1e9) -> Judge:
    """An untrained judge that takes grey pictures 8x8."""
    return untrained_judge(grey_dataset(), seed=seed, limit=limit)


def ddpm_task(
    forget: str = FORGET, *, dataset: Dataset | None = None, network: nn.Module | None = None, judge: Judge | None = None,
    **options: Any,
) -> DiffusionTask:  # fmt: skip
    """The real task on the tiny pictures."""
    dataset = dataset or grey_dataset()
    split = split_rows(parse_forget(forget, CLASSES), dataset.train.labels)
    network, judge = network or tiny_unet(), judge or tiny_judge()
    return ddpm.ddpm_task(network, dataset, split, judge, device=torch.device("cpu"), **options)


def ddpm_retrained(folder: Path, **values: Any) -> RetrainedModel:
    """A second tiny model, called retrained without FORGET."""
    return retrained_of(folder, tiny_unet(seed=1).state_dict(), **values)


def ddpm_session(
    folder: Path,
    method: str = "sfr-on",
    *,
    forget: str = FORGET,
    seed: int = 0,
    card: ModelCard | None = None,
    data: DataSource = "shipped",
    retrained: Retrained | None = None,
    judge: Judge | None = None,
    **settings: Any,
) -> Session:
    """A session in float32 on the CPU, with SMALL_DDPM settings changed by `settings`."""

    model = card or ddpm_card(folder, source="own")
    config = RunConfig(
        model=model.id, forget=forget, method=method, settings={**SMALL_DDPM[method], **settings}, seed=seed, device="cpu",
        precision="fp32", data=data,
    )  # fmt: skip
    run = plan(config, card=model, dataset=grey_dataset())
    with judged_by(judge or tiny_judge()):
        return Session(run, grey_dataset(), lambda: open_model(model), tiny_unet, retrained)
