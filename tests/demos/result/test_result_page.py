"""Handlers of Compare, Break it and Runs without a browser: whose run it is, what is offered, what is listed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from demos.context import PageContext
from demos.jobs.book import Job, JobBook
from demos.records.record import from_job
from demos.result import page as compare
from demos.result.break_it import broken_config, comparable, overlay, parts_of, stop_button
from demos.result.values import found, gallery, saliency, second_choices
from demos.runs import page as runs
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.events import Event
from tests.demos.compare_examples import config, events, planned, record

ANN, BOB = {"visitor": "a" * 32, "job": ""}, {"visitor": "b" * 32, "job": ""}


def recorded(job: Job) -> Iterator[Event]:
    """A backend that says what the example run said."""
    yield from events()


@pytest.fixture
def page() -> Any:
    book = JobBook(recorded)
    with gr.Blocks():
        ctx = PageContext(book=book, browser=gr.BrowserState({}), job=gr.State(""))
        with gr.Tab("Runs"):
            tab = runs.build(ctx)
        part = compare.build(ctx)
    return ctx, part, tab


def finished(book: JobBook, browser: dict[str, str], **changes: Any) -> Job:
    job = book.submit(browser["visitor"], planned(config(**changes)))
    while job.active:
        pass
    return job


def test_only_the_owner_reads_a_run(page: Any) -> None:
    ctx, part, _ = page
    job = finished(ctx.book, ANN)
    assert part.record(ANN, job.id).key == job.id
    for browser in (BOB, {}, None, {"visitor": "a"}):
        with pytest.raises(gr.Error, match="not known here"):
            part.record(browser, job.id)
    for key in ("", None, "import-1", ["x"], {"a": 1}):
        with pytest.raises(gr.Error):
            part.record(ANN, key)


def test_only_the_owner_saves_and_every_kind_is_asked_for(page: Any) -> None:
    ctx, part, _ = page
    job = finished(ctx.book, ANN)
    assert Path(part._saver("csv")(ANN, job.id)).read_text().startswith("metric,before")
    with pytest.raises(gr.Error, match="not known here"):
        part._saver("csv")(BOB, job.id)
    with pytest.raises(gr.Error, match="not in memory"):
        part._saver("weights")(ANN, job.id)
    assert set(part.save) == set(compare.KINDS)


def test_updates_and_cleared_speak_of_the_same_components(page: Any) -> None:
    ctx, part, _ = page
    updates = part.updates(finished(ctx.book, ANN))
    assert set(updates) == set(part.cleared()) == set(part.outputs)
    assert "Forgot class:Cat" not in updates[part.summary]
    assert "Forgot Cat (97 to 0\u00a0%" in updates[part.summary]


def test_a_job_becomes_a_record_with_its_whole_log(page: Any) -> None:
    ctx, _, _ = page
    job = finished(ctx.book, ANN)
    seen = from_job(job)
    assert seen.events == events()
    assert seen.result == record().result
    assert seen.dataset is None  # the zoo has no such model, so there are no pictures


def test_switches_are_offered_while_they_are_on() -> None:
    assert parts_of(config()) == ("mask", "adaptive", "alternate")
    assert parts_of(config(settings=SFRonConfig(mask=False).to_dict())) == ("adaptive", "alternate")
    assert parts_of(config(method="finetune", settings={"lr": 0.1})) == ()


def test_a_broken_run_differs_in_one_switch_and_keeps_the_seed() -> None:
    broken = broken_config(config(), "mask")
    assert broken.settings == {**config().settings, "mask": False}
    assert (broken.seed, broken.forget, broken.method) == (7, "class:Cat", "sfr-on")
    with pytest.raises(KeyError):
        broken_config(broken, "mask")
    with pytest.raises(KeyError):
        broken_config(config(), "lr")


def test_the_overlay_names_every_run_and_where_it_ended() -> None:
    figure, table = overlay(record(), {"mask": record(result=None)}, "remain loss")
    assert [trace.name for trace in figure["value"].data] == ["as it was", "no mask"]
    assert "no mask" in table
    assert "n = 2 and 4" in table


def test_values_for_the_components_follow_the_record() -> None:
    assert [value for _, value in second_choices(record())] == ["after", "change", "retrained"]
    pictures = gallery(record(), found(record(), "over"))
    assert [caption for _, caption in pictures] == ["Dog → Owl 60\u00a0%", "Owl → Dog 50\u00a0%"]
    assert pictures[0][0].shape == (8, 8, 3)
    assert (pictures[0][0][:4, :4] == record().dataset.test.images[3, 0, 0]).all()  # type: ignore[union-attr]
    assert "9</b> of 10" in saliency(record(), 0)[0]
    assert "1</b> of 10" in saliency(record(), 99)[0]
    assert "no saliency mask" in saliency(record(events=()), None)[0]


def test_the_list_holds_only_this_visitors_runs(page: Any) -> None:
    ctx, _, tab = page
    first, second = finished(ctx.book, ANN), finished(ctx.book, ANN, seed=8)
    finished(ctx.book, BOB)
    table, a, b, diff, *_ = tab.listed(ANN, None, None)
    assert [key for _, key in a["choices"]] == [second.id, first.id]
    assert {a["value"], b["value"]} == {first.id, second.id}
    assert table.count("<tr>") == 3
    assert ">seed<" in diff
    table, *_, look, delete = tab.listed({"visitor": "c" * 32}, None, None)
    assert "No runs yet" in table
    assert look["interactive"] is delete["interactive"] is False  # there is nothing that they could do


def test_choices_stay_where_they_are_and_never_meet(page: Any) -> None:
    ctx, _, tab = page
    first, second = finished(ctx.book, ANN), finished(ctx.book, ANN)
    _, a, b, *_ = tab.listed(ANN, first.id, first.id)
    assert "value" not in a  # it stays what it is in the browser by then
    assert b["value"] == second.id
    _, a, b, *_ = tab.listed(ANN, "gone", second.id)
    assert (a["value"], b["value"]) == (second.id, first.id)


def test_nothing_is_chosen_after_a_deletion(page: Any) -> None:
    ctx, _, tab = page
    first = finished(ctx.book, ANN)
    _, a, b, _, *buttons = tab.after_deletion(ANN, first.id)
    assert a["value"] is None
    assert "value" not in b
    assert [button["interactive"] for button in buttons] == [False, False, False]


def test_what_can_be_done_with_a_run_follows_from_its_state(page: Any) -> None:
    ctx, _, tab = page
    job = finished(ctx.book, ANN)
    assert [button["interactive"] for button in tab.listed(ANN, job.id, None)[4:]] == [True, False, True]
    job.state = "running"
    assert [button["interactive"] for button in tab.listed(ANN, job.id, None)[4:]] == [True, True, False]


def test_broken_runs_are_found_again_by_what_they_switch_off(page: Any) -> None:
    ctx, part, _ = page
    whole = finished(ctx.book, ANN)
    assert part.breaker.broken(ANN, whole.config) == {}
    finished(ctx.book, ANN, settings=SFRonConfig(mask=False, steps=1).to_dict())
    assert part.breaker.broken(ANN, whole.config) == {}  # it differs in more than the part
    older, newer, other = (
        finished(ctx.book, ANN, settings=broken_config(whole.config, part).settings)
        for part in ("mask", "mask", "adaptive")
    )
    assert older.id != newer.id
    assert part.breaker.broken(ANN, whole.config) == {"mask": newer, "adaptive": other}
    assert part.breaker.broken(BOB, whole.config) == {}


def test_only_what_made_a_step_is_laid_over_and_only_what_runs_can_be_stopped(page: Any) -> None:
    ctx, _, _ = page
    done = finished(ctx.book, ANN)
    empty, busy = (Job(id=str(k) * 32, visitor="a" * 32, plan=planned(done.config), created=0.0) for k in (1, 2))
    empty.state, busy.state = "cancelled", "running"
    assert comparable({"mask": done, "adaptive": empty, "alternate": busy}) == {"mask": done}
    assert not stop_button({"mask": done, "adaptive": empty})["visible"]
    assert stop_button({"alternate": busy})["interactive"]
    busy.stopping = True
    assert not stop_button({"alternate": busy})["interactive"]


def test_a_title_tells_a_broken_run_from_a_whole_one() -> None:
    assert runs.title_of(record()) == "22:13:20 UTC · SFR-on · Cat · Quick, seed 7"
    broken = record(config=config(settings=SFRonConfig(mask=False).to_dict()))
    assert "SFR-on, no mask · Cat" in runs.title_of(broken)


def test_deleting_takes_only_an_ended_run_of_the_owner(page: Any) -> None:
    ctx, _, _ = page
    job = finished(ctx.book, ANN)
    with pytest.raises(Exception, match="no longer known"):
        ctx.book.delete(BOB["visitor"], job.id)
    ctx.book.delete(ANN["visitor"], job.id)
    assert ctx.book.get(job.id) is None
