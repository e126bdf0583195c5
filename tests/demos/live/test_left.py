"""What is left of a run: all of it until the comparison is there, never nothing before, and no jump at the evaluation."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import pytest

from demos.live.left import LEAST, seconds_left
from demos.live.view import View, reduce, reduce_all
from sfr_core.cancel import CancelToken
from sfr_core.events import Event, Finished, PhaseProgress, PhaseStarted, Preview, Sheet, Step
from sfr_core.runs.expect import Expected
from sfr_core.runs.runner import run
from tests.core.tiny_run import tiny_session

EXPECTED = Expected(opening=2.0, own=4.0, fisher=6.0, steps=10.0, previews=2, preview=1.0, evaluate=15.0)
SHEET = Sheet(png="", side=1, columns=1, labels=(0,), accepted=(), steps=1, guidance=1.0)


def step(i: int) -> Step:
    return Step(i=i, total=10, lr=0.1, seconds=1.0)


# A run that goes just as expected: (seconds since its start, event).
AS_EXPECTED: list[tuple[float, Event]] = [
    (2.0, PhaseStarted(phase="prepare", total=2)),
    (3.0, Preview(i=0, sheet=SHEET)),
    (5.0, PhaseProgress(phase="prepare", done=1, total=2)),
    (7.0, PhaseProgress(phase="prepare", done=2, total=2)),
    (7.0, PhaseStarted(phase="fisher", total=1)),
    (10.0, PhaseProgress(phase="fisher", done=1, total=1)),
    (10.0, PhaseStarted(phase="fisher", total=1)),
    (13.0, PhaseProgress(phase="fisher", done=1, total=1)),
    (13.0, PhaseStarted(phase="mask", total=0)),
    (13.0, PhaseStarted(phase="unlearn", total=10)),
    *((13.0 + i, step(i)) for i in range(1, 6)),
    (19.0, Preview(i=5, sheet=SHEET)),
    *((14.0 + i, step(i)) for i in range(6, 11)),
    (25.0, Preview(i=10, sheet=SHEET)),
    (25.0, PhaseStarted(phase="evaluate", total=3)),
    (30.0, PhaseProgress(phase="evaluate", done=1, total=3)),
    (35.0, PhaseProgress(phase="evaluate", done=2, total=3)),
    (40.0, PhaseProgress(phase="evaluate", done=3, total=3)),
]


def test_a_run_that_goes_as_expected_ends_when_it_was_said_to() -> None:
    assert EXPECTED.seconds == 40.0
    view = View()
    assert seconds_left(EXPECTED, view, 0.0, None, 0.0) == 40.0
    assert seconds_left(EXPECTED, view, 1.5, None, 0.0) == 38.5
    assert seconds_left(EXPECTED, view, 9.0, None, 0.0) == 38.0  # the opening takes longer than expected
    for at, event in AS_EXPECTED:
        view = reduce(view, event)
        left = seconds_left(EXPECTED, view, at, 2.0, 0.0)
        assert left is not None
        assert math.isclose(left, max(LEAST, 40.0 - at)), (at, event)
    assert seconds_left(EXPECTED, view, 40.0, 2.0, 0.0) == LEAST  # nothing is over before the comparison is there
    assert seconds_left(EXPECTED, reduce(view, Finished(steps=10)), 40.0, 2.0, 0.0) is None


def test_between_two_events_it_counts_down_and_never_to_nothing() -> None:
    view = reduce_all([event for at, event in AS_EXPECTED if at <= 25.0])
    assert seconds_left(EXPECTED, view, 25.0, 2.0, 0.0) == pytest.approx(15.0)
    assert seconds_left(EXPECTED, view, 27.0, 2.0, 2.0) == pytest.approx(13.0)
    late = seconds_left(EXPECTED, view, 125.0, 2.0, 100.0)
    assert late == pytest.approx(1.5)  # a tenth of what was left


def test_steps_go_on_at_their_own_pace_and_the_rest_at_that_of_the_run() -> None:
    # All takes twice as long as expected after the opening: at 24 s five steps of 2 s each are done, and no preview after them.
    slow = [
        replace(event, seconds=2.0) if isinstance(event, Step) else event for at, event in AS_EXPECTED if at <= 18.0
    ]
    view = reduce_all(slow)
    at = 2.0 + 2 * (18.0 - 2.0)
    left = seconds_left(EXPECTED, view, at, 2.0, 0.0)
    slowness = (32.0 + 4.0) / (16.0 + 4.0)  # a tenth of the expected time counts as if it had gone by as expected
    assert left == pytest.approx(5 * 2.0 + slowness * (2 * 1.0 + 15.0))


def test_of_a_classifier_only_the_models_that_are_asked_take_time() -> None:
    one = replace(EXPECTED, units=1)
    view = reduce_all([event for at, event in AS_EXPECTED if at <= 25.0 and event != AS_EXPECTED[-4][1]])
    for done in (0, 3):  # three of four models are known: they are done at once, and all the time is still to come
        view = reduce(view, PhaseProgress(phase="evaluate", done=done, total=4))
        assert seconds_left(one, view, 25.0, 2.0, 0.0) == pytest.approx(15.0)
    view = reduce(view, PhaseProgress(phase="evaluate", done=4, total=4))
    assert seconds_left(one, view, 40.0, 2.0, 0.0) == LEAST


def test_over_a_whole_run_with_its_evaluation_what_is_left_gets_less(tmp_path: Path) -> None:
    session = tiny_session(tmp_path / "m", steps=20)
    log: list[tuple[float, Event]] = []
    started = time.perf_counter()
    for event in run(session, cancel=CancelToken()):
        log.append((time.perf_counter() - started, event))
    took, steps = log[-1][0], sum(event.seconds for _, event in log if isinstance(event, Step))
    previews = sum(isinstance(event, Preview) for _, event in log) - 1
    assert previews > 0
    told = Expected(
        opening=0.0,
        own=0.0,
        fisher=0.0,
        steps=steps,
        previews=previews,
        preview=0.3 * took / previews,
        evaluate=0.2 * took,
        units=3,
    )
    # Stretched to a minute, so that what is left stays above the least that is ever said.
    scale = 60.0 / took
    told = replace(told, steps=steps * scale, preview=told.preview * scale, evaluate=told.evaluate * scale)
    view, seen = View(), []
    for at, event in log[:-1]:
        view = reduce(view, replace(event, seconds=event.seconds * scale) if isinstance(event, Step) else event)
        left = seconds_left(told, view, at * scale, log[0][0] * scale, 0.0)
        assert left is not None
        assert left >= LEAST
        seen.append(left)
    tenths = [max(seen[i:]) for i in range(0, len(seen), max(1, len(seen) // 10))]
    assert tenths == sorted(tenths, reverse=True)
    at_evaluation = next(
        i for i, (_, event) in enumerate(log) if isinstance(event, PhaseStarted) and event.phase == "evaluate"
    )
    assert seen[at_evaluation] <= 1.1 * seen[at_evaluation - 1]
    assert seen[-1] < 0.2 * seen[0]
