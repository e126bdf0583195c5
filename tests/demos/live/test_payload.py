"""What the live component is given, for jobs in every state and for a recorded run."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demos.jobs.book import Job
from demos.live import payload as live
from demos.live import view as bridge
from demos.pictures import inline
from demos.text import live as live_text
from demos.text import unlearn as copy
from sfr_core.configs import RunConfig
from sfr_core.errors import AssetError
from sfr_core.events import Cancelled, Evaluated, Event, Finished, PhaseStarted, Prediction, Preview, Step, to_json
from sfr_core.plan import plan
from sfr_core.results import LiveRecord

MODEL = "fashion-mnist-resnet"
CONFIG = RunConfig(model=MODEL, forget="class:Sneaker", method="finetune", settings={})


def preview(i: int, predicted: int) -> Preview:
    return Preview(i=i, predictions=(Prediction(source="test", row=9, label=7, predicted=predicted, confidence=0.5),))


LOG: list[Event] = [
    PhaseStarted(phase="prepare", total=0),
    Evaluated(i=0, when="live", record=LiveRecord(forget=98.0, remain=99.0, n_forget=500, n_remain=500)),
    preview(0, 7),
    PhaseStarted(phase="unlearn", total=2),
    Step(i=1, total=2, forget_loss=1.0, remain_loss=0.5, lr=0.1, seconds=2.0),
    Step(i=2, total=2, forget_loss=2.0, remain_loss=0.5, lr=0.1, seconds=1.0),
    preview(2, 5),
    Finished(steps=2),
]


def job(**changes: object) -> Job:
    made = Job(id="0" * 32, visitor="1" * 32, plan=plan(CONFIG), created=100.0, started=110.0)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def shown(made: Job, events: list[Event], place: int = 0) -> dict[str, object]:
    return live.of_job(made, bridge.reduce_all(events), place=place, now=125.5, machine="CPU")


def test_lines_of_every_state() -> None:
    assert shown(job(state="queued", started=None), [], 3)["line"] == "Waiting: number 3 in the queue."
    assert shown(job(state="queued", started=None), [], 1)["line"] == live_text.STATE_LINES["queued_next"]
    assert shown(job(state="queued", started=None), [])["elapsed"] is None
    assert shown(job(state="running"), [])["line"] == live_text.STATE_LINES["starting"]
    running = shown(job(state="running"), LOG[:5])
    assert running["line"] == "Forgetting: step 1 of 2."
    assert running["elapsed"] == 15.5
    assert shown(job(state="running", stopping=True), LOG[:5])["line"] == live_text.STATE_LINES["stopping"]
    assert shown(job(state="finished", ended=112.0), LOG)["line"] == "Finished after 2 steps."
    assert shown(job(state="finished", ended=112.0), LOG)["elapsed"] == 2.0
    stopped = [*LOG[:5], Cancelled(steps=1)]
    assert shown(job(state="cancelled", ended=112.0), stopped)["line"] == "Stopped after step 1."
    assert shown(job(state="cancelled", settled="rolled back"), stopped)["line"] == copy.ROLLED_BACK
    untouched = job(state="cancelled", settled="rolled back")
    assert shown(untouched, [Cancelled(steps=0)])["line"] == "Stopped before the first step: the network is as it was."
    assert "time limit" in shown(untouched, [Cancelled(steps=0, reason="deadline")])["line"]
    assert (
        shown(job(state="failed", error="A loss is bad. Do this."), LOG[:5])["line"]
        == "Failed: A loss is bad. Do this."
    )


def test_the_value_is_json_with_pictures_and_no_id() -> None:
    value = shown(job(state="running"), LOG[:5])
    text = json.dumps(value)
    assert "0" * 32 not in text  # a job's id is the visitor's secret
    assert "1" * 32 not in text
    assert value["title"] == "Fine-tuning forgets Sneaker"
    assert value["forgotten"] == [7]
    uri = value["pictures"]["test:9"]  # type: ignore[index]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
    assert np.array_equal(picture, inline.dataset(MODEL).test.images[9, :, :, 0])
    states = {phase["id"]: phase["state"] for phase in value["view"]["phases"]}  # type: ignore[index]
    assert states["fisher"] == states["mask"] == "skipped"  # fine-tuning has neither


def test_words_for_every_kind_of_forget_set() -> None:
    def title(forget: str) -> str:
        config = RunConfig(model=MODEL, forget=forget, method="sfr-on", settings={})
        return live.title(config, plan(config).forget)

    assert title("class:Bag,Coat") == "SFR-on forgets Coat, Bag"
    assert title("random:0.1@3") == "SFR-on forgets a random 10 % of the training pictures (selection 3)"
    assert title("samples:4") == "SFR-on forgets 1 chosen picture"
    assert title("samples:4,9") == "SFR-on forgets 2 chosen pictures"


def test_a_recorded_run_ends_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    record = {
        "config": CONFIG.to_json(),
        "events": [to_json(e) for e in LOG],
        "times": [float(at) for at in range(len(LOG))],
        "machine": "a desk, 2 cores",
        "pictures": {},
    }
    path.write_text(json.dumps(record))
    run, value = live.recorded(path)
    assert run.config == CONFIG
    assert value["mode"] == "recorded"
    took = float(len(LOG) - 1)
    assert (
        f"recorded on a desk, 2 cores: it took {took:.1f} s including the comparison and plays here in" in value["note"]
    )
    assert value["note"].endswith(copy.duration(value["pace"] * len(value["frames"]) / 1000) + ".")
    assert value["frames"][-1]["line"] == "Finished after 2 steps."
    # Of a recording the rest is known: it gets less, and there is none at the end.
    left = [frame["left"] for frame in value["frames"]]
    assert left[:-1] == [took - frame["elapsed"] for frame in value["frames"][:-1]]
    assert left[-1] is None
    assert value["frames"][-1]["elapsed"] == value["took"] == took
    assert [frame["step"] for frame in value["frames"]] == sorted(frame["step"] for frame in value["frames"])
    assert value["view"]["loss"]["i"] == [1, 2]
    assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize("text", ["", "{}", '{"config": {}, "events": [], "machine": "", "times": []}', "[]"])
def test_a_damaged_record_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(AssetError, match=r"The recorded run .* cannot be read"):
        live.recorded(path)


def test_a_run_on_zerogpu_says_that_its_state_came_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(job(state="running"), LOG[:5])["note"] == ""
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert shown(job(state="running"), LOG[:5])["note"] == live_text.STATE_LINES["remote"]
    assert shown(job(state="queued", started=None), [])["note"] == ""
    assert shown(job(state="finished", ended=112.0), LOG)["note"] == "Scroll down to compare it with before."
