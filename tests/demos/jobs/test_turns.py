"""Whose run is next, on a clock moved by hand; what each has computed is worked out in the comments."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from demos.jobs.job import Job, Limits
from demos.jobs.turns import GUESS, HALF, Turns
from sfr_core.configs import RunConfig
from sfr_core.errors import Busy
from sfr_core.plan import plan

RUN = plan(RunConfig(model="fashion-mnist-resnet", forget="class:Sneaker", method="sfr-on", settings={}))


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class Queue:
    """Turns with jobs that are named by their visitor, so that an order reads as a word."""

    def __init__(self, **limits: float) -> None:
        self.clock = Clock()
        self.turns = Turns(Limits(**limits), self.clock)  # type: ignore[arg-type]
        self.n = 0

    def put(self, visitor: str, address: str = "") -> Job:
        self.n += 1
        self.turns.admit(address)
        job = Job(f"{self.n}", visitor, RUN, created=self.clock(), address=address)
        self.turns.put(job, contextvars.copy_context())
        return job

    def order(self) -> str:
        return "".join(job.visitor for job in self.turns.order())

    def run(self, seconds: float) -> str:
        """Lets the next one compute; its visitor."""
        job, _ = self.turns.next()
        self.clock.now += seconds
        self.turns.ended(job, seconds)
        return job.visitor


@pytest.fixture
def private() -> Queue:
    return Queue()


@pytest.fixture
def public() -> Queue:
    return Queue(public=True)


def test_of_equals_who_came_first_is_first(private: Queue) -> None:
    for visitor in "cab":
        private.put(visitor)
    assert private.order() == "cab"
    assert [private.run(10) for _ in "cab"] == ["c", "a", "b"]
    assert len(private.turns) == 0


def test_many_runs_of_one_visitor_let_others_pass(private: Queue) -> None:
    for visitor in "aaab":
        private.put(visitor)
    # a counts GUESS once its first has its turn, so b is next; then a and b are equal, and a came first.
    assert private.order() == "abaa"
    assert private.run(10) == "a"
    private.put("c")
    assert private.order() == "bcaa"


def test_a_long_run_counts_what_it_took(private: Queue) -> None:
    for visitor in "ab":
        private.put(visitor)
    private.run(300)
    private.run(5)
    for visitor in "aabb":
        private.put(visitor)
    # a has had 300 s, b has had 5 s; each turn counts 60 s: b 5, 65, then a.
    assert private.order() == "bbaa"


def test_while_it_computes_a_run_counts_what_is_expected(private: Queue) -> None:
    private.put("a")
    private.turns.next()
    for visitor in "ab":
        private.put(visitor)
    assert GUESS == 60.0
    assert private.order() == "ba"


def test_what_somebody_computed_is_forgotten_by_halves(private: Queue) -> None:
    private.put("a")
    private.run(400)
    private.put("b")
    private.clock.now += 2 * HALF  # of 400 s of a 100 are left
    private.run(50)
    for visitor in "ab":
        private.put(visitor)
    assert private.order() == "ba"
    private.turns.next()
    private.clock.now += 10 * HALF
    # of all of it less than a second, which counts no more as soon as somebody else has computed
    private.put("c")
    assert [private.run(10) for _ in "ac"] == ["c", "a"]
    assert private.turns._used.keys() == {"a", "c"}


def test_strangers_take_turns_by_address_whatever_their_tokens(public: Queue) -> None:
    for visitor in "abcd":
        public.put(visitor, "203.0.113.1")
    public.put("z", "203.0.113.2")
    assert public.order() == "azbcd"
    assert public.run(10) == "a"
    assert public.run(10) == "z"


def test_one_address_of_strangers_takes_a_third_of_the_places() -> None:
    public = Queue(public=True, queue=24)
    for n in range(8):
        public.put(str(n), "203.0.113.1")
    with pytest.raises(Busy, match="from your address"):
        public.put("x", "203.0.113.1")
    for other in range(2, 5):
        public.put("y", f"203.0.113.{other}")
    public.run(1)
    public.put("x", "203.0.113.1")


def test_thirty_students_behind_one_address_are_thirty_visitors(private: Queue) -> None:
    for _ in range(2):
        for n in range(30):
            private.put(chr(65 + n), "198.51.100.1")
    once = "".join(chr(65 + n) for n in range(30))
    assert private.order() == once + once
    assert "".join(private.run(20) for _ in range(60)) == once + once


@pytest.mark.parametrize("limits", [{}, {"public": True}])
def test_who_fills_the_queue_does_not_close_it_to_others(limits: dict[str, float]) -> None:
    queue = Queue(queue=6, spare=2, **limits)
    for n in range(2 if limits else 6):
        queue.put(f"{n}", "203.0.113.1")
    with pytest.raises(Busy):
        queue.put("x", "203.0.113.1")
    for n in range(2):
        queue.put("z", f"203.0.113.{n + 2}")
    assert queue.order()[1 if limits else -1] == "z"


def test_the_spare_places_are_one_for_each_address_and_not_without_end() -> None:
    queue = Queue(queue=2, spare=2)
    for n in range(2):
        queue.put(f"{n}", "203.0.113.1")
    queue.put("a", "203.0.113.2")
    for address in ("203.0.113.2", "203.0.113.1", ""):
        with pytest.raises(Busy, match="Too many runs are waiting here"):
            queue.put("b", address)
    queue.put("c", "203.0.113.3")
    with pytest.raises(Busy):
        queue.put("d", "203.0.113.4")


def test_who_stops_waiting_is_gone_from_the_order(private: Queue) -> None:
    jobs = [private.put(visitor) for visitor in "abc"]
    assert private.turns.remove(jobs[1])
    assert not private.turns.remove(jobs[1])
    assert private.order() == "ac"


@pytest.mark.parametrize("make", [Queue, lambda: Queue(public=True)])
def test_a_clock_that_goes_back_takes_nothing_from_anybody(make: Callable[[], Queue]) -> None:
    queue = make()
    queue.put("a", "203.0.113.1")
    queue.turns.next()
    queue.clock.now -= 500
    queue.turns.ended(Job("1", "a", RUN, created=0.0, address="203.0.113.1"), -500)
    for visitor, address in (("a", "203.0.113.1"), ("b", "203.0.113.2")):
        queue.put(visitor, address)
    assert queue.order() == "ab"
