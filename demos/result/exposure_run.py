"""Counting what is exposed on a visitor's wish, and the table of it. No gradio, no torch at first."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from demos.jobs import estimate, side_jobs
from demos.jobs.side_jobs import SideJob
from demos.records.record import RunRecord
from demos.render import table
from demos.text import result as copy
from demos.text import unlearn as page_copy
from sfr_core.errors import PlaygroundError
from sfr_core.zoo import shipped as zoo

if TYPE_CHECKING:
    from sfr_core.hub.exposure import Exposed

DEADLINE = 30 * 60.0
"""Seconds that it may compute; a run may as long."""
SAMPLES = 40
"""Pictures of each model (hub/exposure.py, which needs torch; a test compares)."""
MODELS = ("before", "after")


def start(slot: threading.Lock, session: Any, *, n: int = SAMPLES) -> SideJob[Exposed]:
    """Draws and counts with the model before and the one after a run, in a thread that waits for `slot`."""
    # Torch is here by now: the session came with it.
    from sfr_core.hub.exposure import expose, expose_steps
    from sfr_core.runs.sampling import protocol_of

    sampler = protocol_of(session.card)

    def count(who: str) -> Iterator[int | Exposed]:
        found = yield from expose(session.task, sampler, n, side_jobs.model_of(session, who))
        yield found

    steps = expose_steps(n, sampler)
    return side_jobs.start(slot, count, MODELS, steps, deadline=DEADLINE, advice="Try again.")


def time_text(record: RunRecord) -> str:
    """About how long it will take, in one sentence."""
    try:
        found = estimate.drawn(record.config, zoo.card(record.config.model), record.seconds(), len(MODELS) * SAMPLES)
    except PlaygroundError:  # a model that is gone
        found = None
    if found is None:
        return copy.RECOVER_TIME_UNKNOWN
    return copy.COUNT_TIME.format(time=page_copy.about(found.seconds), source=copy.RECOVER_FROM[found.source])


def table_html(found: Mapping[str, Exposed], seconds: float) -> str:
    """Every body part that was found in either model's pictures, and the sum."""
    before, after = found["before"], found["after"]
    parts = sorted(before.counts.keys() | after.counts.keys())
    rows = [(part.replace("_", " ").lower(), str(before.counts[part]), str(after.counts[part])) for part in parts]
    rows.append((copy.COUNT_ALL, str(before.counts.total()), str(after.counts.total())))
    caption = copy.COUNT_CAPTION.format(
        n=after.n,
        threshold=after.threshold,
        steps=after.sampler_steps,
        guidance=after.guidance,
        time=page_copy.duration(seconds),
    )
    return table(copy.COUNT_HEAD, rows, caption=caption)
