"""Forgetting classes of a class-conditional latent diffusion transformer (docs/reference.md, section 2.5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from sfr_core.configs import DataSource
from sfr_core.data.class_sets import PreviewSettings, SelfGenerated, next_kept
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split
from sfr_core.errors import AssetError
from sfr_core.kinds.ddpm import PREVIEW
from sfr_core.kinds.dit import SELF_GENERATED
from sfr_core.nets.judge import Judge
from sfr_core.ops.learned_variance import LearnedVariance
from sfr_core.ops.noise_schedule import DdpmSchedule
from sfr_core.tasks.base import Opening
from sfr_core.tasks.denoiser import Denoiser
from sfr_core.tasks.diffusion import DiffusionTask, Redirection
from sfr_core.tasks.pictures import Latents, PictureStore, frozen_flips, self_generated

GUIDANCE = 2.0
"""Of a preview and of the latents to forget, where the card names none."""


def open_dit(given: Opening) -> DiffusionTask:
    """The task of a run.

    Raises:
        AssetError: the judge knows other classes.
    """
    judge, config = given.judge(), given.config
    if judge is not None and judge.names and judge.names != given.dataset.class_names:
        raise AssetError(f"The judge of '{config.model}' knows other classes.", hint="Make both by the same recipe.")
    pipeline = given.load()
    return dit_task(
        pipeline.transformer, pipeline.vae, given.dataset, given.split, judge, device=given.device, seed=config.seed,
        data=config.data, guidance=GUIDANCE if given.guidance is None else given.guidance,
    )  # fmt: skip


def dit_task(
    transformer: nn.Module,
    autoencoder: nn.Module,
    dataset: Dataset,
    split: Split,
    judge: Judge | None,
    *,
    device: torch.device,
    seed: int = 0,
    data: DataSource = "data-free",
    guidance: float = GUIDANCE,
    redirection: Redirection = "prediction",
    preview: PreviewSettings | None = None,
    own: SelfGenerated | None = None,
) -> DiffusionTask:
    """A diffusion transformer on the latents of a frozen autoencoder, and a split by class.

    The loss is the squared error of the predicted noise, mean over the latent, on uniform timesteps, with a tenth of the
    labels dropped in the forget and in the remain loss alike; where the network says a variance too, plus the variational
    term. The Fisher looks at the plain prediction (published: unguided). Only the transformer is trained.

    Args:
        transformer: DiTTransformer2DModel or alike, whose label number `num_embeds_ada_norm` means "no class" (it may know
            more classes than `dataset` names). Its own label dropout is switched off (`task_label_dropout`).
        autoencoder: diffusers' AutoencoderKL or AutoencoderTiny; frozen.
        dataset: names of the classes, and pictures where there are any.
        split, judge, device, redirection: as for DiffusionTask.
        seed: of frozen flips and latents, or of the pictures where none are given.
        data: "data-free" draws both sets from the model itself, as latents that were never decoded; else the pictures are
            encoded once, each to one draw from its posterior (published: a new draw in every step). Both in `prepare`.
        guidance: of a preview, and of the latents to forget that the model draws of itself.
        preview: samples that a running page shows; default PREVIEW.
        own: pictures of a run without data; default SELF_GENERATED.
    """
    config: Any = transformer.config
    classes, forgotten = len(dataset.class_names), split.spec.classes
    others = np.setdiff1d(np.arange(classes), forgotten)
    shape = (config.in_channels, config.sample_size, config.sample_size)
    denoiser = Denoiser(
        task_label_dropout(transformer), DdpmSchedule(device=device), shape=shape, null=config.num_embeds_ada_norm,
        device=device, variance=LearnedVariance(device) if config.out_channels == 2 * config.in_channels else None,
    )  # fmt: skip
    space = Latents(autoencoder, device)
    own, preview = replace(own or SELF_GENERATED, guidance=guidance), replace(preview or PREVIEW, guidance=guidance)
    if data == "data-free":
        labels = own.labels(forgotten, others)
        making = self_generated(denoiser, space, labels, forgotten, own, seed)
    else:
        labels, making = dataset.train.labels, space.encoded(frozen_flips(dataset, seed), seed)
    preview = preview.for_values(shape[0] * shape[1] * shape[2])
    return DiffusionTask(
        denoiser, space, PictureStore(labels, forgotten, space, device, making), judge, forgotten=forgotten, classes=classes,
        instead=next_kept(forgotten, classes, max(1, classes // 10)),  # published: 100 of 1000
        farthest_of=others, preview=preview, preview_labels=preview.labels(forgotten, others), redirection=redirection,
        still=(space.autoencoder,),
    )  # fmt: skip


def task_label_dropout(model: nn.Module) -> nn.Module:
    """Switches off that the network drops labels itself: it draws from torch's global generator, in every block anew. In place."""
    for module in model.modules():
        # By name: the class itself takes seconds to import, also for a classifier's run.
        if type(module).__name__ == "LabelEmbedding":
            module.dropout_prob = 0.0  # type: ignore[assignment]
    return model
