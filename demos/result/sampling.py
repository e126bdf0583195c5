"""Samples on a visitor's wish: whose, how many, how. No gradio, no torch before it draws."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from demos.jobs import side_jobs
from demos.jobs.side_jobs import SideJob, Worker
from sfr_core.results import GeneratorReport

DEADLINE = 180.0
"""Seconds that one wish may compute."""
STEPS = (10, 20, 25, 50, 100)
"""Offered numbers of sampler steps; each divides the schedule's 1000."""
LARGEST_GUIDANCE = 8.0
PER_CLASS = {"forgotten": 16, "all": 8}
"""Samples of each class or prompt at most, by what is drawn."""
MOST, FEWEST = 96, 4
"""Samples of one model: of many classes each has fewer, in whole lines, and of more than MOST / FEWEST only the first are drawn."""

Drawing = SideJob[GeneratorReport]
"""Samples that are being drawn: one report a model."""
Sampler = Worker[GeneratorReport]
"""Draws with one model: yields the sampler steps done, and last what was drawn."""


def start(slot: threading.Lock, sampler: Sampler, models: Sequence[str], steps: int) -> Drawing:
    """Draws with each of `models` in turn, `steps` sampler steps each over all batches (see `side_jobs.start`)."""
    return side_jobs.start(slot, sampler, models, steps, deadline=DEADLINE, advice="Try fewer steps or classes.")


def labels_of(what: str, classes: int, forgotten: Sequence[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Label of every sample: of the forgotten ones, or of all with the forgotten first."""
    wanted = list(forgotten)
    if what == "all" or not wanted:
        what = "all"
        wanted += [c for c in range(classes) if c not in wanted]
    wanted = wanted[: MOST // FEWEST]
    each = min(PER_CLASS[what], max(FEWEST, MOST // len(wanted) // FEWEST * FEWEST))
    return np.repeat(np.array(wanted, np.int64), each)


def sampler_of(session: Any, labels: Any, *, seed: int, steps: int, guidance: float) -> Sampler:
    """The sampler of a session's models. All of them start from the same noise."""

    def draw(who: str) -> Iterator[int | GeneratorReport]:
        # Torch is here by now: the session came with it.
        from sfr_core.metrics.generation import Protocol
        from sfr_core.runs import sampling as generation

        sampler = Protocol(len(labels), steps, guidance)
        task = session.task
        model = session.reference(who)
        if task.judge is None:
            drawn = yield from generation.draw_unjudged(task, labels, sampler, model, seed=seed)
        else:
            drawn = yield from generation.draw(task, task.judge, labels, sampler, model, seed=seed)
        yield drawn.report()

    return draw


def steps_of(session: Any, labels: Any, steps: int) -> int:
    """Sampler steps of one model over all batches, which large latents have more of."""
    from sfr_core.ops.sampling import sampler_steps

    return sampler_steps(len(labels), steps, session.task.shape)


def models_of(session: Any, shown: Mapping[str, Any]) -> tuple[str, ...]:
    """Which models can draw: those whose samples the run has, without `after` where it was rolled back."""
    return tuple(
        who
        for who in ("before", "after", "retrained")
        if who in shown and (who != "after" or session.after is not None)
    )
