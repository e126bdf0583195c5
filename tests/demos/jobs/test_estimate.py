"""The expected time as the page tells it: on the tile, beside the button, in the queue, and corrected by the run itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demos.jobs import estimate, warm
from demos.jobs.book import Job, JobBook
from demos.jobs.estimate import Timing
from demos.live.feed import Feed
from demos.unlearn import cards, reference
from demos.unlearn.form_settings import default_run
from sfr_core import presets
from sfr_core.configs import RunConfig
from sfr_core.events import Event, Finished, PhaseStarted
from sfr_core.plan import RunPlan, plan
from sfr_core.runs import expect, pace
from sfr_core.runs.expect import Expected, expected
from sfr_core.runs.pace import FILE, Paces, Ran, Rates
from sfr_core.runs.runner import run as run_session
from tests.core.tiny import tiny_dataset
from tests.core.tiny_run import tiny_session

MODEL = "fashion-mnist-resnet"
RATES = Rates(train=0.002, forward=0.0005, look=0.0, opening=2.0, precision="fp32")
ALONE = Expected(opening=2.0, own=0.0, fisher=0.0, steps=30.0, previews=0, preview=4.0, evaluate=4.0)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paces:
    """The only paces of this process, with torch loaded and passes of a known time."""
    found = Paces(tmp_path / FILE)
    monkeypatch.setattr(pace, "paces", lambda: found)
    monkeypatch.setattr(pace, "timed_rates", lambda session, opening: RATES)
    warm.load(diffusers=False)
    return found


def small_run() -> RunPlan:
    small = {"steps": 2, "forget_every": 1, "batch_size": 4, "mask": False}
    settings = presets.resolve(MODEL, "sfr-on", overrides=small)
    return plan(RunConfig(model=MODEL, forget="class:Sneaker", method="sfr-on", settings=settings, precision="fp32"))


def test_nothing_is_told_before_torch_is_there_or_a_pass_was_timed(
    kept: Paces, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = default_run(MODEL)
    assert estimate.expect(run) is None
    assert "not known yet" in reference.describe(lambda: run)[0]
    assert cards.times([MODEL]) == {MODEL: ""}
    monkeypatch.setattr(warm, "loaded", threading.Event())
    assert (estimate.expect(run), estimate.drawn(run, 4), estimate.attack(run)) == (None, None, None)


def test_tile_and_button_show_the_same_time(kept: Paces) -> None:
    Timing().work([default_run(MODEL)], threading.Lock(), lambda: False)
    found = expected(default_run(MODEL), kept)
    assert found is not None
    # 19,840 passes of the steps and 2,024 of the mask, 20 looks at 512 pictures, and three models asked about 20,000.
    assert found.seconds == pytest.approx(2.0 + 0.002 * (19_840 + 2_024) + 0.0005 * (20 * 512 + 3 * 20_000))
    assert cards.times([MODEL]) == {MODEL: "about 1 min"}
    assert "<b>about 1 min</b>" in reference.describe(lambda: default_run(MODEL))[0]


def test_the_models_are_not_timed_while_a_run_waits_or_computes(kept: Paces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "PATIENCE", 0.01)
    busy, asked = [True, True, True, False, False], []
    slot = threading.Lock()

    def is_busy() -> bool:
        asked.append(slot.locked())
        return busy.pop(0)

    timing = Timing()
    timing.work([default_run(MODEL)], slot, is_busy)
    assert asked == [False, False, False, False, True]  # again once the model is open, with the slot in hand
    assert kept.of(default_run(MODEL)) is not None
    assert timing.going is False
    assert not slot.locked()


def test_a_run_times_its_model_itself_and_teaches_when_it_ends(
    kept: Paces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expect, "open_dataset", lambda card: tiny_dataset())
    session = tiny_session(tmp_path / "m", mask=False, steps=4, forget_every=1, batch_size=4)

    def backend(job: Job) -> Iterator[Event]:
        job.expected = estimate.opened(session, 0.25)
        yield from run_session(session, cancel=job.cancel)

    book = JobBook(backend, on_end=estimate.learn)
    job = book.submit("1" * 32, session.plan)
    until(lambda: not job.active and (found := kept.of(job.plan)) is not None and found.runs)
    assert job.state == "finished", job.error
    assert job.expected is not None
    assert job.expected.opening == 0.25
    assert job.took == pytest.approx(job.times[-1], abs=0.5)
    assert (job.times, len(job.times)) == (sorted(job.times), len(job.log))
    found = kept.of(job.plan)
    assert found is not None
    assert job.result is not None
    assert job.took is not None
    (ran,) = found.runs
    passes = 4 * 4 + 4 * 4
    assert ran == Ran(
        name="sfr-on",
        method=pytest.approx(job.result.seconds / (passes * 0.002)),
        rest=pytest.approx((job.took - job.times[0] - job.result.seconds) / job.expected.rest),
    )
    assert found.rates.opening == job.times[0]
    # The next one is told from what this one took.
    again = estimate.expect(job.plan)
    assert again is not None
    assert again.method == pytest.approx(job.result.seconds)
    assert again.seconds == pytest.approx(job.took)
    # A run that was stopped, or that nothing was told of, teaches nothing.
    job.state = "cancelled"
    estimate.learn(job)
    job.state, job.expected = "finished", None
    estimate.learn(job)
    assert kept.of(job.plan) == found


class Held:
    """A book whose runs go on when they are told to."""

    def __init__(self) -> None:
        self.gate, self.now = threading.Semaphore(0), 100.0
        self.book = JobBook(self._backend, clock=lambda: self.now, expect=lambda run: ALONE)

    def _backend(self, job: Job) -> Iterator[Event]:
        for event in (PhaseStarted(phase="prepare", total=0), Finished(steps=2)):
            self.gate.acquire()
            yield event


def until(true: Any) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_who_waits_is_told_when_the_run_begins_and_when_it_is_done() -> None:
    held = Held()
    first, second, third = (held.book.submit(str(n) * 32, small_run()) for n in (1, 2, 3))
    until(lambda: first.state == "running")
    held.now += 1.0  # one second of its opening is over
    feed = Feed(held.book)
    assert ALONE.seconds == 40.0
    assert held.book.before(third.id) == [first, second]
    shown = feed.attach(third)
    assert shown["line"] == "Waiting: number 2 in the queue. It begins in about 1 min."  # 39 and 40 s
    assert shown["left"] == 39.0 + 40.0 + 40.0
    assert feed.attach(second)["left"] == 39.0 + 40.0
    running = feed.attach(first)
    assert (running["elapsed"], running["left"]) == (1.0, 39.0)
    held.gate.release(6)
    until(lambda: not held.book.busy)
    assert feed.attach(third)["left"] is None
    assert held.book.before(third.id) == []
