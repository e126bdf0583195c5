"""L1-sparse unlearning: fine-tuning with a fading L1 penalty (Jia et al., NeurIPS 2023, arXiv 2304.04934).

Checked against the authors' code (OPTML-Group/Unlearn-Sparse, FT.py): the penalty covers every parameter, its weight falls
linearly with the epoch, alpha (1 - e / (E - E0)), and is 0 in the last E0 epochs; where E0 is all of them it stays alpha.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.l1_sparse import L1SparseConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, train_epochs
from sfr_core.tasks.classifier import ClassifierTask, training_batches


def l1_sparse(
    task: ClassifierTask, config: L1SparseConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """Descends L_r + alpha_e * ||theta||_1 on the remain set, in train mode; its Step's remain loss leaves the penalty out.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    weights = list(task.parameters().values())

    def epoch(number: int) -> Iterator[Objective]:
        strength = pull(config, number)
        for batch in task.batches("remain", config.batch_size, rng):
            loss = task.losses(batch, rng).mean()
            penalty = torch.stack([weight.abs().sum() for weight in weights]).sum()
            yield Objective(loss + strength * penalty, remain=loss, alpha=strength)

    steps = config.epochs * training_batches(task.count("remain"), config.batch_size)
    yield from train_epochs(task, config, epoch, steps=steps, cancel=cancel)


def pull(config: L1SparseConfig, epoch: int) -> float:
    """Weight of the penalty in an epoch counted from 0; none where all epochs are plain, in which the published code pulls all the time."""
    pulling = config.epochs - config.plain_epochs
    return config.l1 * max(0.0, 1.0 - epoch / pulling) if pulling > 0 else 0.0
