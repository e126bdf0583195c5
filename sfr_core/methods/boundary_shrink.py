"""Boundary shrink: move the boundary of what is forgotten across its pictures (Chen et al., CVPR 2023, arXiv 2303.11570).

Checked against the loop that DELETE's authors run as this rival (shaaaaron/DELETE, method/boundary_shrink.py): one step of
FGSM with reach 0.1 on the original in eval mode, its answer as the label, SGD with momentum on the forget rows alone. There
a row whose step crosses no boundary keeps its true label; here the true class is left out of the choice, since the paper
asks for the nearest *wrong* label.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sfr_core.cancel import CancelToken
from sfr_core.catalog.boundary_shrink import BoundaryShrinkConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, frozen_copy, train_on
from sfr_core.tasks.classifier import ClassifierTask, LabelledBatch


def boundary_shrink(
    task: ClassifierTask, config: BoundaryShrinkConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """Descends the cross-entropy of forget rows towards `nearest_wrong`; the remain set is never read.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    original = frozen_copy(task.model)

    def objective(batch: LabelledBatch) -> Objective:
        target = nearest_wrong(task, batch, original, config.reach)
        loss = F.cross_entropy(task.logits(batch), target, reduction="none").mean()
        return Objective(loss, forget=loss)

    training = not config.keep_statistics
    yield from train_on("forget", task, config, objective, rng=rng, cancel=cancel, training=training)


def nearest_wrong(task: ClassifierTask, batch: LabelledBatch, model: nn.Module, reach: float) -> Tensor:
    """The wrong class [n] that `model` finds likeliest once each picture has moved by `reach` up its loss (FGSM)."""
    x = batch.x.detach().requires_grad_(True)
    loss = F.cross_entropy(task.logits(replace(batch, x=x), model), batch.y, reduction="sum")
    (direction,) = torch.autograd.grad(loss, x)
    with torch.no_grad():
        logits = task.logits(task.pushed(batch, direction, reach), model)
    return logits.scatter(1, batch.y[:, None], -torch.inf).argmax(1)
