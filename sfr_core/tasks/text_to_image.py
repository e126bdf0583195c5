"""Forgetting a concept of a text-to-image latent diffusion model (docs/reference.md, section 2.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sfr_core.configs import Precision, Trainable
from sfr_core.data.concepts import PromptPlan, Role
from sfr_core.nets.judge import Judge, pixels_of
from sfr_core.nets.prompt_judge import PromptJudge
from sfr_core.nets.safety import safety_of
from sfr_core.ops.denoising import mean_error, noised, paper_guidance, uniform_timesteps
from sfr_core.ops.device import UsedPrecision, autocast, pick_precision
from sfr_core.ops.diffusion import Predictor, ddim_steps, guided
from sfr_core.ops.modes import kept_modes
from sfr_core.ops.sampling import levels
from sfr_core.ops.walks import drained
from sfr_core.tasks.base import Other
from sfr_core.tasks.classifier import LabelledBatch
from sfr_core.tasks.diffusion import TRIAL_PICTURES, ClassDiffusionTask
from sfr_core.tasks.latents import decode, downscale, frozen
from sfr_core.tasks.text_to_image_parts import check_prompts, encoded, key_value_layers, trained_part

FISHER_SCALE = 7.5
"""w of the guided prediction in the Fisher, in the paper's convention: 8.5 e(prompt) - 7.5 e(nothing)."""
FREE_GUIDANCE = 3.0
"""Of a look and of the latents to forget, where the card names none."""
IN_A_LOOK: dict[Role, int] = {"direct": 2, "paraphrase": 1, "neighbour": 2, "other": 3}
"""Prompts in a look, by role: 32 pictures."""


class TextToImageTask(ClassDiffusionTask):
    """A Stable Diffusion and the prompts of a run; label i means prompt i of the plan (data/concepts.py).

    Always data-free: before a run the model draws the latents that it is then trained on, of the concept's direct prompts
    and of everything that is to be kept. They are used as they were drawn; the published code encodes pictures anew for
    every prediction, so that there the two sides of a redirection see latents that differ a little.

    The training loss is the squared error of the predicted noise, mean over the latent, on uniform timesteps, under the
    picture's own prompt; no prompt is dropped (as published). The redirection compares the concept's prompt with the
    redirection's on the same noisy latent, both answered by the live model (docs/reference.md, section 2.6). The Fisher looks at the guided
    prediction. Only the U-Net is trained; its answers count as noise, also where the network predicts velocity.

    Args:
        pipeline: diffusers' StableDiffusionPipeline, opened, on any device; its parts are moved, frozen and taken over.
        plan: prompts, and what is forgotten.
        judge: looks at samples; None where there is none, then a look shows them and says nothing.
        device, precision: where and how forward passes run.
        seed: of the drawn latents.
        trainable: part of the U-Net that `parameters` gives; the rest needs no gradient.
        guidance: of a look, and of the latents to forget that the model draws of itself.
        fisher_scale: w in (1 + w) e(prompt) - w e(nothing).

    Attributes:
        safety: blackens samples that the pipeline's safety checker flags; None where it brings none, or where somebody who
            counts what is shown took it away.

    Raises:
        InputError: the U-Net has no such part, or knows no word of a prompt.
    """

    clip = False

    def __init__(
        self,
        pipeline: Any,
        plan: PromptPlan,
        judge: PromptJudge | None,
        *,
        device: torch.device,
        precision: UsedPrecision = "fp32",
        seed: int = 0,
        trainable: Trainable = "full",
        guidance: float = FREE_GUIDANCE,
        fisher_scale: float = FISHER_SCALE,
    ) -> None:
        unet: Any = pipeline.unet
        self.plan = plan
        check_prompts(pipeline.tokenizer, plan.texts)
        self.autoencoder = frozen(pipeline.vae).to(device)
        self.free_guidance = self.look_guidance = guidance
        super().__init__(
            unet, plan.split, cast(Judge, judge), classes=len(plan.prompts), null=plan.null,
            shape=(unet.config.in_channels, unet.config.sample_size, unet.config.sample_size), device=device,
            precision=precision, seed=seed, free=True,
        )  # fmt: skip
        self._signal = pipeline.scheduler.alphas_cumprod.float().to(device)
        self._velocity = pipeline.scheduler.config.prediction_type == "v_prediction"
        self.text_encoder = frozen(pipeline.text_encoder).to(device)
        self.tokenizer: Any = pipeline.tokenizer
        self.safety = safety_of(pipeline, device)
        self._states, self._last = encoded(pipeline, plan.texts)
        self._pseudo = torch.arange(len(plan.texts), device=device)
        self._pseudo[torch.tensor(plan.spec.classes, device=device)] = plan.anchor
        self.asked, self.targets = (torch.from_numpy(at).to(device) for at in (plan.labels("direct"), plan.targets))
        self._pseudo[self.asked] = self.targets
        self._guidance = paper_guidance(fisher_scale)
        self._weights = trained_part(self.model.requires_grad_(False), trainable)
        for weight in self._weights.values():
            weight.requires_grad_(True)
        self._look_labels = np.repeat(_look_prompts(plan, self.look_classes), self.look_columns)
        self.kept = torch.arange(plan.anchor, len(plan.texts), device=device)

    @property
    def side(self) -> int:
        """Height and width of a picture, pixels."""
        return self.shape[1] * downscale(self.autoencoder)

    def parameters(self) -> dict[str, nn.Parameter]:
        return self._weights

    def fisher_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """The training loss of the guided prediction."""
        x, noise, t = self._noisy(batch.x, rng)
        return mean_error(guided(self._predict, x, t, batch.y, self.null, self._guidance), noise)

    def anchor_batches(self, size: int, rng: torch.Generator) -> Iterator[tuple[LabelledBatch, Tensor]]:
        rows = torch.nonzero(torch.isin(self._labels.cpu(), self.targets.cpu()))[:, 0]
        for at in torch.split(rows[torch.randperm(len(rows), generator=rng)], size):
            batch = self._batch(at)
            yield batch, batch.y

    def noisy_batch(self, batch: LabelledBatch, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        return self._noisy(batch.x, rng)

    def noise_of(self, x: Tensor, t: Tensor, labels: Tensor, model: nn.Module | None = None) -> Tensor:
        return self._predictor(self.model if model is None else model)(x, t, labels)

    @torch.no_grad()
    def half_drawn(self, labels: Tensor, *, steps: int, guidance: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        done = int(torch.randint(steps, (1,), generator=rng))
        noise = torch.randn((len(labels), *self.shape), generator=rng).to(self.device)
        with kept_modes(self.model):
            self.model.eval()
            walk = ddim_steps(
                self._predict, noise, labels, null=self.null, steps=steps, guidance=guidance, clip=False,
                signal=self._signal, until=done,
            )  # fmt: skip
            x = drained(walk)
        last = len(self._signal) - 1
        return x, torch.full((len(labels),), last - done * (len(self._signal) // steps), device=self.device)

    def text_states(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        return self._states[labels], self._last[labels]

    def key_value_layers(self) -> dict[str, nn.Linear]:
        return key_value_layers(self.model)

    def pick_precision(self, asked: Precision, batch_size: int) -> UsedPrecision:
        x = torch.zeros((min(batch_size, TRIAL_PICTURES), *self.shape), device=self.device)
        t = torch.zeros(len(x), dtype=torch.long, device=self.device)
        states = self._states[:1].expand(len(x), -1, -1)

        def loss(model: nn.Module, x: Tensor) -> Tensor:
            out: Tensor = model(x, t, states).sample
            return out.float().square().mean()

        return pick_precision(asked, self.model, x, loss)

    def noise_for(self, x: Tensor, t: Tensor, states: Tensor, model: nn.Module | None = None) -> Tensor:
        """Predicted noise [n, c, h, w] for the states of prompts [n, tokens, d], which may need a gradient."""
        with autocast(self.device, self.precision):
            asked = self.model if model is None else model
            out: Tensor = asked(x, t, states).sample
        # v = sqrt(a) noise - sqrt(1 - a) x0, so that noise = sqrt(a) v + sqrt(1 - a) x_t.
        return noised(out.float(), x, self._signal[t]) if self._velocity else out.float()

    def learn_prompt(self, states: Tensor) -> int:
        """Takes up a prompt by its states [1, tokens, d], which need not be those of any words; returns its label.

        It replaces the one before: the label decides the noise, so that the samples of two learned prompts can be compared.
        """
        planned = len(self.plan.texts)
        self._states = torch.cat([self._states[:planned], states.detach().to(self._states)])
        return planned

    def _predictor(self, model: nn.Module) -> Predictor:
        return lambda x, t, labels: self.noise_for(x, t, self._states[labels], model)

    def _instead(self, before: nn.Module, other: Other) -> Tensor:
        """What the plan redirects to, whatever the way."""
        return self._pseudo

    def _accepted(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        judge = cast(PromptJudge, self.judge)
        return judge.accepted(judge(pixels_of(images)), self._look_labels)

    def _timesteps(self, n: int, rng: torch.Generator) -> Tensor:
        return uniform_timesteps(n, rng)

    def _errors(
        self, clean: Tensor, x: Tensor, t: Tensor, noise: Tensor, labels: Tensor, weights: Tensor | float = 1.0
    ) -> Tensor:
        return mean_error(self._predict(x, t, labels), noise) * weights

    def _dropped(self, labels: Tensor, rng: torch.Generator) -> Tensor:
        return labels

    def _free_labels(self, others: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.plan.free_labels

    def _pictures(self, x: Tensor) -> Tensor:
        drawn = levels(drained(decode(self.autoencoder, x)))
        return drawn if self.safety is None else self.safety(drawn)

    def _stored(self, x: Tensor) -> Tensor:
        return x

    def _read(self, held: Tensor) -> Tensor:
        return held


def _look_prompts(plan: PromptPlan, most: int) -> NDArray[np.int64]:
    """The first prompts of every role; where fewer are wanted, those to forget first and one of each other role at least."""
    shown = [plan.labels(role)[:n] for role, n in IN_A_LOOK.items()]
    while sum(map(len, shown)) > most and len(longest := max(shown[1:], key=len)) > 1:
        shown = [rows[:-1] if rows is longest else rows for rows in shown]
    return np.concatenate(shown)
