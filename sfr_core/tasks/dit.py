"""Forgetting classes of a class-conditional latent diffusion transformer (docs/reference.md, section 2.5)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sfr_core.configs import DataSource
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split
from sfr_core.nets.judge import Judge
from sfr_core.ops.denoising import mean_error, uniform_timesteps
from sfr_core.ops.device import UsedPrecision
from sfr_core.ops.learned_variance import LearnedVariance
from sfr_core.ops.sampling import levels
from sfr_core.ops.walks import drained
from sfr_core.tasks.class_sets import frozen_flips
from sfr_core.tasks.classifier import LabelledBatch
from sfr_core.tasks.diffusion import ClassDiffusionTask
from sfr_core.tasks.latents import batch_size, decode, encode, frozen

Redirection = Literal["prediction", "label"]


class DitTask(ClassDiffusionTask):
    """A diffusion transformer on the latents of a frozen autoencoder, and a split by class.

    The loss is the squared error of the predicted noise, mean over the latent, on uniform timesteps, with a tenth of the
    labels dropped in the forget and in the remain loss alike; where the network says a variance too, plus the variational
    term. The Fisher looks at the plain prediction (published: unguided). Only the transformer is trained.

    Args:
        transformer: DiTTransformer2DModel or alike, whose label number `num_embeds_ada_norm` means "no class" (it may know
            more classes than `dataset` names). Its own label dropout is switched off (`own_label_dropout`).
        autoencoder: diffusers' AutoencoderKL or AutoencoderTiny; frozen.
        dataset: names of the classes, and pictures where there are any.
        split, judge, device, precision: as for ClassDiffusionTask.
        seed: of frozen flips and latents, or of the pictures where none are given.
        data: "data-free" draws both sets from the model itself, as latents that were never decoded; else the pictures are
            encoded once, each to one draw from its posterior (published: a new draw in every step). Both in `prepare`.
        guidance: of a look, and of the latents to forget that the model draws of itself.
        redirect: what a redirected row learns: "prediction" of the live model for another class (SalUn), or the true noise
            under another "label" (the published DiT code, which so teaches the other class the forgotten pictures).
    """

    clip = False
    free_forget = 128
    free_remain = 32  # of twelve classes 480 pictures together: 9,600 forward passes before a run

    def __init__(
        self,
        transformer: nn.Module,
        autoencoder: nn.Module,
        dataset: Dataset,
        split: Split,
        judge: Judge | None,
        *,
        device: torch.device,
        precision: UsedPrecision = "fp32",
        seed: int = 0,
        data: DataSource = "data-free",
        guidance: float = 2.0,
        redirect: Redirection = "prediction",
    ) -> None:
        config: Any = transformer.config
        classes = len(dataset.class_names)
        self.autoencoder = frozen(autoencoder).to(device)
        self.free_guidance = self.look_guidance = guidance
        self.pseudo_step = max(1, classes // 10)  # published: 100 of 1000
        super().__init__(
            own_label_dropout(transformer), split, judge, classes=classes, null=config.num_embeds_ada_norm,
            shape=(config.in_channels, config.sample_size, config.sample_size), device=device, precision=precision,
            seed=seed, free=data == "data-free",
        )  # fmt: skip
        self._redirect = redirect
        self._variance = LearnedVariance(device) if config.out_channels == 2 * config.in_channels else None
        self._seed = seed
        if not self._free:
            self._images = torch.from_numpy(frozen_flips(dataset, seed)).permute(0, 3, 1, 2)
            self._take(torch.zeros((len(self._images), 0)), dataset.train.labels)
            self._ready = False

    def preparation(self) -> int:
        if self._ready or self._free:
            return super().preparation()
        return -(-len(self._images) // batch_size(self.autoencoder, *self._images.shape[2:]))

    def prepare(self) -> Generator[int, None, None]:
        if self._ready or self._free:
            yield from super().prepare()
            return
        pictures = self._images.float().div_(127.5).sub_(1)
        rng = torch.Generator().manual_seed(self._seed)
        found = yield from encode(self.autoencoder, pictures, rng=rng)
        self._take(found, self._labels.cpu().numpy())
        self._ready = True

    def fisher_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """The training loss; no label is dropped."""
        return self.replay_losses(batch, rng)

    def redirect_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        if self._redirect == "prediction":
            return super().redirect_losses(batch, rng)
        x, noise, t = self._noisy(batch.x, rng)
        return self._errors(batch.x, x, t, noise, self._dropped(self._pseudo[batch.y], rng))

    def _timesteps(self, n: int, rng: torch.Generator) -> Tensor:
        return uniform_timesteps(n, rng)

    def _errors(
        self, clean: Tensor, x: Tensor, t: Tensor, noise: Tensor, labels: Tensor, weights: Tensor | float = 1.0
    ) -> Tensor:
        if self._variance is None:
            return mean_error(self._predict(x, t, labels), noise) * weights
        predicted, between = self._ask(self.model, x, t, labels).chunk(2, 1)
        return mean_error(predicted, noise) * weights + self._variance.bits(clean, x, t, predicted, between)

    def _pictures(self, x: Tensor) -> Tensor:
        return levels(drained(decode(self.autoencoder, x)))

    def _stored(self, x: Tensor) -> Tensor:
        return x

    def _read(self, held: Tensor) -> Tensor:
        return held


def own_label_dropout(model: nn.Module) -> nn.Module:
    """Switches off that the network drops labels itself: it draws from torch's global generator, in every block anew. In place."""
    for module in model.modules():
        if (
            type(module).__name__ == "LabelEmbedding"
        ):  # the class itself takes seconds to import, also for a classifier's run
            module.dropout_prob = 0.0  # type: ignore[assignment]
    return model
