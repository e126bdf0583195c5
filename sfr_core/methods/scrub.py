"""SCRUB: a student that disobeys its teacher on the forget set only (Kurmanji et al., arXiv 2302.09880)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from sfr_core.cancel import CancelToken
from sfr_core.catalog.scrub import ScrubConfig
from sfr_core.events import Event
from sfr_core.methods.common import Objective, frozen_copy, train_epochs
from sfr_core.tasks.classifier import ClassifierTask, training_batches


def scrub(task: ClassifierTask, config: ScrubConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """Passes over the forget set that push away from theta_0, then passes over the remain set that keep near it.

    1. In the first `forget_epochs` epochs: descend -KL_T(theta_0 || theta) on the forget set.
    2. In every epoch: descend ce_weight * CE + kl_weight * KL_T(theta_0 || theta) on the remain set.

    One optimiser serves both; the student is in train mode, the teacher in eval mode.

    Raises:
        Diverged: a loss or gradient is no longer finite.
    """
    original = frozen_copy(task.model)

    def epoch(number: int) -> Iterator[Objective]:
        if number < config.forget_epochs:
            for batch in task.batches("forget", config.batch_size, rng):
                with torch.no_grad():
                    teacher = task.logits(batch, original)
                loss = distillation(task.logits(batch), teacher, config.temperature).mean()
                yield Objective(-loss, forget=loss)
        for batch in task.batches("remain", config.batch_size, rng):
            with torch.no_grad():
                teacher = task.logits(batch, original)
            student = task.logits(batch)
            imitation = distillation(student, teacher, config.temperature).mean()
            mistakes = F.cross_entropy(student.float(), batch.y, reduction="none").mean()
            loss = config.ce_weight * mistakes + config.kl_weight * imitation
            yield Objective(loss, remain=loss)

    forget_steps = training_batches(task.count("forget"), config.batch_size) * min(config.forget_epochs, config.epochs)
    steps = forget_steps + config.epochs * training_batches(task.count("remain"), config.batch_size)
    yield from train_epochs(task, config, epoch, steps=steps, cancel=cancel)


def distillation(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """KL_T = T**2 * sum_c p_c * (log p_c - log q_c), shape [n], with p, q the softmax of teacher and student over T."""
    log_q = F.log_softmax(student.float() / temperature, dim=1)
    p = F.softmax(teacher.float() / temperature, dim=1)
    return F.kl_div(log_q, p, reduction="none").sum(dim=1) * temperature**2
