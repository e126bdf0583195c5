"""Fine-tuning (FT): go on training on the remain set and hope that the rest fades (Warnecke et al., arXiv 2108.11577)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from sfr_core.cancel import CancelToken
from sfr_core.configs import EpochConfig, StepConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, train_on
from sfr_core.tasks.base import Batch, Task


def finetune(
    task: Task, config: EpochConfig | StepConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """Descends L_r on the remain set only, in train mode.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """

    def objective(batch: Batch) -> Objective:
        loss = task.losses(batch, rng).mean()
        return Objective(loss, remain=loss)

    yield from train_on("remain", task, config, objective, rng=rng, cancel=cancel)
