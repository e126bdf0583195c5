"""RT†: a random class embedding in the place of the forgotten one, a stand-in for retraining (docs/reference.md, section 3.4; docs/adr/0022).

Nothing is learned: what the network knows of the class stays in its weights, only the name for it is lost.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
from torch import Tensor

from sfr_core.cancel import CancelToken
from sfr_core.catalog.random_embedding import RandomEmbeddingConfig
from sfr_core.errors import InputError
from sfr_core.events import Event, PhaseStarted, Step
from sfr_core.methods.common import cycle, finite, last_event, training_run
from sfr_core.tasks.diffusion import DiffusionTask


def random_embedding(
    task: DiffusionTask, config: RandomEmbeddingConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """Replaces the forgotten rows of one table of class embeddings a step; there is no gradient and no learning rate.

    Raises:
        InputError: the model has no table of classes. Diverged: its loss on the forget set is no longer finite.
    """
    tables = {name: table for name, table in task.class_tables().items() if name in task.parameters()}
    if not tables:
        raise InputError("This model has no table of classes.", hint="Choose another method.")
    kept = [c for c in range(task.classes) if c not in task.forgotten]
    forget = cycle(lambda: task.batches("forget", config.batch_size, rng))
    yield PhaseStarted(phase="unlearn", total=len(tables))
    done = 0
    with training_run(task.model), torch.no_grad():
        task.model.eval()
        for table in tables.values():
            if cancel.cancelled:
                break
            started = time.perf_counter()
            table[list(task.forgotten)] = random_rows(table[kept], len(task.forgotten), config.spread, rng)
            loss = finite(task.losses(next(forget), rng).mean())
            done += 1
            yield Step(i=done, total=len(tables), forget_loss=loss, lr=0.0, seconds=time.perf_counter() - started)
    yield last_event(done, cancel, stopped=done < len(tables))


def random_rows(kept: Tensor, n: int, spread: float, rng: torch.Generator) -> Tensor:
    """n rows [n, d] of a normal distribution with the mean of the kept rows [k, d], and `spread` times their deviation."""
    deviation = kept.std(0, correction=0)
    return kept.mean(0) + spread * deviation * torch.randn((n, kept.shape[1]), generator=rng).to(kept)
