"""Pictures that a measurement draws for itself and shows to nobody: few at a time, and without the safety checker."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray
from torch import nn

from sfr_core.metrics.generation import SAMPLE_SEED, Protocol
from sfr_core.tasks.text_to_image import TextToImageTask

AT_ONCE = 8
"""Pictures that are drawn side by side: few, since some of these models are large."""


def unseen_steps(n: int, sampler: Protocol) -> int:
    """How often `unseen` yields for n pictures."""
    return -(-n // AT_ONCE) * sampler.steps


def unseen(
    task: TextToImageTask, sampler: Protocol, labels: NDArray[np.int64], model: nn.Module | None = None
) -> Generator[int, None, NDArray[np.uint8]]:
    """Draws a picture for each label; a caller that stops asking has stopped it.

    Args:
        task: of a run. No weight, mode or generator of it is changed, and its safety checker is back afterwards: a picture that it
            blackens would be measured as something that the model never drew.
        sampler: steps and guidance; its `n` is not read.
        labels: prompts of the task's plan, [n], n at least 1. Equal labels give equal noise, whatever the model.
        model: whose pictures; default the task's live model.

    Yields:
        Sampler steps done.

    Returns:
        uint8 [n, h, w, 3].
    """
    safety, done, parts = task.latents.safety, 0, []
    task.latents.safety = None
    try:
        for batch, start in enumerate(range(0, len(labels), AT_ONCE)):
            # Another seed for every batch: the noise follows from the seed and the place in the batch.
            seed, now = SAMPLE_SEED + batch, labels[start : start + AT_ONCE]
            work = task.sample(now, seed=seed, steps=sampler.steps, guidance=sampler.guidance, model=model)
            while True:
                try:
                    next(work)
                except StopIteration as end:
                    parts.append(end.value)
                    break
                done += 1
                yield done
    finally:
        task.latents.safety = safety
    return np.concatenate(parts)


def spread_over(prompts: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """n labels [n] that take the prompts [k], k at least 1, in turn."""
    return prompts[np.arange(n) % len(prompts)]
