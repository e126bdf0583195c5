"""Samples on a visitor's wish, off the run: in a thread of its own that holds the compute slot. No gradio, no torch before it draws."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from sfr_core.cancel import CancelToken
from sfr_core.errors import PlaygroundError
from sfr_core.results import GeneratorReport

LOG = logging.getLogger(__name__)
DEADLINE = 180.0
"""Seconds that one wish may compute."""
STEPS = (10, 20, 25, 50, 100)
"""Offered numbers of sampler steps; each divides the schedule's 1000."""
LARGEST_GUIDANCE = 8.0
PER_CLASS = {"forgotten": 16, "all": 8}
"""Samples of each class or prompt at most, by what is drawn."""
MOST, FEWEST = 96, 4
"""Samples of one model: of many classes each has fewer, in whole lines."""

Sampler = Callable[[str], Iterator[int | GeneratorReport]]
"""Draws with one model: yields the sampler steps done, and last what was drawn."""


@dataclass(slots=True)
class Drawing:
    """One wish as it stands; its thread writes, the page reads.

    Attributes:
        models: whose samples are wanted, in this order.
        steps: sampler steps for each model.
        state: "waiting" for the compute slot, "drawing", or how it ended.
        model, done: who draws now, and how many steps are done.
        reports: what is ready.
        seconds: time it took, waiting left out.
    """

    models: tuple[str, ...]
    steps: int
    cancel: CancelToken
    state: Literal["waiting", "drawing", "done", "stopped", "failed"] = "waiting"
    model: str = ""
    done: int = 0
    reports: dict[str, GeneratorReport] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""

    @property
    def active(self) -> bool:
        """True until it has ended."""
        return self.state in ("waiting", "drawing")


def start(slot: threading.Lock, sampler: Sampler, models: Sequence[str], steps: int) -> Drawing:
    """Draws with each of `models` in turn, in a thread; the slot is given back whatever happens."""
    drawing = Drawing(tuple(models), steps, CancelToken())
    threading.Thread(target=_draw, args=(drawing, slot, sampler), name="drawing", daemon=True).start()
    return drawing


def _draw(drawing: Drawing, slot: threading.Lock, sampler: Sampler) -> None:
    while not slot.acquire(timeout=0.2):
        if drawing.cancel.cancelled:
            drawing.state = "stopped"
            return
    started = time.monotonic()
    reports: dict[str, GeneratorReport] = {}
    end: Literal["done", "stopped", "failed"] = "failed"
    try:
        drawing.state = "drawing"
        for model in drawing.models:
            drawing.model, drawing.done = model, 0
            for item in sampler(model):
                if isinstance(item, GeneratorReport):
                    reports[model] = item
                    break
                drawing.done = item
                if drawing.cancel.cancelled or time.monotonic() - started > DEADLINE:
                    end = "stopped"
                    return
        drawing.reports, end = reports, "done"
    except PlaygroundError as error:
        drawing.error = str(error)
    except Exception as error:
        LOG.exception("drawing failed")
        drawing.error = f"Drawing failed unexpectedly ({type(error).__name__}). Try fewer steps or classes."
    finally:
        drawing.seconds = time.monotonic() - started
        slot.release()
        drawing.state = end


def labels_of(what: str, classes: int, forgotten: Sequence[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Label of every sample: of the forgotten ones, or of all with the forgotten first."""
    wanted = list(forgotten)
    if what == "all" or not wanted:
        what = "all"
        wanted += [c for c in range(classes) if c not in wanted]
    each = min(PER_CLASS[what], max(FEWEST, MOST // len(wanted) // FEWEST * FEWEST))
    return np.repeat(np.array(wanted, np.int64), each)


def sampler_of(session: Any, labels: Any, *, seed: int, steps: int, guidance: float) -> Sampler:
    """The sampler of a session's models. All of them start from the same noise."""

    def draw(who: str) -> Iterator[int | GeneratorReport]:
        # Torch is here by now: the session came with it.
        from sfr_core import generation
        from sfr_core.metrics.generation import Protocol

        sampler = Protocol(len(labels), steps, guidance)
        task = session.task
        drawn = yield from generation.draw(task, task.judge, labels, sampler, session.reference(who), seed=seed)
        yield drawn.report()

    return draw


def models_of(session: Any, shown: Mapping[str, Any]) -> tuple[str, ...]:
    """Which models can draw: those whose samples the run has, without `after` where it was rolled back."""
    return tuple(
        who
        for who in ("before", "after", "retrained")
        if who in shown and (who != "after" or session.after is not None)
    )
