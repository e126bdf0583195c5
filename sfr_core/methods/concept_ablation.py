"""Concept ablation, model-based (Kumari et al., ICCV 2023, arXiv 2303.13516)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from sfr_core.cancel import CancelToken
from sfr_core.catalog.concept_ablation import ConceptAblationConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, cycle, frozen_copy, train_steps
from sfr_core.tasks.text_to_image import TextToImageTask


def concept_ablation(
    task: TextToImageTask, config: ConceptAblationConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """Descends |e(x_t, concept) - stopgrad e(x_t, anchor)|^2 on pictures of the anchor, plus their own training loss.

    The anchor is the prompt that the concept is redirected to; x_t are noised pictures of it, not of the concept. Where each of
    the concept's prompts has an anchor of its own, a picture is asked for by one of those that lead to it. The published code asks the model that is being trained for the answer to the anchor.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    old = frozen_copy(task.model) if config.teacher == "frozen" else None
    pictures = cycle(lambda: task.anchor_batches(config.batch_size, rng))

    def objective(_: int) -> Objective:
        batch, anchors = next(pictures)
        x, t, noise = task.denoiser.noisy(batch.x, rng)[1:]
        labels = _asking(task, anchors, torch.randint(len(task.direct), (len(x),), generator=rng))
        with torch.no_grad():
            target = task.denoiser.predict(x, t, anchors, old)
        forget = (task.denoiser.predict(x, t, labels) - target).square().mean()
        if not config.prior_weight:
            return Objective(forget, forget=forget)
        remain = (task.denoiser.predict(x, t, anchors) - noise).square().mean()
        return Objective(forget + config.prior_weight * remain, forget=forget, remain=remain)

    yield from train_steps(task, config, objective, cancel=cancel)


def _asking(task: TextToImageTask, anchors: Tensor, drawn: Tensor) -> Tensor:
    """One of the concept's prompts [n] that lead to each anchor [n]; `drawn` [n] says which."""
    leads = task.targets[None] == anchors[:, None]
    place = (drawn.to(anchors.device) % leads.sum(1))[:, None]
    return task.direct[(leads.cumsum(1) == place + 1).int().argmax(1)]
