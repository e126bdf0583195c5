"""DELETE: decoupled distillation to erase (Zhou et al., CVPR 2025, arXiv 2503.23751).

Checked against the paper's abstract and formula (the original's masked softmax teaches, KL(target || student)) and against
the loop and values of the authors' code (shaaaaron/DELETE, method/delete.py): forget rows only, SGD with momentum 0.9 and
no decay, student in train mode, teacher in eval mode, KL averaged over the batch.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from sfr_core.cancel import CancelToken
from sfr_core.catalog.delete import DeleteConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, frozen_copy, train_on
from sfr_core.tasks.classifier import ClassifierTask, LabelledBatch


def delete(task: ClassifierTask, config: DeleteConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """Descends KL(softmax(z0 with z0[y] = -inf) || softmax(z)) on the forget set; the remain set is never read.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    original = frozen_copy(task.model)

    def objective(batch: LabelledBatch) -> Objective:
        with torch.no_grad():
            teacher = task.logits(batch, original)
        loss = masked_distillation(task.logits(batch), teacher, batch.y).mean()
        return Objective(loss, forget=loss)

    training = not config.keep_statistics
    yield from train_on("forget", task, config, objective, rng=rng, cancel=cancel, training=training)


def masked_distillation(student: Tensor, teacher: Tensor, truth: Tensor) -> Tensor:
    """sum_c p_c * (log p_c - log q_c), shape [n]: q the student's softmax, p the teacher's with the logit of `truth` [n] at -inf.

    The struck class has p = 0 and adds nothing. A student that agrees on all others has -log(1 - q_truth) left.
    """
    masked = teacher.scatter(1, truth[:, None], -torch.inf)
    return F.kl_div(F.log_softmax(student, dim=1), F.softmax(masked, dim=1), reduction="none").sum(dim=1)
