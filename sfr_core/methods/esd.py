"""ESD: erase a concept with the old model's own guidance, turned round (Gandikota et al., ICCV 2023, arXiv 2303.07345).

Both forms share this loop; which weights it may change tells them apart: ESD-x only cross-attention, ESD-u all but
cross-attention (and, as published, neither the time embedding nor the output layer).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from sfr_core.cancel import CancelToken
from sfr_core.catalog.esd_x import EsdConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, frozen_copy, train_steps
from sfr_core.tasks.text_to_image import TextToImageTask


def esd(task: TextToImageTask, config: EsdConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """Descends |e(x_t, p) - target|^2, mean over the latent, at samples x_t that the present model drew half way.

    Data-free: neither forget nor remain pictures are looked at. The step's forget loss is that distance.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    old = frozen_copy(task.model)

    def objective(_: int) -> Objective:
        which = torch.randint(len(task.direct), (config.batch_size,), generator=rng)
        labels = task.direct[which.to(task.direct.device)]
        x, t = task.denoiser.half_drawn(
            labels, steps=int(config.sample_steps), guidance=config.sample_guidance, rng=rng
        )
        with torch.no_grad():
            without = task.denoiser.predict(x, t, torch.full_like(labels, task.null), old)
            target = erased(without, task.denoiser.predict(x, t, labels, old), config.negative_guidance)
        loss = (task.denoiser.predict(x, t, labels) - target).square().mean()
        return Objective(loss, forget=loss)

    yield from train_steps(task, config, objective, cancel=cancel)


def erased(without: Tensor, prompted: Tensor, strength: float) -> Tensor:
    """e(x_t, nothing) - eta * (e(x_t, p) - e(x_t, nothing)), all of the old model (paper, equation 7)."""
    return without - strength * (prompted - without)
