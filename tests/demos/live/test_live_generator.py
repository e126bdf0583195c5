"""A generator's live view: the sheet travels when it is new, phases say what is drawn, and frames keep the last sheet."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from demos.live import payload as live
from demos.live import view as bridge
from demos.plots.curves import overlay_figure, unit_of
from demos.records.record import RunRecord
from sfr_core.configs import RunConfig
from sfr_core.events import PhaseProgress, PhaseStarted, Step
from tests.demos.compare_examples import NAMES
from tests.demos.generator_examples import events, png

WORDS = bridge.Words((), NAMES, (0,))


def test_the_view_holds_the_last_sheet_and_its_step() -> None:
    view = bridge.reduce_all(events())
    assert view.sheet is not None
    assert (view.sheet.png, view.now_i) == (png(90), 4)
    assert view.now == ()
    assert (view.accuracy.forget, view.accuracy.remain) == ((100.0, 50.0, 0.0), (100.0, 75.0, 100.0))


def test_the_payload_names_the_rows() -> None:
    sent = bridge.payload(bridge.reduce_all(events()), WORDS)
    assert [row["name"] for row in sent["sheet"]["rows"]] == list(NAMES)
    assert sent["sheet"]["rows"][0]["signs"] == ["other", "none"]
    assert json.loads(json.dumps(sent)) == sent
    assert bridge.payload(bridge.View(), WORDS)["sheet"] is None


@pytest.mark.parametrize(("at", "sent"), [(None, True), (2, True), (4, False), ("4", True), ([4], True)])
def test_the_picture_travels_only_when_it_is_new(at: object, sent: bool) -> None:
    news = bridge.news(bridge.reduce_all(events()), {"picturesAt": at}, WORDS)
    assert ("sheet" in news) is sent
    assert ("picturesAt" in news) is sent
    assert "sheet" not in bridge.news(bridge.View(), {"picturesAt": None}, WORDS)


def test_frames_of_a_record_hold_each_sheet_once() -> None:
    frames = [moment for *_, moment in bridge.moments(events(), words=WORDS)]
    sheets = [frame["sheet"]["png"] for frame in frames if frame.get("sheet")]
    assert sheets == [png(10), png(40), png(90)]


def test_a_generators_phases_say_what_is_drawn() -> None:
    start = bridge.reduce(bridge.View(), PhaseStarted(phase="prepare", total=0))
    assert live.phase_line(start, True) == "Loading the weights and drawing the first samples."
    free = bridge.reduce(start, PhaseProgress(phase="prepare", done=3, total=90))
    assert "draws its own pictures to forget and to keep, step 3 of 90" in live.phase_line(free, True)
    judged = bridge.reduce(start, PhaseProgress(phase="evaluate", done=7, total=60))
    assert live.phase_line(judged, True) == "Drawing samples for the comparison, step 7 of 60."
    assert "all pictures" in live.phase_line(judged)


def test_a_step_that_leaves_forgetting_out_is_said_where_it_is_a_pause() -> None:
    begun = bridge.reduce(bridge.View(), PhaseStarted(phase="unlearn", total=9))
    forgot = bridge.reduce(begun, Step(i=1, total=9, forget_loss=2.0, remain_loss=1.0, lr=1e-4, seconds=0.1))
    left_out = bridge.reduce(forgot, Step(i=2, total=9, forget_loss=None, remain_loss=1.0, lr=1e-4, seconds=0.1))
    until = RunConfig(model="m", forget="class:0", method="sfr-on", settings={"forget_until": 0.1, "forget_every": 1})
    line = live.paused_line(until)
    said = [live.phase_line(view, True, line) for view in (begun, forgot, left_out)]
    assert said[:2] == ["Forgetting: step 0 of 9.", "Forgetting: step 1 of 9."]
    assert said[2].startswith("Repairing: step 2 of 9. Forgetting pauses")
    assert live.phase_line(left_out, True) == "Forgetting: step 2 of 9."
    ends = live.paused_line(replace(until, settings={"forget_steps": 5, "forget_every": 1}))
    assert live.paused_line(replace(until, settings={"forget_down_to": 0.02, "forget_every": 1})) == ends
    assert live.phase_line(left_out, True, ends).startswith("Repairing: step 2 of 9. Forgetting is finished")
    for settings in ({"forget_until": 0.1, "forget_every": 2}, {"forget_every": 1}):
        assert live.paused_line(replace(until, settings=settings)) == ""


def test_a_run_that_goes_a_share_of_the_way_names_its_loss_so() -> None:
    events_, settings = events(), {"forget_loss": "relative"}
    config = RunConfig(model="fashion-mnist-ddpm", forget="class:Bag", method="sfr-on", settings=settings)
    record = RunRecord(key="k", config=config, state="finished", events=tuple(events_))
    assert unit_of("forget loss", record) == "share of the way left"
    assert unit_of("remain loss", record) == "squared error"
    plain = replace(record, config=replace(config, settings={"forget_loss": "ascent"}))
    assert unit_of("forget loss", plain) == "squared error"
    title = overlay_figure([("ours", record), ("theirs", plain)], "forget loss").layout.title.text
    assert "share of the way left or squared error" in title
