"""Forgetting a concept of a text-to-image latent diffusion model (docs/reference.md, section 2.6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sfr_core.configs import Trainable
from sfr_core.data.class_sets import PreviewSettings, SelfGenerated
from sfr_core.data.concepts import PromptPlan
from sfr_core.kinds.text_to_image import PREVIEW, SELF_GENERATED
from sfr_core.nets.judge import PromptJudge, prompt_judge
from sfr_core.nets.safety import safety_of
from sfr_core.ops.denoising import paper_guidance
from sfr_core.ops.noise_schedule import DdpmSchedule
from sfr_core.tasks.base import Opening
from sfr_core.tasks.classifier import LabelledBatch
from sfr_core.tasks.denoiser import Denoiser
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.tasks.latents import frozen
from sfr_core.tasks.pictures import Latents, PictureStore, self_generated
from sfr_core.tasks.text_to_image_parts import Prompts, trained_part

FISHER_SCALE = 7.5
"""w of the guided prediction in the Fisher, in the paper's convention: 8.5 e(prompt) - 7.5 e(nothing)."""
GUIDANCE = 3.0
"""Of a preview and of the latents to forget, where the card names none."""


def open_text_to_image(given: Opening) -> TextToImageTask:
    """The task of a run."""
    assert given.prompts is not None
    judge = given.judge()
    return TextToImageTask(
        given.load(),
        given.prompts,
        None if judge is None else prompt_judge(judge, given.prompts),
        device=given.device,
        seed=given.config.seed,
        # The method's own default where the config does not say it; a method in closed form chooses its layers itself.
        trainable=getattr(given.method, "trainable", "full"),
        guidance=GUIDANCE if given.guidance is None else given.guidance,
    )


class TextToImageTask(DiffusionTask):
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
        judge: looks at samples; None where there is none, then a preview shows them and says nothing.
        device: where everything is held.
        seed: of the drawn latents.
        trainable: part of the U-Net that `parameters` gives; the rest needs no gradient.
        guidance: of a preview, and of the latents to forget that the model draws of itself.
        fisher_scale: w in (1 + w) e(prompt) - w e(nothing).
        preview: samples that a running page shows. own: how latents are drawn.

    Attributes:
        direct: labels of the concept's direct prompts, int64 [k].
        targets: label of the prompt that each of them is redirected to, int64 [k]; often one for all.
        kept: labels of the prompts that are trained on to be kept, int64 [m].

    Raises:
        InputError: the U-Net has no such part, or knows no word of a prompt.
    """

    def __init__(
        self,
        pipeline: Any,
        plan: PromptPlan,
        judge: PromptJudge | None,
        *,
        device: torch.device,
        seed: int = 0,
        trainable: Trainable = "full",
        guidance: float = GUIDANCE,
        fisher_scale: float = FISHER_SCALE,
        preview: PreviewSettings = PREVIEW,
        own: SelfGenerated = SELF_GENERATED,
    ) -> None:
        unet, scheduler = pipeline.unet, pipeline.scheduler
        shape = (unet.config.in_channels, unet.config.sample_size, unet.config.sample_size)
        self.plan, self.tokenizer = plan, pipeline.tokenizer
        self.text_encoder = frozen(pipeline.text_encoder).to(device)
        self.prompts = Prompts(pipeline, plan.texts)
        schedule = DdpmSchedule(
            scheduler.alphas_cumprod, device=device, velocity=scheduler.config.prediction_type == "v_prediction"
        )
        denoiser = Denoiser(
            unet, schedule, shape=shape, null=plan.null, device=device, condition=self.prompts, dropout=0.0
        )
        latents = Latents(pipeline.vae, device, safety_of(pipeline, device))
        weights = trained_part(denoiser.model.requires_grad_(False), trainable)
        for weight in weights.values():
            weight.requires_grad_(True)
        direct, labels = plan.labels("direct"), plan.generated_labels
        instead = np.arange(len(plan.texts))
        instead[list(plan.spec.classes)] = plan.anchor
        instead[direct] = plan.targets
        own = replace(own, guidance=guidance)
        preview = replace(preview, guidance=guidance).for_values(shape[0] * shape[1] * shape[2])
        making = self_generated(denoiser, latents, labels, plan.spec.classes, own, seed)
        super().__init__(
            denoiser, latents, PictureStore(labels, plan.spec.classes, latents, device, making), judge,
            forgotten=plan.spec.classes, classes=len(plan.prompts), instead=instead, farthest_of=np.zeros(0, np.int64),
            preview=preview, preview_labels=np.repeat(plan.previewed(preview.classes), preview.columns),
            fisher_guidance=paper_guidance(fisher_scale), weights=weights,
            still=(latents.autoencoder, self.text_encoder),
        )  # fmt: skip
        self.latents = latents
        self.direct, self.targets = (torch.from_numpy(at).to(device) for at in (direct, plan.targets))
        self.kept = torch.arange(plan.anchor, len(plan.texts), device=device)

    def anchor_batches(self, size: int, rng: torch.Generator) -> Iterator[tuple[LabelledBatch, Tensor]]:
        """One shuffled pass over pictures that the redirections' prompts show, with the labels [n] of these prompts."""
        rows = self.store.with_label(*self.targets.tolist())
        for at in torch.split(rows[torch.randperm(len(rows), generator=rng)], size):
            batch = self.store.batch(at)
            yield batch, batch.y
