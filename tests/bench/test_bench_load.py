"""The load benchmark: its numbers by hand, and a short crowd on the real page, whose runs keep a core busy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import psutil
import pytest

from bench import racing
from bench.load import crowd, met, sessions, table
from bench.visitors import Drawn, Page, Times, percentiles
from demos.app_builder import build_app
from demos.jobs import warm
from demos.jobs.book import Job
from sfr_core.events import Cancelled, Event, Finished, PhaseStarted, Step
from tests import loops

CONFIG = {
    "components": [
        {"id": 1, "type": "browserstate", "props": {"value": {"visitor": ""}}},
        {"id": 2, "type": "state", "props": {}},
        {"id": 3, "type": "html", "props": {"elem_id": "live", "value": "recorded"}},
        {"id": 4, "type": "slider", "props": {"elem_id": "share", "value": 10}},
    ],
    "dependencies": [
        {"id": 0, "targets": [[2, "change"]], "inputs": [1, 2], "outputs": [3], "backend_fn": True},
        {"id": 1, "targets": [[4, "change"], [3, "submit"]], "inputs": [4, 1], "outputs": [2, 3], "backend_fn": True},
        {"id": 2, "targets": [[4, "change"]], "inputs": [], "outputs": [], "backend_fn": False},
        {"id": 3, "targets": [[9, "load"]], "inputs": [1], "outputs": [1], "backend_fn": True},
    ],
}


@dataclass(frozen=True)
class InProcess:
    """The server as the benchmark knows one."""

    url: str

    def memory(self) -> int:
        return int(psutil.Process().memory_info().rss)


def burning(job: Job) -> Iterator[Event]:
    """Two seconds of a core, in steps of numpy's between which Python asks whether to stop."""
    yield PhaseStarted(phase="unlearn", total=40)
    numbers = np.random.default_rng(0).normal(size=(300, 300))
    for i in range(1, 41):
        until = time.perf_counter() + 0.05
        while time.perf_counter() < until:
            numbers = np.tanh(numbers @ numbers)
        yield Step(i=i, total=40, lr=0.1, seconds=0.05)
        if job.cancel.cancelled:
            yield Cancelled(steps=i)
            return
    yield Finished(steps=40)


@pytest.fixture(scope="module")
def server() -> Iterator[InProcess]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAYGROUND_PROXIES", "1")
        patch.setattr(warm, "up", lambda: None)  # no torch: nothing here needs it
        app = build_app(backend=burning)
        _, url, _ = app.launch(prevent_thread_lock=True, server_port=None, quiet=True)
        yield InProcess(url)
        app.demo.close()


def test_who_looks_does_not_wait_for_who_computes(server: InProcess) -> None:
    found = loops.run(crowd(server, lookers=5, runners=3, minutes=0.2, settle=1.0, thinking=(0.2, 0.6)))
    assert found["wrong"] == found["failed"] == []
    assert found["met"]["runs end"]
    assert found["runs"]["finished"] >= 1
    assert found["lost"] == 0
    # On a machine so busy that but one run had its turn nobody was told anything. No time is told, since nothing expects one here.
    assert found["queue"]["places_right"] in (None, 1.0)
    assert found["queue"]["times_told"] == 0
    # Other tests share the cores: the targets themselves are for the benchmark. Who waits behind a run waits for seconds.
    waits = {what: numbers["p50"] for what, numbers in found["looking"].items() if what != "load"}
    assert len(waits) >= 3
    assert max(waits.values()) < 1.0
    assert found["running"]["poll"]["p50"] < 1.0
    assert "| looking: GET / |" in table({"crowd": found})


def test_a_race_is_timed_beside_its_runs_alone_and_clicks_during_it(server: InProcess) -> None:
    config = {"model": "fashion-mnist-resnet", "forget": "class:Sneaker"}
    found = loops.run(racing.measured(server, ["finetune", "scrub"], config))
    assert found["wrong"] == []
    assert {name: one["state"] for name, one in found["alone"].items()} == {"finetune": "finished", "scrub": "finished"}
    assert found["state"] == "finished"
    assert min(one["seconds"] for one in found["alone"].values()) >= 2.0  # each is that long at least
    assert found["race_seconds"] >= 4.0
    assert found["of the sum"] == pytest.approx(found["race_seconds"] / found["sum_seconds"], abs=0.02)
    assert found["clicks"] >= 1
    assert "| as one race | finished |" in racing.table(found)
    with pytest.raises(RuntimeError):
        loops.run(racing.measured(server, ["finetune"], {"model": "fashion-mnist-resnet", "forget": "class:Nothing"}))


def test_pages_are_opened_and_left(server: InProcess) -> None:
    found = loops.run(sessions(server, 12, wait=0.0))
    assert found["wrong"] == []
    assert found["what"] == "12 pages opened and left"
    assert found["bytes_later"] < 60e6  # of this process, with all that the tests before left in it


def test_percentiles_are_ranks() -> None:
    assert percentiles([0.1 * n for n in range(1, 21)]) == {"n": 20, "p50": 1.1, "p95": 2.0, "max": 2.0}
    assert percentiles([3.0]) == {"n": 1, "p50": 3.0, "p95": 3.0, "max": 3.0}


def test_targets_are_of_the_slowest_twentieth() -> None:
    times = Times()
    times.seconds["GET /"] = [0.1] * 19 + [1.6]
    times.seconds["choose a"], times.seconds["choose b"] = [0.5], [0.9]
    assert met(times, ["finished", "cancelled"], 0, 1e6) == {
        "GET /": False,
        "choices": True,
        "runs end": True,
        "memory": True,
    }
    times.seconds["GET /"] = [0.1] * 39 + [1.6]
    times.seconds["choose b"] = [1.1]
    assert met(times, ["failed"], 0, 3e8) == {"GET /": True, "choices": False, "runs end": False, "memory": False}


def test_a_visitor_sends_what_a_browser_would() -> None:
    page = Page(CONFIG)
    assert [one["id"] for one in page.heard("share", "change")] == [1]
    assert [one["id"] for one in page.heard("", "load")] == [3]
    (attach,) = page.takes("state", "live")
    assert attach["id"] == 0
    assert page.sent(CONFIG["dependencies"][1], {"visitor": "me"}) == [10, {"visitor": "me"}]  # type: ignore[arg-type]
    assert page.written(page.listeners[1], {"output": {"data": ["a", "b"]}}, "live") == "b"


def test_a_view_tells_what_it_has_drawn() -> None:
    drawn = Drawn("handle")
    nothing = {"follow": "handle", "loss": None, "accuracy": None, "picturesAt": None, "images": False}
    assert drawn.have() == nothing
    drawn.take({"view": {"loss": {"from": 2, "i": [30, 40, 50]}, "accuracy": {"from": 0, "i": []}}, "images": []})
    assert drawn.have() == {**nothing, "loss": [5, 50], "images": True}
    drawn.take({"view": {"picturesAt": 7}})
    assert drawn.have()["picturesAt"] == 7
