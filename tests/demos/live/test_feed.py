"""Polls of a run: put together they are the whole value, whatever was drawn before."""

from __future__ import annotations

import builtins
import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demos.jobs.book import Job, JobBook
from demos.live import feed as feed
from demos.live import payload as live
from demos.live import view as bridge
from demos.live.feed import GONE, Feed
from sfr_core.configs import RunConfig
from sfr_core.events import Evaluated, Event, Finished, PhaseStarted, Prediction, Preview, Step
from sfr_core.plan import plan
from sfr_core.results import LiveRecord

CONFIG = RunConfig(model="fashion-mnist-resnet", forget="class:Sneaker", method="finetune", settings={})
VISITOR = "1" * 32


def preview(i: int, predicted: int) -> Preview:
    return Preview(i=i, predictions=(Prediction(source="test", row=9, label=7, predicted=predicted, confidence=0.5),))


LOG: list[Event] = [
    PhaseStarted(phase="prepare", total=0),
    Evaluated(i=0, when="live", record=LiveRecord(forget=98.0, remain=99.0, n_forget=500, n_remain=400)),
    preview(0, 7),
    PhaseStarted(phase="unlearn", total=3),
    Step(i=1, total=3, forget_loss=1.0, remain_loss=0.5, lr=0.1, seconds=2.0),
    Step(i=2, total=3, forget_loss=2.0, remain_loss=None, lr=0.1, seconds=1.0),
    preview(2, 5),
    Step(i=3, total=3, forget_loss=3.0, remain_loss=0.25, lr=0.1, seconds=1.0),
]


class Running:
    """A job whose events are let out one by one."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.book = JobBook(self._backend)
        self.feed = Feed(self.book)
        self.job = self.book.submit(VISITOR, plan(CONFIG))

    def _backend(self, job: Job) -> Iterator[Event]:
        for event in [*LOG, Finished(steps=3)]:
            self.gate.acquire()
            yield event

    def let(self, n: int) -> None:
        wanted = len(self.job.log) + n
        for _ in range(n):
            self.gate.release()
        end = time.monotonic() + 20
        while len(self.job.log) < wanted or (wanted > len(LOG) and self.job.active):
            assert time.monotonic() < end
            time.sleep(0.005)


@pytest.fixture
def running() -> Iterator[Running]:
    it = Running()
    yield it
    for _ in LOG:
        it.gate.release()
    it.gate.release()


class Screen:
    """What static/live.js does with the answers, written again."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = json.loads(json.dumps(value))
        self.view = self.value["view"]

    def have(self) -> dict[str, Any]:
        def last(name: str) -> Any:
            i = self.view[name]["i"]
            return [len(i), i[-1]] if i else None

        drawn = self.view["picturesAt"] if self.view["pictures"] else None
        images = bool(self.value["pictures"])
        return {
            "follow": self.value["follow"], "loss": last("loss"), "accuracy": last("accuracy"), "picturesAt": drawn,
            "images": images,
        }  # fmt: skip

    def draw(self, answer: dict[str, Any]) -> dict[str, Any]:
        answer = json.loads(json.dumps(answer))
        news = answer["view"]
        for name in ("loss", "accuracy"):
            more = news.pop(name)
            for key in ("i", "forget", "remain"):
                self.view[name][key] = self.view[name][key][: more["from"]] + more[key]
        self.view.update(news)
        if "images" in answer:
            self.value["pictures"] = answer["images"]
        self.value["line"], self.value["state"] = answer["line"], answer["state"]
        return answer


def test_polls_put_together_are_the_whole_value(running: Running) -> None:
    screen = Screen(running.feed.attach(running.job))
    assert screen.value["state"] in {"queued", "running"}
    for n in (1, 2, 0, 1, 2, 1, 1):
        running.let(n)
        screen.draw(running.feed.read(screen.have()))
        whole = running.feed.attach(running.job)
        for key in ("step", "steps", "loss", "accuracy", "n", "pictures", "picturesAt", "phases", "density"):
            assert screen.view[key] == whole["view"][key], key
        assert screen.value["pictures"] == whole["pictures"]
        assert screen.value["line"] == whole["line"]
    assert screen.view["loss"] == {"i": [1, 2, 3], "forget": [1.0, 2.0, 3.0], "remain": [0.5, None, 0.25]}
    assert screen.view["pictures"] == [[9, 7, 5, 0.5, "test", False]]


def test_what_is_drawn_does_not_travel_again(running: Running) -> None:
    screen = Screen(running.feed.attach(running.job))
    running.let(6)
    first = screen.draw(running.feed.read(screen.have()))
    assert list(first["images"]) == ["test:9"]
    again = running.feed.read(screen.have())
    assert "images" not in again
    assert "pictures" not in again["view"]
    assert again["view"]["loss"] == {"from": 2, "i": [], "forget": [], "remain": []}
    # A page that comes back after a reload has nothing and gets everything.
    fresh = Screen(running.feed.attach(running.job))
    assert fresh.view["loss"]["i"] == [1, 2]
    assert fresh.value["follow"] not in {"", screen.value["follow"]}


def test_a_handle_is_not_the_id_and_ends_with_the_run(running: Running) -> None:
    screen = Screen(running.feed.attach(running.job))
    assert running.job.id not in json.dumps(screen.value)
    assert VISITOR not in json.dumps(screen.value)
    running.let(len(LOG) + 1)
    assert running.feed.read(screen.have())["state"] == "finished"
    assert running.feed.attach(running.job)["follow"] == ""
    running.book.delete(VISITOR, running.job.id)
    assert running.feed.read(screen.have()) == GONE


@pytest.mark.parametrize("have", [None, [], "x", {}, {"follow": 3}, {"follow": "0" * 32}])
def test_nonsense_and_unknown_handles_are_answered(running: Running, have: Any) -> None:
    assert running.feed.read(have) == GONE


def test_too_many_pages_let_the_longest_unasked_attach_again(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "OPEN", 2)
    a, b = (Screen(running.feed.attach(running.job)) for _ in range(2))
    assert running.feed.read(a.have())["state"] != "gone"
    running.feed.attach(running.job)
    assert running.feed.read(b.have()) == GONE
    assert running.feed.read(a.have())["state"] != "gone"


@pytest.mark.parametrize("drawn", [None, [], [0, 0], [2, 7], [99, 1], ["2", 2], [2, 2, 2], [-1, 2], {"a": 1}, True])
def test_a_curve_that_was_not_drawn_so_is_sent_whole(drawn: Any) -> None:
    view = bridge.reduce_all(LOG)
    assert bridge.news(view, {"loss": drawn})["loss"]["from"] == 0
    assert bridge.news(view, {"loss": drawn})["loss"]["i"] == [1, 2, 3]


def test_a_thinned_curve_replaces_the_drawn_one() -> None:
    steps = [Step(i=i, total=2000, forget_loss=float(i), lr=0.1, seconds=0.1) for i in range(1, 2001)]
    before = bridge.reduce_all(steps[: bridge.MAX_POINTS])
    drawn = [len(before.loss.i), before.loss.i[-1]]
    after = bridge.reduce_all(steps[bridge.MAX_POINTS : bridge.MAX_POINTS + 5], before)
    news = bridge.news(after, {"loss": drawn})["loss"]
    assert news["from"] == 0
    assert news["i"] == list(after.loss.i)


def test_a_poll_marks_the_run_as_seen(running: Running) -> None:
    screen = Screen(running.feed.attach(running.job))
    running.job.seen = 0.0
    running.feed.read(screen.have())
    assert running.job.seen > 0.0
    assert live.poll(running.job, bridge.View(), {}, place=0, now=1.0, machine="m")["machine"] == "m"


def test_a_poll_reads_no_file_and_resolves_nothing(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan was made when the run was submitted; everything that reads or parses afterwards would be called here."""
    running.let(5)
    value = running.feed.attach(running.job)
    called: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        return lambda *args, **kwargs: called.append(name)

    for module in [m for name, m in sys.modules.items() if name.partition(".")[0] in ("demos", "sfr_core")]:
        for name in (
            "parse_forget",
            "split_rows",
            "plan",
            "plan_forget",
            "plan_prompts",
            "read_concepts",
            "open_dataset",
        ):
            if callable(getattr(module, name, None)):
                monkeypatch.setattr(module, name, counted(name))
    for owner, name in ((builtins, "open"), (io, "open"), (Path, "open"), (Path, "read_text"), (Path, "read_bytes")):
        monkeypatch.setattr(owner, name, counted(name))
    running.let(2)
    for _ in range(3):
        answer = running.feed.read({"follow": value["follow"], "images": value["pictures"]})
        assert answer["state"] == "running"
    assert called == []
