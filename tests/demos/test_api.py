"""The named endpoints with whatever a script sends: an answer or a short sentence."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import pytest

from demos import api
from demos.context import Refusal
from demos.jobs.book import Job, JobBook
from sfr_core.events import Event, Finished
from sfr_core.runs.race_record import Race

GOOD = {"model": "fashion-mnist-resnet", "forget": "class:Bag", "method": "finetune"}
LONG, DIGITS = "x" * 10_000, "9" * 5_000
HOSTILE: tuple[Any, ...] = (
    LONG, "x " * 5_000, None, [], {}, float("nan"), 1e30, 1.5, -1, True, 10**400, "1e30", "\0", "samples:@/etc/passwd",
    f"class:{LONG}", f"random:{LONG}", f"random:0.1@{DIGITS}", f"samples:{DIGITS}", f"concept:{LONG}", f"{LONG}:a",
    "local:x-0123456789ab", f"hub:{LONG}", "hub:a/b@main", "own:" + "0" * 32, "./x", [[[]]], {"a": {"b": 1}},
)  # fmt: skip
FIELDS = (
    "model", "forget", "method", "preset", "variant", "settings", "seed", "device", "precision", "data", "redirect", "memory",
    "threads", "schema", LONG,
)  # fmt: skip


@pytest.fixture(scope="module")
def endpoints() -> dict[str, Callable[..., Any]]:
    def backend(job: Job) -> Iterator[Event]:
        yield Finished(steps=0)

    with gr.Blocks() as demo:
        api.register(JobBook(backend))
    return {str(event.api_name): event.fn for event in demo.fns.values() if event.fn is not None}


def refused(call: Callable[[], Any]) -> str:
    """The sentence of a refusal, "" where there is an answer."""
    said = ""
    try:
        call()
    except Refusal as error:
        said = error.message
    assert len(said) < 3000
    assert not any(long in said for long in ("x" * 81, "x " * 41, "9" * 81)), said
    return said


def test_any_argument_of_any_endpoint(endpoints: dict[str, Callable[..., Any]]) -> None:
    made = endpoints["submit_run"](GOOD)
    job, visitor = made["job"], made["visitor"]
    for value in HOSTILE:
        assert refused(lambda: endpoints["run_events"](job, visitor, value))  # noqa: B023
        assert refused(lambda: endpoints["run_events"](value, visitor, 0))  # noqa: B023
        assert refused(lambda: endpoints["run_events"](job, value, 0))  # noqa: B023
        assert refused(lambda: endpoints["result"](value, value))  # noqa: B023
        assert refused(lambda: endpoints["stop_run"](value, value))  # noqa: B023
        assert refused(lambda: endpoints["list_methods"](value))  # noqa: B023
        assert refused(lambda: endpoints["submit_run"](value, value))  # noqa: B023
    assert endpoints["run_events"](job, visitor, 1_000)["events"] == []


def test_any_argument_of_the_endpoints_of_a_race(endpoints: dict[str, Callable[..., Any]]) -> None:
    of_race = {"model": "fashion-mnist-resnet", "forget": "class:Bag"}
    for value in HOSTILE:
        assert refused(lambda: endpoints["race"](value, value))  # noqa: B023
        assert refused(lambda: endpoints["stop_race"](value, value))  # noqa: B023
        assert refused(lambda: endpoints["submit_race"](value, ["finetune"], [0]))  # noqa: B023
        assert refused(lambda: endpoints["submit_race"](of_race, value, [0]))  # noqa: B023
        assert refused(lambda: endpoints["submit_race"](of_race, ["finetune"], value))  # noqa: B023
        assert refused(lambda: endpoints["submit_race"](of_race, [value], [0]))  # noqa: B023
        assert refused(lambda: endpoints["submit_race"](of_race, ["finetune"], [value]))  # noqa: B023
        for field in (*api.RACE_FIELDS, "settings", "method", LONG):
            assert refused(lambda: endpoints["submit_race"]({**of_race, field: value}, ["finetune"], [0]))  # noqa: B023
    for lacking in ("model", "forget"):
        rest = {name: value for name, value in of_race.items() if name != lacking}
        assert f"lacks '{lacking}'" in refused(lambda: endpoints["submit_race"](rest, ["finetune"], [0]))  # noqa: B023


def test_a_race_through_the_endpoints(endpoints: dict[str, Callable[..., Any]]) -> None:
    made = endpoints["submit_race"](
        {"model": "fashion-mnist-resnet", "forget": "class:Bag"}, ["finetune", "salun"], [0, 1]
    )
    assert re.fullmatch("[0-9a-f]{32}", made["race"])
    end = time.monotonic() + 60
    while (told := endpoints["race"](made["race"], made["visitor"]))["state"] in ("queued", "running"):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert told["state"] == "finished"
    assert (
        list(told["jobs"])
        == [row["entry"] for row in told["record"]["rows"]]
        == ["finetune-0", "salun-0", "finetune-1", "salun-1"]
    )
    assert Race.from_json(told["record"]).left == ()
    job = told["jobs"]["salun-1"]
    assert endpoints["run_events"](job, made["visitor"], 0)["state"] == "finished"
    assert endpoints["stop_race"](made["race"], made["visitor"]) == "finished"
    assert refused(lambda: endpoints["race"](made["race"], "f" * 32))


def test_any_value_of_any_field_of_a_config(endpoints: dict[str, Callable[..., Any]]) -> None:
    same = {("threads", "None"), ("settings", "{}")}  # as if they were not given
    for field in FIELDS:
        for value in HOSTILE:
            said = refused(lambda: endpoints["submit_run"]({**GOOD, field: value}))  # noqa: B023
            assert said or (field, str(value)) in same, (field[:10], str(value)[:40])
    for name in ("epochs", "lr", "optimizer", LONG):
        for value in HOSTILE:
            assert refused(lambda: endpoints["submit_run"]({**GOOD, "settings": {name: value}}))  # noqa: B023
