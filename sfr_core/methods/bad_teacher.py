"""Bad Teacher (BT): imitate a network that knows nothing where to forget (Chundawat et al., arXiv 2205.08096)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from sfr_core.cancel import CancelToken
from sfr_core.catalog.bad_teacher import BadTeacherConfig
from sfr_core.events import Event
from sfr_core.methods.common import frozen_copy, train_on_both
from sfr_core.tasks.classifier import ClassifierTask, LabelledBatch


def bad_teacher(
    task: ClassifierTask, config: BadTeacherConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """KL(teacher || student) on both sets together: a random network teaches the forget rows, theta_0 the remain rows.

    Both teachers answer in eval mode, the student learns in train mode.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    original = frozen_copy(task.model)
    ignorant = frozen_copy(task.new_model(rng))

    def losses(batch: LabelledBatch) -> Tensor:
        forget = task.is_forget(batch)
        with torch.no_grad():
            teacher = torch.where(forget[:, None], task.logits(batch, ignorant), task.logits(batch, original))
        return imitation(task.logits(batch), teacher, config.temperature)

    yield from train_on_both(task, config, losses, rng=rng, cancel=cancel)


def imitation(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """(1/C) * sum_c p_c * (log p_c - log q_c), shape [n], with p, q the softmax of teacher and student logits over T.

    The published code averages over classes as well as rows, and does not multiply by T**2.
    """
    log_q = F.log_softmax(student.float() / temperature, dim=1)
    p = F.softmax(teacher.float() / temperature, dim=1)
    return F.kl_div(log_q, p, reduction="none").mean(dim=1)
