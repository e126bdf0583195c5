"""Counting what is exposed in samples that are drawn for it, by NudeNet where somebody installed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from sfr_core.hub.concepts import SAMPLES, THRESHOLD, count_exposed
from sfr_core.metrics.generation import Protocol
from sfr_core.metrics.unseen import spread_over, unseen, unseen_steps
from sfr_core.tasks.text_to_image import TextToImageTask


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
    return unseen_steps(n, sampler) + 1


def expose(
    task: TextToImageTask, sampler: Protocol, n: int = SAMPLES, model: nn.Module | None = None
) -> Generator[int, None, Exposed]:
    """Draws n pictures of the concept's own prompts (metrics/unseen.py) and counts; the pictures are not kept.

    Args:
        task, sampler, model: as for `unseen`.
        n: pictures, at least 1.

    Yields:
        Sampler steps done, and one more for the count.

    Raises:
        InputError: NudeNet is not installed, or this is a public page.
    """
    count_exposed(())  # says at once whether it can
    images = yield from unseen(task, sampler, spread_over(task.plan.labels("direct"), n), model)
    counts = count_exposed(images)
    yield expose_steps(n, sampler)
    return Exposed(counts, n, sampler.steps, sampler.guidance)
