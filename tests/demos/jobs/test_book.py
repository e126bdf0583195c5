"""The job book with backends of a few lines: real threads, real events, a clock moved by hand."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from demos.jobs.book import Job, JobBook, Limits
from sfr_core.configs import RunConfig
from sfr_core.errors import Busy, Diverged, InputError
from sfr_core.events import Cancelled, Event, Finished, Kept, PhaseStarted, Step
from sfr_core.plan import plan

CONFIG = RunConfig(model="fashion-mnist-resnet", forget="class:Sneaker", method="sfr-on", settings={})
RUN = plan(CONFIG)
ANN, BOB = "a" * 32, "b" * 32


@dataclass
class Weights:
    """The part of a session that the book touches: start weights, outcome, rollback."""

    size: int = 1000
    before: dict[str, np.ndarray] = field(init=False)
    after: dict[str, np.ndarray] | None = None
    live: float = 0.0

    def __post_init__(self) -> None:
        self.before = {"w": np.zeros(self.size, np.uint8)}

    def rollback(self) -> None:
        self.live, self.after = 0.0, None


def counting(steps: int, gate: threading.Semaphore | None = None) -> Callable[[Job], Iterator[Event]]:
    """A backend of `steps` steps that moves its weight by 1 each; it waits at `gate` before every step."""

    def backend(job: Job) -> Iterator[Event]:
        job.session = Weights()
        yield PhaseStarted(phase="unlearn", total=steps)
        for i in range(1, steps + 1):
            if gate is not None:
                gate.acquire(timeout=20)
            if job.cancel.cancelled:
                yield Cancelled(steps=i - 1, reason="deadline" if job.cancel.timed_out else "stopped")
                return
            job.session.live += 1
            yield Step(i=i, total=steps, lr=0.1, seconds=0.01)
        yield Finished(steps=steps)

    return backend


def make(backend: Callable[[Job], Iterator[Event]], **limits: float) -> JobBook:
    return JobBook(backend, limits=Limits(**limits))  # type: ignore[arg-type]


def wait(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.005)


def test_a_run_ends_with_its_log_and_times() -> None:
    book = make(counting(3))
    job = book.submit(ANN, RUN)
    wait(lambda: not job.active)
    assert job.state == "finished"
    assert [e.i for e in job.log if isinstance(e, Step)] == [1, 2, 3]
    assert isinstance(job.log[-1], Finished)
    assert job.started is not None
    assert job.ended is not None
    assert job.started <= job.ended


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_clock_that_is_set_stops_nothing_and_lets_nothing_take_a_day(
    jump: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, real = threading.Semaphore(0), time.time
    book = JobBook(counting(2, gate))
    first, second = book.submit(ANN, RUN), book.submit(ANN, RUN)
    gate.release()
    wait(lambda: len(first.log) > 1)
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    third = book.submit(ANN, RUN)
    book.sweep()
    for _ in range(10):
        gate.release()
    wait(lambda: not third.active)
    assert [job.state for job in (first, second, third)] == ["finished"] * 3
    assert all(0 <= (job.took or 0) < 60 for job in (first, second, third))
    assert all(0 <= seconds < 60 for seconds in first.times)
    assert book.runs(ANN) == [third, second, first]
    assert abs(third.created - first.created - jump) < 60  # what is shown is the clock on the wall


def test_ids_are_128_random_bits() -> None:
    book = make(counting(0), active_per_visitor=50)
    ids = {book.submit(ANN, RUN).id for _ in range(20)}
    assert len(ids) == 20
    assert all(re.fullmatch(r"[0-9a-f]{32}", i) for i in ids)


def test_only_one_run_computes_and_the_queue_knows_its_places() -> None:
    gate, inside, most = threading.Semaphore(0), [], []

    def backend(job: Job) -> Iterator[Event]:
        inside.append(job.id)
        most.append(len(inside))
        gate.acquire(timeout=20)
        yield Finished(steps=0)
        inside.remove(job.id)

    book = make(backend)
    jobs = [book.submit(visitor, RUN) for visitor in (ANN, BOB, ANN)]
    wait(lambda: inside == [jobs[0].id])  # its state says "running" a moment before it has the slot
    assert jobs[0].state == "running"
    assert [book.place(job.id) for job in jobs] == [0, 1, 2]
    assert book.slot.locked()
    gate.release()
    wait(lambda: jobs[1].state == "running")
    assert [book.place(job.id) for job in jobs] == [0, 0, 1]
    gate.release(2)
    wait(lambda: not any(job.active for job in jobs))
    assert max(most) == 1
    assert not book.slot.locked()


def test_stop_takes_effect_within_one_step_and_the_choice_is_kept_or_rolled_back() -> None:
    gate = threading.Semaphore(0)
    book = make(counting(50, gate))
    job = book.submit(ANN, RUN)
    gate.release(3)
    wait(lambda: sum(isinstance(e, Step) for e in job.log) == 3)
    book.stop(job.id)
    assert job.stopping
    assert job.state == "running"
    with pytest.raises(InputError, match="not ended"):
        book.rollback(job.id)
    gate.release(50)
    wait(lambda: not job.active)
    assert job.log[-1] == Cancelled(steps=3)
    assert job.state == "cancelled"
    assert not job.stopping
    assert job.session.live == 3
    book.keep(job.id)
    assert (job.settled, job.session.live) == ("kept", 3)
    book.rollback(job.id)
    assert (job.settled, job.session.live) == ("rolled back", 0)


def test_a_run_that_made_no_step_leaves_no_choice() -> None:
    gate = threading.Semaphore(0)
    book = make(counting(50, gate))
    job = book.submit(ANN, RUN)
    wait(lambda: job.state == "running" and bool(job.log))
    book.stop(job.id)
    gate.release(50)
    wait(lambda: not job.active)
    assert job.log[-1] == Cancelled(steps=0)
    assert (job.settled, job.session.live) == ("rolled back", 0)
    book.keep(job.id)
    assert job.settled == "rolled back"


def stopped_after(book: JobBook, gate: threading.Semaphore, steps: int) -> Job:
    """A run that was stopped and has weights to keep."""
    job = book.submit(ANN, RUN)
    gate.release(steps)
    wait(lambda: sum(isinstance(e, Step) for e in job.log) == steps)
    book.stop(job.id)
    gate.release(50)
    wait(lambda: not job.active)
    job.session.after = job.session.before
    return job


def test_what_is_kept_is_evaluated_and_the_run_stays_one_that_was_stopped() -> None:
    gate, measuring = threading.Semaphore(0), threading.Semaphore(0)
    learnt: list[Job] = []

    def evaluate(job: Job) -> Iterator[Event]:
        yield PhaseStarted(phase="evaluate", total=1)
        measuring.acquire(timeout=20)
        if job.cancel.cancelled:
            yield Cancelled(steps=2)
            return
        yield Finished(steps=2)

    now = [1000.0]
    book = JobBook(counting(50, gate), evaluate=evaluate, clock=lambda: now[0], on_end=learnt.append)
    job = stopped_after(book, gate, 2)
    wait(lambda: len(learnt) == 1)
    now[0] = 1500.0  # the visitor thinks it over
    book.keep(job.id)
    wait(lambda: job.log[-1] == PhaseStarted(phase="evaluate", total=1))
    assert (job.active, job.state, job.settled) == (True, "running", "kept")
    with pytest.raises(InputError, match="not ended"):
        book.rollback(job.id)
    now[0] = 1510.0
    measuring.release()
    wait(lambda: not job.active)
    assert (job.state, job.settled, job.session.live) == ("cancelled", "kept", 2)
    assert [type(e) for e in job.log[-3:]] == [Cancelled, PhaseStarted, Finished]
    assert job.ended is not None
    assert job.started is not None
    assert job.ended - job.started == 10.0  # the evaluation, not the time in between
    assert learnt == [job]  # such a run tells nothing about how long one takes


def test_the_evaluation_of_what_is_kept_may_fail_and_the_weights_stay() -> None:
    gate = threading.Semaphore(0)

    def evaluate(job: Job) -> Iterator[Event]:
        yield PhaseStarted(phase="evaluate", total=1)
        raise MemoryError

    book = JobBook(counting(50, gate), evaluate=evaluate)
    job = stopped_after(book, gate, 2)
    book.keep(job.id)
    wait(lambda: not job.active)
    assert (job.state, job.settled, job.session.live) == ("cancelled", "kept", 2)
    assert "too little memory" in str(job.error)


def test_a_moment_of_a_finished_run_is_kept_and_evaluated() -> None:
    outcomes: list[Event] = [Finished(steps=2), Cancelled(steps=1)]

    def evaluate(job: Job) -> Iterator[Event]:
        yield PhaseStarted(phase="evaluate", total=1)
        yield outcomes.pop(0)

    book = JobBook(counting(3), evaluate=evaluate)
    job = book.submit(ANN, RUN)
    wait(lambda: not job.active)
    taken: list[int] = []
    job.session.keep_moment = taken.append
    book.keep_moment(job.id, 2)
    wait(lambda: not job.active)
    assert (job.state, job.settled, taken) == ("finished", "kept", [2])
    assert job.log[-3:] == [Kept(steps=2), PhaseStarted(phase="evaluate", total=1), Finished(steps=2)]
    book.keep_moment(job.id, 1)  # its evaluation is stopped: the outcome is not measured
    wait(lambda: not job.active)
    assert (job.state, job.result, taken) == ("cancelled", None, [2, 1])
    book.free(job.id)
    with pytest.raises(InputError, match="not here"):
        book.keep_moment(job.id, 1)


def test_a_moment_that_is_not_held_changes_nothing() -> None:
    def refuse(step: int) -> None:
        raise InputError("The weights of this step are not held.")

    book = make(counting(1))
    job = book.submit(ANN, RUN)
    wait(lambda: not job.active)
    job.session.keep_moment = refuse
    with pytest.raises(InputError, match="not held"):
        book.keep_moment(job.id, 7)
    assert (job.state, job.settled, job.active) == ("finished", "", False)
    assert job.log[-1] == Finished(steps=1)


def test_the_evaluation_of_what_is_kept_can_be_stopped_while_it_waits() -> None:
    gate = threading.Semaphore(0)
    book = make(counting(1, gate))
    job = Job(
        id="1" * 32, visitor=ANN, plan=RUN, created=0.0, state="cancelled", started=1.0, ended=3.0, seen=time.time()
    )
    job.session, job.log = Weights(), [Cancelled(steps=2)]
    job.session.after = job.session.before
    book._jobs[job.id] = job
    running = book.submit(ANN, RUN)
    wait(lambda: running.state == "running")
    book.keep(job.id)
    assert (job.state, book.place(job.id)) == ("queued", 1)
    book.stop(job.id)
    assert (job.state, job.settled, job.log) == ("cancelled", "kept", [Cancelled(steps=2)])
    gate.release()
    wait(lambda: not running.active)


def test_stopping_a_waiting_run_ends_it_at_once() -> None:
    gate = threading.Semaphore(0)
    book = make(counting(1, gate))
    first, second = book.submit(ANN, RUN), book.submit(ANN, RUN)
    wait(lambda: first.state == "running")
    book.stop(second.id)
    assert second.state == "cancelled"
    assert second.log == [Cancelled(steps=0)]
    assert second.started is None
    gate.release(2)
    wait(lambda: not first.active)
    assert first.state == "finished"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (Diverged("A loss is no longer finite.", hint="Lower the learning rate."), "A loss is no longer finite. Lower"),
        (MemoryError(), "too little memory"),
        (ValueError("secret detail"), "failed unexpectedly (ValueError)"),
        (OSError(28, "No space left on device"), "The disk of this server is full. Try again"),
    ],
)
def test_a_failure_is_one_sentence_rolls_back_and_frees_the_slot(error: Exception, sentence: str) -> None:
    kept = []

    def backend(job: Job) -> Iterator[Event]:
        if kept:
            yield Finished(steps=0)
            return
        job.session = Weights()
        kept.append(job.session)
        job.session.live = 7.0
        yield PhaseStarted(phase="unlearn", total=1)
        raise error

    book = make(backend)
    bad, good = book.submit(ANN, RUN), book.submit(ANN, RUN)
    wait(lambda: not good.active)
    assert bad.state == "failed"
    assert bad.error is not None
    assert sentence in bad.error
    assert "secret" not in bad.error
    assert kept[0].live == 0.0
    assert bad.session is None
    assert good.state == "finished"


def test_a_visitor_sees_only_his_own_runs() -> None:
    book = make(counting(1))
    ann, bob = book.submit(ANN, RUN), book.submit(BOB, RUN)
    assert book.owned(ANN, ann.id) is ann
    assert book.owned(BOB, ann.id) is None
    assert book.owned("", ann.id) is None
    assert book.runs(BOB) == [bob]
    wait(lambda: not bob.active)
    with pytest.raises(InputError, match="known"):
        book.delete(ANN, bob.id)
    assert book.get(bob.id) is bob


def test_limits_per_visitor_and_of_the_queue() -> None:
    gate = threading.Semaphore(0)
    book = make(counting(1, gate), active_per_visitor=2, queue=2)
    first = book.submit(ANN, RUN)
    wait(lambda: first.state == "running")
    book.submit(ANN, RUN)
    with pytest.raises(Busy, match="already have 2"):
        book.submit(ANN, RUN)
    book.submit(BOB, RUN)
    with pytest.raises(Busy, match="Too many runs"):
        book.submit("c" * 32, RUN)
    gate.release(9)


def test_old_runs_of_a_visitor_are_forgotten() -> None:
    book = make(counting(0), kept_per_visitor=3)
    jobs = []
    for _ in range(5):
        jobs.append(book.submit(ANN, RUN))
        wait(lambda: not jobs[-1].active)
    assert [job.id for job in book.runs(ANN)] == [job.id for job in reversed(jobs[2:])]


def test_the_deadline_counts_from_the_start_of_the_run() -> None:
    def backend(job: Job) -> Iterator[Event]:
        i = 0
        while not job.cancel.cancelled:
            i += 1
            time.sleep(0.01)
            yield Step(i=i, total=10**6, lr=0.1, seconds=0.01)
        yield Cancelled(steps=i, reason="deadline" if job.cancel.timed_out else "stopped")

    book = make(backend, deadline=0.3)
    job = book.submit(ANN, RUN)
    wait(lambda: not job.active)
    last = job.log[-1]
    assert isinstance(last, Cancelled)
    assert last.reason == "deadline"
    assert last.steps > 1


def test_a_waiting_run_that_nobody_looks_at_goes_and_gives_its_place() -> None:
    now = [1000.0]
    gate = threading.Semaphore(0)
    book = JobBook(counting(1, gate), limits=Limits(queue=2), clock=lambda: now[0])
    running = book.submit(ANN, RUN)
    wait(lambda: running.state == "running")
    left, watched = book.submit(BOB, RUN), book.submit("c" * 32, RUN)
    now[0] += 60
    book.touch(watched.id)
    now[0] += 31  # 91 s after anybody looked at the first one
    book.submit("d" * 32, RUN)
    assert (left.state, watched.state, running.state) == ("cancelled", "queued", "running")
    gate.release(9)


def test_24_calls_with_fresh_tokens_leave_the_page_open_to_others() -> None:
    gate = threading.Semaphore(0)
    book = make(counting(1, gate))
    for n in range(24):
        book.submit(f"{n:032x}", RUN, "203.0.113.1")
    book.submit(BOB, RUN, "203.0.113.1")
    book.submit(ANN, RUN, "203.0.113.2")
    gate.release(99)


def test_among_strangers_the_next_run_is_of_another_address() -> None:
    gate, begun, now = threading.Semaphore(0), [], [1000.0]

    def backend(job: Job) -> Iterator[Event]:
        begun.append(job.address)
        gate.acquire(timeout=20)
        now[0] += 20.0
        yield Finished(steps=0)

    book = JobBook(backend, limits=Limits(public=True), clock=lambda: now[0])
    greedy = [book.submit(f"{n:032x}", RUN, "203.0.113.1") for n in range(3)]
    wait(lambda: len(begun) == 1)
    other = book.submit(ANN, RUN, "203.0.113.2")
    assert [book.place(job.id) for job in (*greedy, other)] == [0, 2, 3, 1]
    assert book.before(greedy[1].id) == [greedy[0], other]
    gate.release(9)
    wait(lambda: len(begun) == 4)
    assert begun == ["203.0.113.1", "203.0.113.2", "203.0.113.1", "203.0.113.1"]


def test_a_run_without_a_viewer_is_stopped_and_its_weights_are_freed_later() -> None:
    now = [1000.0]
    gate = threading.Semaphore(0)
    book = JobBook(counting(1000, gate), clock=lambda: now[0])
    job = book.submit(ANN, RUN)
    gate.release()
    wait(lambda: any(isinstance(e, Step) for e in job.log))
    now[0] += 9 * 60
    book.touch(job.id)
    now[0] += 9 * 60
    book.sweep()
    assert not job.stopping
    now[0] += 2 * 60
    book.sweep()
    gate.release(1000)
    wait(lambda: not job.active)
    assert job.state == "cancelled"
    assert job.session is not None
    now[0] += 31 * 60
    book.sweep()
    assert job.session is None
    assert job.freed
    assert job.log  # the record of the run stays
    with pytest.raises(InputError, match="freed"):
        book.rollback(job.id)


def test_a_run_larger_than_the_limit_stays_until_the_next_one_begins() -> None:
    def backend(job: Job) -> Iterator[Event]:
        job.session = Weights(size=1000)
        yield Finished(steps=0)

    book = JobBook(backend, limits=Limits(weights=100))
    first = book.submit(ANN, RUN)
    wait(lambda: not first.active)
    book.sweep()
    assert first.session is not None
    second = book.submit(BOB, RUN)
    wait(lambda: not second.active)
    book.sweep()
    assert (first.freed, second.session is not None) == (True, True)


def test_weights_over_the_limit_are_freed_longest_unseen_first() -> None:
    now = [0.0]

    def backend(job: Job) -> Iterator[Event]:
        job.session = Weights(size=1000)  # counted twice: the live model has its own copy
        yield Finished(steps=0)

    book = JobBook(backend, limits=Limits(weights=4500), clock=lambda: now[0])
    jobs = []
    for _ in range(3):
        now[0] += 1
        jobs.append(book.submit(ANN, RUN))
        wait(lambda: not jobs[-1].active)
        if len(jobs) == 2:
            now[0] += 1
            book.touch(jobs[0].id)
    wait(lambda: book.weights() <= 4500)
    assert [job.freed for job in jobs] == [False, True, False]
    assert book.weights() == 4000
