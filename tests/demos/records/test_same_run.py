"""One config, three ways (the runner that the command line uses, the named API, the ZeroGPU path): the same run."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from demos.unlearn import recorded
from sfr_core import presets
from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.events import Evaluated, Event, Finished, PhaseStarted, Step, to_json
from sfr_core.plan import plan
from sfr_core.runs import runner
from sfr_core.runs.session import Session
from sfr_core.zoo import shipped as zoo

assert "SPACES_ZERO_GPU" not in os.environ
MODEL = "fashion-mnist-resnet"
CONFIG = RunConfig(
    model=MODEL,
    forget="class:Sneaker,Bag",  # no retrained model is shipped for it, so nothing but the run itself is asked
    method="sfr-on",
    settings=presets.resolve(MODEL, "sfr-on", overrides={"steps": 2, "fisher_batches": 1, "batch_size": 16}),
    device="cpu",
    precision="fp32",
)
pytestmark = pytest.mark.timeout(240)


def timeless(data: Any) -> Any:
    """The JSON of an event or result without what may differ from run to run: times and memory."""
    if isinstance(data, dict):
        return {k: timeless(v) for k, v in data.items() if k not in {"seconds", "peak_memory_bytes"}}
    return [timeless(v) for v in data] if isinstance(data, list | tuple) else data


@pytest.fixture(scope="module", autouse=True)
def first_rows() -> Iterator[None]:
    """Whole records of 70,000 pictures take most of a minute three times over: the first of each set will do here."""
    data = zoo.open_dataset(zoo.card(MODEL))
    few = replace(
        data,
        train=replace(data.train, images=data.train.images[:3000], labels=data.train.labels[:3000]),
        test=replace(data.test, images=data.test.images[:500], labels=data.test.labels[:500]),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo, "_shipped_pictures", lambda _: few)
        patch.setattr(
            recorded, "read", lambda first: recorded.Recordings(first, ())
        )  # of pictures that are not there then
        yield


@pytest.fixture(scope="module")
def direct() -> tuple[Session, list[Event]]:
    session = Session.open(CONFIG)
    return session, list(runner.run(session, cancel=CancelToken()))


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    from gradio_client import Client

    from demos.app_builder import build_app

    app = build_app()
    _, url, _ = app.launch(prevent_thread_lock=True, server_port=None, quiet=True)
    yield Client(url, verbose=False, analytics_enabled=False)
    app.demo.close(verbose=False)


def test_the_api_is_small_named_and_frozen(client: Any) -> None:
    assert set(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == {
        "/list_models",
        "/list_methods",
        "/submit_run",
        "/run_events",
        "/result",
        "/stop_run",
        "/submit_race",
        "/race",
        "/stop_race",
    }


def test_models_and_methods_are_listed(client: Any) -> None:
    assert MODEL in [model["id"] for model in client.predict(api_name="/list_models")]
    listed = {method["id"]: method for method in client.predict(api_name="/list_methods")}
    assert next(iter(listed)) == "sfr-on"
    assert "alpha" in [s["name"] for s in listed["sfr-on"]["settings"]]


def test_a_run_by_the_api_is_the_run_of_the_runner(client: Any, direct: tuple[Session, list[Event]]) -> None:
    config = CONFIG.to_json()
    config["settings"] = {"steps": 2, "fisher_batches": 1, "batch_size": 16}  # the preset fills the rest
    answer = client.predict(config, "", api_name="/submit_run")
    job, visitor = answer["job"], answer["visitor"]
    assert client.predict(job, visitor, api_name="/result") is None
    events: list[Any] = []
    end = time.monotonic() + 200
    while True:
        part = client.predict(job, visitor, len(events), api_name="/run_events")
        events += part["events"]
        assert part["next"] == len(events)
        if part["state"] in {"finished", "failed", "cancelled"} and not part["events"]:
            break
        assert time.monotonic() < end
        time.sleep(0.2)
    assert part["state"] == "finished", part["error"]
    assert timeless(events) == timeless([to_json(event) for event in direct[1]])
    assert direct[0].result is not None
    assert timeless(client.predict(job, visitor, api_name="/result")) == timeless(direct[0].result.to_json())
    for stranger in ("", "f" * 32, visitor[:-1]):
        for name in ("/run_events", "/result", "/stop_run"):
            with pytest.raises(Exception, match="not known here"):
                client.predict(job, stranger, api_name=name)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"forget": "class:Sneakers"}, "Sneaker"),
        ({"forget": "samples:@/etc/passwd"}, "file"),
        ({"model": "nothing"}, "Unknown model"),
        ({"method": "magic"}, "Unknown method"),
        (
            {"settings": {"steps": 10**9}},
            "Steps must be a whole number between 1 and 20,000. You gave steps = 1000000000.",
        ),
        ({"settings": {"alpha": "NaN"}}, "Forgetting strength must be between 0 and 10,000. You gave alpha = 'NaN'."),
        ({"settings": {"stepz": 3}}, "Unknown field"),
        ({"settings": [1]}, r"The settings must be a table of fields.* You gave \[1\]"),
        ({"method": 3}, "The method must be a name. You gave 3"),
        ({"model": ""}, "The model must be a name. You gave ''"),
        ({"seed": -1}, "The seed must be a whole number between 0 and 2,147,483,647. You gave -1."),
        ({"device": "tpu"}, "Unknown device"),
        ({"colour": "red"}, "Unknown field"),
    ],
)
def test_the_server_refuses_what_no_slider_would_send(client: Any, changes: dict[str, Any], sentence: str) -> None:
    config = {"model": MODEL, "forget": "class:Bag", **changes}
    with pytest.raises(Exception, match=sentence):
        client.predict(config, "", api_name="/submit_run")


def test_the_zerogpu_path_is_the_same_run(direct: tuple[Session, list[Event]]) -> None:
    from demos.jobs import zerogpu
    from demos.jobs.book import Job

    job = Job(id="0" * 32, visitor="1" * 32, plan=plan(CONFIG), created=0.0)
    events = list(zerogpu.run_there(job))
    assert timeless([to_json(e) for e in events]) == timeless([to_json(e) for e in direct[1]])
    assert isinstance(events[-1], Finished)
    here = job.session
    assert here.after is not None
    assert direct[0].after is not None
    assert all(torch.equal(here.after[name], value) for name, value in direct[0].after.items())
    assert all(torch.equal(here.task.model.state_dict()[name], value) for name, value in here.after.items())
    assert set(here.reports) == set(direct[0].reports)
    here.rollback()
    assert all(torch.equal(here.task.model.state_dict()[name], value) for name, value in here.before.items())


def test_the_zerogpu_path_stops_at_its_next_event() -> None:
    from demos.jobs import zerogpu
    from demos.jobs.book import Job

    long = {**CONFIG.to_json(), "settings": {**CONFIG.settings, "steps": 500}}
    job = Job(id="0" * 32, visitor="1" * 32, plan=plan(RunConfig.from_json(long)), created=0.0)
    seen: list[Event] = []
    for event in zerogpu.run_there(job):
        seen.append(event)
        if isinstance(event, Step) and event.i == 2:
            job.cancel.cancel()
    assert [e.i for e in seen if isinstance(e, Step)] == [1, 2]
    assert type(seen[-1]).__name__ == "Cancelled"
    assert not any(isinstance(e, PhaseStarted) and e.phase == "evaluate" for e in seen)
    assert not any(isinstance(e, Evaluated) and e.when == "after" for e in seen)


def test_the_time_asked_for_on_zerogpu_fits_an_anonymous_visitor() -> None:
    from demos.jobs import zerogpu

    sent = pickle.loads(pickle.dumps(plan(CONFIG)))  # as the other process gets it
    assert (sent.method, zerogpu.seconds_needed(sent)) == (plan(CONFIG).method, zerogpu.seconds_needed(plan(CONFIG)))
    huge = plan(replace(CONFIG, settings={**CONFIG.settings, "steps": 20000}))
    assert zerogpu.SHORTEST <= zerogpu.seconds_needed(plan(CONFIG)) < zerogpu.seconds_needed(huge) == zerogpu.LONGEST
    assert 1.5 * zerogpu.LONGEST <= 120
