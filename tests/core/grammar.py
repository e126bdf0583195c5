"""The grammar of a run, in one place: what any list of events must obey, whoever sent it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sfr_core.events import (
    Cancelled,
    Evaluated,
    Event,
    Finished,
    MaskReady,
    PhaseProgress,
    PhaseStarted,
    Preview,
    Step,
)

ORDER = ("prepare", "fisher", "mask", "unlearn", "evaluate")


def check_grammar(events: Sequence[Event]) -> list[Step]:
    """Asserts the grammar of events.py over a whole run; returns its steps."""
    assert events, "a run says at least how it ended"
    assert isinstance(events[-1], Finished | Cancelled)
    phase: PhaseStarted | None = None
    done = 0
    steps: list[Step] = []
    masks: list[MaskReady] = []
    for event in events[:-1]:
        assert not isinstance(event, Finished | Cancelled), "nothing follows the last event"
        if isinstance(event, PhaseStarted):
            assert event.total >= 0
            assert phase is None or ORDER.index(event.phase) >= ORDER.index(phase.phase), "phases go forward"
            phase, done = event, 0
        elif isinstance(event, PhaseProgress):
            assert phase is not None
            assert event.phase == phase.phase != "unlearn"
            assert (event.done, event.total) == (done + 1, phase.total)
            assert event.done <= event.total
            done = event.done
        elif isinstance(event, Step):
            assert phase is not None
            assert phase.phase == "unlearn"
            assert (event.i, event.total) == (len(steps) + 1, phase.total)
            assert event.i <= event.total
            check_step(event)
            steps.append(event)
        elif isinstance(event, MaskReady):
            assert phase is not None
            assert phase.phase == "mask"
            check_mask(event)
            masks.append(event)
        else:
            assert isinstance(event, Evaluated | Preview)
            assert event.i <= max(len(steps), 0)
    assert len(masks) <= 1
    assert events[-1].steps == len(steps)
    if isinstance(events[-1], Finished):
        assert steps
        assert len(steps) == steps[-1].total
    return steps


def check_step(step: Step) -> None:
    """Asserts that the numbers of a step can be numbers of a step."""
    values = (step.forget_loss, step.remain_loss, step.forget_grad_norm, step.remain_grad_norm, step.lr, step.seconds)
    assert all(value is None or math.isfinite(value) for value in values)
    assert step.forget_loss is not None or step.remain_loss is not None
    # Only what is solved at once has no gradient: its learning rate is 0.
    assert step.forget_grad_norm is not None or step.remain_grad_norm is not None or step.lr == 0
    assert all(norm is None or norm >= 0 for norm in (step.forget_grad_norm, step.remain_grad_norm))
    assert step.lr >= 0
    assert step.seconds > 0


def check_mask(mask: MaskReady) -> None:
    """Asserts that the counts of a mask agree with each other."""
    assert mask.layers
    assert list(mask.thresholds) == sorted(set(mask.thresholds))
    assert math.isfinite(mask.threshold)
    for layer in mask.layers:
        assert layer.size == math.prod(layer.shape)
        assert 0 <= layer.kept <= layer.size
        assert len(layer.kept_at) == len(mask.thresholds)
        assert list(layer.kept_at) == sorted(layer.kept_at, reverse=True)
        assert all(0 <= n <= layer.size for n in layer.kept_at)
    kept = sum(layer.kept for layer in mask.layers)
    assert math.isclose(mask.density, kept / sum(layer.size for layer in mask.layers))
