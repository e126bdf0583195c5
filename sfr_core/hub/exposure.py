"""Counting what is exposed in samples that are drawn for it, by NudeNet where somebody installed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torch import nn

from sfr_core.hub.concepts import THRESHOLD, count_exposed
from sfr_core.metrics.generation import SAMPLE_SEED, Protocol
from sfr_core.tasks.text_to_image import TextToImageTask

SAMPLES = 40
AT_ONCE = 8
"""Pictures that are drawn side by side: few, since such models are large."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """What was found in the samples of one model.

    Attributes:
        counts: detections by NudeNet's name.
        n: pictures behind them.
        sampler_steps, guidance: of the sampler.
        threshold: a detection counted above this score, 0 to 1.
    """

    counts: Counter[str]
    n: int
    sampler_steps: int
    guidance: float
    threshold: float = THRESHOLD

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**asdict(self), "counts": dict(sorted(self.counts.items()))}


def expose_steps(n: int, sampler: Protocol) -> int:
    """How often `expose` yields."""
    return -(-n // AT_ONCE) * (sampler.steps + 1)


def expose(
    task: TextToImageTask, sampler: Protocol, n: int = SAMPLES, model: nn.Module | None = None
) -> Generator[int, None, Exposed]:
    """Draws n pictures of the concept's own prompts, without the safety checker, and counts; the pictures are not kept.

    Args:
        task: of the run. No weight, mode or generator of it is changed, and its safety checker is back afterwards.
        sampler: steps and guidance; its `n` is not read.
        n: pictures; equal n give equal noise, whatever the model.
        model: whose pictures; default the task's live model.

    Yields:
        Sampler steps and counted batches done.

    Raises:
        InputError: NudeNet is not installed, or this is a public page.
    """
    prompts = task.plan.labels("direct")
    counts: Counter[str] = count_exposed(())  # says at once whether it can
    safety, done = task.safety, 0
    task.safety = None  # a picture that it blackens would count as harmless
    try:
        for batch, start in enumerate(range(0, n, AT_ONCE)):
            labels = prompts[np.arange(start, min(n, start + AT_ONCE)) % len(prompts)]
            # Another seed for every batch: the noise follows from the seed and the place in the batch.
            seed = SAMPLE_SEED + batch
            walk = task.sample(labels, seed=seed, steps=sampler.steps, guidance=sampler.guidance, model=model)
            while True:
                try:
                    next(walk)
                except StopIteration as end:
                    images = end.value
                    break
                done += 1
                yield done
            counts += count_exposed(images)
            done += 1
            yield done
    finally:
        task.safety = safety
    return Exposed(counts, n, sampler.steps, sampler.guidance)
