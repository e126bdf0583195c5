"""The reducer: hand-written logs and what the page must then show."""

from __future__ import annotations

import json
import math

from demos.live import view as bridge
from demos.live.view import View, Words, payload, reduce_all
from sfr_core.events import (
    Cancelled,
    Evaluated,
    Event,
    Finished,
    MaskReady,
    PhaseProgress,
    PhaseStarted,
    Prediction,
    Preview,
    Step,
)
from sfr_core.results import ClassifierRecord, LiveRecord


def preview(i: int, predicted: int, confidence: float) -> Preview:
    p = Prediction(source="test", row=9, label=7, predicted=predicted, confidence=confidence)
    return Preview(i=i, predictions=(p,))


def live(i: int, forget: float, remain: float) -> Evaluated:
    return Evaluated(i=i, when="live", record=LiveRecord(forget=forget, remain=remain, n_forget=500, n_remain=400))


LOG: list[Event] = [
    PhaseStarted(phase="prepare", total=0),
    live(0, 97.0, 99.0),
    preview(0, 7, 0.97),
    PhaseStarted(phase="fisher", total=4),
    PhaseProgress(phase="fisher", done=3, total=4),
    PhaseStarted(phase="mask", total=0),
    MaskReady(density=0.25, threshold=1.0, thresholds=(1.0,), layers=()),
    PhaseStarted(phase="unlearn", total=4),
    Step(i=1, total=4, forget_loss=0.5, remain_loss=0.125, lr=0.1, seconds=0.5),
    Step(i=2, total=4, forget_loss=None, remain_loss=0.25, lr=0.1, seconds=0.25),
    live(2, 10.0, 98.0),
    preview(2, 5, 0.61),
]


def test_a_running_log() -> None:
    view = reduce_all(LOG)
    shown = payload(view)
    assert (shown["step"], shown["steps"]) == (2, 4)
    assert shown["loss"] == {"i": [1, 2], "forget": [0.5, None], "remain": [0.125, 0.25]}
    assert shown["accuracy"] == {"i": [0, 2], "forget": [97.0, 10.0], "remain": [99.0, 98.0]}
    assert shown["n"] == [500, 400]
    assert shown["pictures"] == [[9, 7, 5, 0.61, "test", False]]
    assert shown["density"] == 0.25
    assert math.isclose(shown["speed"], 2 / 0.75, abs_tol=0.01)
    assert [p["state"] for p in shown["phases"]] == ["done", "done", "done", "now", "todo"]
    assert shown["phases"][3] == {"id": "unlearn", "state": "now", "done": 2, "total": 4}
    assert json.loads(json.dumps(shown)) == shown


def test_a_picture_that_was_wrong_before_the_run_is_marked_as_such() -> None:
    # Picture 9 of class 7 was taken for class 5 before; at step 0 nothing can be said of before.
    begun = reduce_all([preview(0, 5, 0.6)])
    assert payload(begun)["pictures"] == [[9, 7, 5, 0.6, "test", False]]
    assert payload(reduce_all([preview(2, 4, 0.5)], begun))["pictures"] == [[9, 7, 4, 0.5, "test", True]]
    assert payload(reduce_all([preview(2, 7, 0.5)], begun))["pictures"] == [[9, 7, 7, 0.5, "test", False]]


def test_progress_inside_a_phase_is_the_reported_one() -> None:
    shown = payload(reduce_all(LOG[:5]))
    assert shown["phases"][1] == {"id": "fisher", "state": "now", "done": 3, "total": 4}
    assert shown["speed"] is None


def test_reducing_in_parts_is_reducing_at_once() -> None:
    view = View()
    for event in LOG:
        view = bridge.reduce(view, event)
    assert view == reduce_all(LOG) == reduce_all(LOG[5:], reduce_all(LOG[:5]))


def test_ends() -> None:
    finished = reduce_all([*LOG, PhaseStarted(phase="evaluate", total=2), Finished(steps=4)])
    assert payload(finished)["ended"] == "finished"
    assert [p["state"] for p in payload(finished)["phases"]] == ["done"] * 5
    stopped = payload(reduce_all([*LOG, Cancelled(steps=2)]))
    assert stopped["ended"] == "cancelled"
    assert [p["state"] for p in stopped["phases"]] == ["done", "done", "done", "stopped", "todo"]
    assert payload(reduce_all([*LOG, Cancelled(steps=2, reason="deadline")]))["ended"] == "deadline"


def test_a_stopped_run_that_is_kept_does_not_call_its_steps_done() -> None:
    kept = [*LOG, Cancelled(steps=2), PhaseStarted(phase="evaluate", total=2)]
    assert [p["state"] for p in payload(reduce_all(kept))["phases"]] == ["done", "done", "done", "stopped", "now"]
    ended = payload(reduce_all([*kept, Finished(steps=2)]))["phases"]
    assert [p["state"] for p in ended] == ["done", "done", "done", "stopped", "done"]
    again = payload(reduce_all([*kept, Cancelled(steps=2)]))["phases"]
    assert [p["state"] for p in again] == ["done", "done", "done", "stopped", "stopped"]


def test_phases_that_a_method_lacks_are_marked() -> None:
    view = reduce_all([PhaseStarted(phase="prepare", total=0), PhaseStarted(phase="unlearn", total=9)])
    states = [p["state"] for p in payload(view, Words(("fisher", "mask")))["phases"]]
    assert states == ["done", "skipped", "skipped", "now", "todo"]


def test_full_evaluations_do_not_enter_the_live_curve() -> None:
    record = ClassifierRecord(FA=1.0, RA=2.0, TA=3.0)
    view = reduce_all([*LOG, Evaluated(i=4, when="after", record=record)])
    assert view.accuracy == reduce_all(LOG).accuracy


def test_a_long_curve_is_thinned_but_keeps_its_span_and_its_values() -> None:
    steps = 10_000
    view = reduce_all(Step(i=i, total=steps, forget_loss=float(i), lr=0.1, seconds=0.1) for i in range(1, steps + 1))
    curve = view.loss
    assert len(curve.i) <= bridge.MAX_POINTS
    assert curve.i[0] == 1
    assert curve.i[-1] > steps - 2 * curve.stride
    assert all(f == float(i) for i, f in zip(curve.i, curve.forget, strict=True))
    gaps = {b - a for a, b in zip(curve.i, curve.i[1:], strict=False)}
    assert gaps == {curve.stride}
    assert view.step == steps


def test_recorded_moments_keep_every_phase_and_every_preview() -> None:
    moments = list(bridge.moments([*LOG, Finished(steps=2)], every=2))
    assert [view.phase for _, view, _ in moments if view.phase] != []
    pictures = [moment["pictures"] for *_, moment in moments if moment.get("pictures")]
    assert pictures == [[[9, 7, 7, 0.97, "test", False]], [[9, 7, 5, 0.61, "test", False]]]
    assert {view.step for _, view, _ in moments} == {0, 2}
    assert [at for at, *_ in moments] == [
        at for at, e in enumerate([*LOG, None]) if not isinstance(e, Step) or e.i == 2
    ]
    assert all("loss" not in moment for *_, moment in moments)
