"""Random label (RL): teach wrong answers on the forget set (Golatkar et al., arXiv 1911.04933)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch

from sfr_core.cancel import CancelToken
from sfr_core.configs import EpochConfig
from sfr_core.events import Event
from sfr_core.methods.common import train_on_both
from sfr_core.tasks.classifier import ClassifierTask


def random_label(
    task: ClassifierTask, config: EpochConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """Cross-entropy on both sets shuffled together, in train mode; every forget row keeps one fixed wrong label.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    yield from train_on_both(task, config, partial(task.redirect_losses, rng=rng), rng=rng, cancel=cancel)
