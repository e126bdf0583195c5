"""Forgetting classes of a class-conditional pixel diffusion model (docs/reference.md, section 2.4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sfr_core.configs import DataSource
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split
from sfr_core.nets.judge import Judge
from sfr_core.ops.denoising import antithetic_timesteps, paper_guidance, squared_error
from sfr_core.ops.device import UsedPrecision
from sfr_core.ops.diffusion import guided
from sfr_core.ops.sampling import levels
from sfr_core.tasks.class_sets import frozen_flips
from sfr_core.tasks.classifier import LabelledBatch
from sfr_core.tasks.diffusion import ClassDiffusionTask

FISHER_SCALE = 2.0
"""cond_scale of the guided prediction in the Fisher, in the paper's convention: 3 e(class) - 2 e(null)."""


class DiffusionTask(ClassDiffusionTask):
    """A diffusion model of pixels, pictures and a split by class.

    The loss is the squared error of the predicted noise summed over pixels, on antithetic timesteps, with a tenth of the
    labels dropped in the forget and in the remain loss alike. A look draws 4 pictures of each class: 640 forward passes for
    ten classes. The 8 looks of a run (one is before it) took 27 of 200 seconds of CPU time of the default run with its
    evaluation.

    Args:
        model: UNet2DModel or alike; label number `classes` means "no class". Made channels_last.
        dataset: names of the classes, and the pictures to forget and to keep.
        split: forgotten classes, and the rows of both sets.
        judge, device, precision: as for ClassDiffusionTask.
        seed: of the frozen flips, and of the pictures where none are given.
        data: "data-free" draws both sets from the model itself (`prepare`) and reads no picture of the dataset.
        fisher_scale: w in (1 + w) e(class) - w e(null), the prediction that the Fisher looks at.
    """

    layout = torch.channels_last

    def __init__(
        self,
        model: nn.Module,
        dataset: Dataset,
        split: Split,
        judge: Judge,
        *,
        device: torch.device,
        precision: UsedPrecision = "fp32",
        seed: int = 0,
        data: DataSource = "shipped",
        fisher_scale: float = FISHER_SCALE,
    ) -> None:
        height, width, channels = dataset.train.images.shape[1:]
        free, classes = data == "data-free", len(dataset.class_names)
        super().__init__(
            model, split, judge, classes=classes, null=classes, shape=(channels, height, width), device=device,
            precision=precision, seed=seed, free=free,
        )  # fmt: skip
        self._guidance = paper_guidance(fisher_scale)
        if not free:
            images = torch.from_numpy(frozen_flips(dataset, seed)).permute(0, 3, 1, 2).contiguous()
            self._take(images, dataset.train.labels)

    def fisher_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """The training loss of the guided prediction, which asks for every label and for none; no label is dropped."""
        x, noise, t = self._noisy(batch.x, rng)
        return squared_error(guided(self._predict, x, t, batch.y, self.null, self._guidance), noise)

    def _timesteps(self, n: int, rng: torch.Generator) -> Tensor:
        return antithetic_timesteps(n, rng)

    def _errors(
        self, clean: Tensor, x: Tensor, t: Tensor, noise: Tensor, labels: Tensor, weights: Tensor | float = 1.0
    ) -> Tensor:
        return squared_error(self._predict(x, t, labels), noise) * weights

    def _pictures(self, x: Tensor) -> Tensor:
        return levels(x)

    def _stored(self, x: Tensor) -> Tensor:
        return levels(x)

    def _read(self, held: Tensor) -> Tensor:
        return held.float().div_(127.5).sub_(1)
