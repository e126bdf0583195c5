"""Polls of a race: put together they are the whole value, whatever was drawn before; a handle shows one race only."""

from __future__ import annotations

import json
from typing import Any

import pytest

from demos.live.feed import GONE, Feed
from demos.live.race_feed import RaceFeed
from sfr_core.runs.expect import Expected
from sfr_core.runs.race_record import RaceRow
from tests.demos.race_examples import ANN, Racing, plans, until


class Watched(Racing):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.feed = RaceFeed(self.book, Feed(self.book))
        self.race = self.book.races.submit(ANN, plans())

    def step(self, entry: str, i: int) -> None:
        """Lets a run come to its step i."""
        self.let()
        until(lambda: self.at(entry) >= i)

    def at(self, entry: str) -> int:
        job = self.book.get(self.race.jobs.get(entry, ""))
        return 0 if job is None else max((getattr(event, "i", 0) for event in job.log), default=0)


def drawn(value: dict[str, Any]) -> dict[str, Any]:
    """What a page that shows a value says of it at its next poll."""
    runs = {
        entry: {
            "state": run["state"], "picturesAt": run["picturesAt"],
            **{name: [len(run[name]["i"]), (run[name]["i"] or [0])[-1]] for name in ("loss", "accuracy")},
        }
        for entry, run in value["runs"].items()
    }  # fmt: skip
    return json.loads(json.dumps({"follow": value["follow"], "rows": len(value["rows"]), "runs": runs}))  # type: ignore[no-any-return]


def put_together(value: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The value with an answer's news, as the page keeps it."""
    runs = {entry: dict(run) for entry, run in value["runs"].items()}
    for entry, run in answer["runs"].items():
        for name in ("loss", "accuracy"):
            start, old = run[name]["from"], runs[entry][name]
            run[name] = {key: [*old[key][:start], *run[name][key]] for key in ("i", "forget", "remain")}
        runs[entry] |= run
    return {**value, **answer, "runs": runs, "rows": [*value["rows"], *answer["rows"]]}


STILL = ("elapsed", "left", "machine", "follow")
"""What two looks may say otherwise."""


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return {k: v for k, v in one.items() if k not in STILL} == {k: v for k, v in other.items() if k not in STILL}


def test_polls_put_together_are_the_whole_value() -> None:
    watched = Watched(open_gate=False, failing="salun")
    until(lambda: watched.made != [])
    value = watched.feed.attach(watched.race)
    assert next(iter(value["methods"].items())) == ("finetune", "Fine-tuning")
    assert (value["key"].startswith("race-"), value["rows"], value["model"]) == (True, [], "fashion-mnist-resnet")
    assert [run["state"] for run in value["runs"].values()] == ["running", "todo", "todo"]

    def caught_up() -> bool:
        nonlocal value
        value = put_together(value, watched.feed.read(drawn(value)))
        return same(value, watched.feed.attach(watched.race))

    for entry, i in (("finetune-0", 1), ("finetune-0", 2), ("finetune-0", 3), ("salun-0", 1)):
        watched.step(entry, i)
        until(caught_up)  # after its last step a run ends while it is being looked at
    assert value["line"].startswith("Run 2 of 3, SalUn with seed 0. Forgetting: step 1 of 3.")
    assert [run["state"] for run in value["runs"].values()] == ["done", "running", "todo"]
    assert value["runs"]["finetune-0"]["loss"]["forget"] == [1.0, 2.0, 3.0]
    assert [row["entry"] for row in value["rows"]] == ["finetune-0"]
    watched.free = True
    until(lambda: not watched.race.active)
    answer = watched.feed.read(drawn(value))
    assert "finetune-0" not in answer["runs"]  # it has ended, and the page knows
    value = put_together(value, answer)
    assert same(value, watched.feed.attach(watched.race))
    assert (value["state"], value["left"]) == ("finished", None)
    assert value["line"] == "All 3 runs have ended. One run failed."
    assert [run["state"] for run in value["runs"].values()] == ["done", "failed", "done"]
    assert value["runs"]["salun-0"]["said"].startswith("A loss is no longer finite.")
    assert value["runs"]["scrub-0"]["here"]
    assert watched.feed.attach(watched.race)["follow"] == ""  # nothing comes any more


def test_a_reload_shows_the_same_race() -> None:
    watched = Watched(open_gate=False)
    watched.step("finetune-0", 1)
    first, again = watched.feed.attach(watched.race), watched.feed.attach(watched.race)
    assert same(first, again)
    assert first["follow"] != again["follow"]
    assert watched.race.id not in json.dumps(first)
    assert not any(job_id in json.dumps(first) for job_id in watched.race.jobs.values())
    watched.book.races.stop(watched.race)
    until(lambda: not watched.race.active)
    assert (
        watched.feed.attach(watched.race)["line"] == "Stopped: 0 of 3 runs went to their end. Their results are kept."
    )


def test_rows_are_those_of_race_json() -> None:
    watched = Watched()
    until(lambda: not watched.race.active)
    rows = json.loads(json.dumps(watched.feed.attach(watched.race)["rows"]))
    assert rows == json.loads(json.dumps([row.to_json() for row in watched.race.rows.values()]))
    assert isinstance(watched.race.rows["salun-0"], RaceRow)


HOSTILE: tuple[Any, ...] = (
    None, [], "x", 7, {}, {"follow": None}, {"follow": "0" * 32}, {"follow": ["a"]}, {"follow": 3}, {"rows": 1},
)  # fmt: skip


@pytest.mark.parametrize("have", HOSTILE)
def test_a_handle_that_is_none_gets_nothing(have: Any) -> None:
    assert Watched().feed.read(have) == GONE


def test_whatever_a_page_says_that_it_has_drawn_it_gets_an_answer() -> None:
    watched = Watched(open_gate=False)
    watched.step("finetune-0", 1)
    whole = watched.feed.attach(watched.race)
    for runs in (None, [], 3, {"finetune-0": None}, {"finetune-0": {"loss": "x", "state": []}}, {"finetune-0": {"loss": [9, 9]}}, {"x": {}}):  # fmt: skip
        for rows in (None, -1, 10**9, "3", True, 1.5):
            answer = watched.feed.read({"follow": whole["follow"], "runs": runs, "rows": rows})
            assert answer["runs"]["finetune-0"]["loss"] == {"from": 0, **whole["runs"]["finetune-0"]["loss"]}
            assert answer["rows"] == []


def test_a_forgotten_run_keeps_its_row_and_says_that_it_is_gone() -> None:
    watched = Watched()
    until(lambda: not watched.race.active)
    watched.book.delete(ANN, watched.race.jobs["salun-0"])
    value = watched.feed.attach(watched.race)
    assert (value["runs"]["salun-0"]["state"], value["runs"]["salun-0"]["here"]) == ("done", False)
    assert len(value["rows"]) == 3


def test_left_is_the_time_of_all_runs_to_come() -> None:
    def expected(seconds: float) -> Expected:
        return Expected(opening=0.0, own=0.0, fisher=0.0, steps=seconds, previews=0, preview=0.0, evaluate=0.0)

    watched = Watched(open_gate=False)
    watched.step("finetune-0", 1)
    assert watched.feed.attach(watched.race)["left"] is None  # no pass was timed yet
    watched.book.races._expect = lambda runs: [expected(100.0 * i) for i, _ in enumerate(runs, 1)]
    job = watched.book.get(watched.race.jobs["finetune-0"])
    assert job is not None
    job.expected = expected(100.0)  # as its opening tells
    left = watched.feed.attach(watched.race)["left"]
    # Of the first run's 100 s two of three steps are left, at half or all of the expected pace; then 200 and 300 s.
    assert 500 + 33 <= left <= 500 + 67
