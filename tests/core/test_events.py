"""The wire form of events."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from sfr_core.errors import AssetError
from sfr_core.events import (
    Cancelled,
    Evaluated,
    Event,
    Finished,
    LayerSaliency,
    MaskReady,
    PhaseProgress,
    PhaseStarted,
    Prediction,
    Preview,
    Step,
    from_json,
    to_json,
)
from sfr_core.results import ClassifierRecord, LiveRecord

LAYER = LayerSaliency(name="w", shape=(2, 2), size=4, kept=1, kept_at=(4, 1))
ALL: list[Event] = [
    PhaseStarted(phase="fisher", total=3),
    PhaseProgress(phase="fisher", done=1, total=3),
    MaskReady(density=0.25, threshold=1.0, thresholds=(0.1, 1.0), layers=(LAYER,)),
    Step(i=1, total=2, forget_loss=0.5, lr=0.1, seconds=0.01),
    Evaluated(i=0, when="live", record=LiveRecord(forget=1.0, remain=2.0, n_forget=3, n_remain=4)),
    Evaluated(i=2, when="after", record=ClassifierRecord(FA=1.0, RA=2.0, TA=3.0)),
    Preview(i=1, predictions=(Prediction(source="test", row=1, label=2, predicted=3, confidence=0.5),)),
    Finished(steps=2),
    Cancelled(steps=1, reason="deadline"),
]


@pytest.mark.parametrize("event", ALL, ids=lambda e: type(e).__name__)
def test_round_trip_through_json(event: Event) -> None:
    wire = to_json(event)
    assert next(iter(wire.items())) == ("event", type(event).__name__)
    assert from_json(json.loads(json.dumps(wire))) == event


def test_an_empty_mask_has_an_infinite_threshold_which_json_writes_as_null() -> None:
    empty = MaskReady(density=0.0, threshold=math.inf, thresholds=(), layers=())
    assert from_json({**to_json(empty), "threshold": None}) == empty


def test_wire_form_of_a_step() -> None:
    assert to_json(ALL[3]) == {
        "event": "Step", "i": 1, "total": 2, "forget_loss": 0.5, "remain_loss": None, "alpha": None, "lr": 0.1,
        "forget_grad_norm": None, "remain_grad_norm": None, "seconds": 0.01,
    }  # fmt: skip


@pytest.mark.parametrize("event", ALL, ids=lambda e: type(e).__name__)
def test_events_are_frozen(event: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(event, fields(event)[0].name, 9)


@pytest.mark.parametrize(
    "data",
    [
        None, [], "Step", {}, {"event": "Stop"}, {"event": "Step"}, {"event": "Finished", "steps": 1, "more": 2},
        {"event": "MaskReady", "density": 1, "threshold": 1, "thresholds": 5, "layers": []},
        {"event": "Evaluated", "i": 0, "when": "live", "record": {"FA": 1}}, {"event": "Preview", "i": 0, "predictions": [1]},
        {"event": "Finished", "steps": 1, "result": {"schema": 99}}, {"event": ["Step"]},
        {"event": "Evaluated", "i": 0, "when": "live", "record": {"FA": 1, "RA": 1, "TA": 1}},
        {"event": "MaskReady", "density": 1, "threshold": -math.inf, "thresholds": [], "layers": []},
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused(data: Any) -> None:
    with pytest.raises(AssetError):
        from_json(data)
