"""Forgetting classes of a class-conditional pixel diffusion model (docs/reference.md, section 2.4)."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from sfr_core.configs import DataSource
from sfr_core.data.class_sets import PreviewSettings, SelfGenerated, next_kept
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split
from sfr_core.kinds.ddpm import PREVIEW, SELF_GENERATED
from sfr_core.nets.judge import Judge
from sfr_core.ops.denoising import paper_guidance, squared_error
from sfr_core.ops.noise_schedule import DdpmSchedule
from sfr_core.tasks.base import Opening
from sfr_core.tasks.denoiser import Denoiser
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.tasks.pictures import PictureStore, Pixels, frozen_flips, self_generated

FISHER_SCALE = 2.0
"""cond_scale of the guided prediction in the Fisher, in the paper's convention: 3 e(class) - 2 e(null)."""


def open_ddpm(given: Opening) -> DiffusionTask:
    """The task of a run."""
    judge, config = given.judge(), given.config
    return ddpm_task(
        given.load(), given.dataset, given.split, judge, device=given.device, seed=config.seed, data=config.data
    )


def ddpm_task(
    model: nn.Module,
    dataset: Dataset,
    split: Split,
    judge: Judge | None,
    *,
    device: torch.device,
    seed: int = 0,
    data: DataSource = "shipped",
    fisher_scale: float = FISHER_SCALE,
    preview: PreviewSettings | None = None,
    own: SelfGenerated | None = None,
) -> DiffusionTask:
    """A diffusion model of pixels, pictures and a split by class.

    The loss is the squared error of the predicted noise summed over pixels, on antithetic timesteps, with a tenth of the
    labels dropped in the forget and in the remain loss alike.

    Args:
        model: UNet2DModel or alike; label number `classes` means "no class". Made channels_last.
        dataset: names of the classes, and the pictures to forget and to keep.
        split: forgotten classes.
        judge: looks at samples.
        device: where everything is held.
        seed: of the frozen flips, and of the pictures where none are given.
        data: "data-free" draws both sets from the model itself (`prepare`) and reads no picture of the dataset.
        fisher_scale: w in (1 + w) e(class) - w e(null), the prediction that the Fisher looks at.
        preview: samples that a running page shows; default PREVIEW.
        own: pictures of a run without data; default SELF_GENERATED.
    """
    height, width, channels = dataset.train.images.shape[1:]
    classes, forgotten = len(dataset.class_names), split.spec.classes
    others = np.setdiff1d(np.arange(classes), forgotten)
    denoiser = Denoiser(
        model, DdpmSchedule(device=device, mirrored=True, clip=True), shape=(channels, height, width), null=classes,
        device=device, error=squared_error, layout=torch.channels_last,
    )  # fmt: skip
    space = Pixels()
    own, preview = own or SELF_GENERATED, preview or PREVIEW
    if data == "data-free":
        labels = own.labels(forgotten, others)
        store = PictureStore(
            labels, forgotten, space, device, self_generated(denoiser, space, labels, forgotten, own, seed)
        )
    else:
        images = torch.from_numpy(frozen_flips(dataset, seed)).permute(0, 3, 1, 2).contiguous()
        store = PictureStore(dataset.train.labels, forgotten, space, device, images)
    preview = preview.for_values(channels * height * width)
    return DiffusionTask(
        denoiser, space, store, judge, forgotten=forgotten, classes=classes, instead=next_kept(forgotten, classes),
        farthest_of=others, preview=preview, preview_labels=preview.labels(forgotten, others),
        fisher_guidance=paper_guidance(fisher_scale),
    )  # fmt: skip
