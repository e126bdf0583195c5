"""Handlers of Compare, Break it and Runs without a browser: whose run it is, what is offered, what is listed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import gradio as gr
import pytest
from gradio.context import Context

from demos.context import PageContext
from demos.jobs.book import Job, JobBook
from demos.panel import ShownRun
from demos.records.record import from_job
from demos.result.break_it import BreakIt, broken_config, comparable, overlay, parts_of, stop_button
from demos.result.classifier import found, gallery, second_choices
from demos.result.export import Kind
from demos.result.page import Compare, Result, sections
from demos.result.parts import saliency, saver
from demos.runs import page as runs
from demos.text import result as texts
from sfr_core.catalog.sfron import SFRonConfig
from tests.demos.compare_examples import config, events, planned, record
from tests.demos.shown_runs import ANN, BOB, context, ended


@pytest.fixture
def ctx() -> Iterator[PageContext]:
    """A page whose runs say what the example run said."""
    with gr.Blocks():
        yield context(events)


@pytest.fixture
def book(ctx: PageContext) -> JobBook:
    return ctx.book


@pytest.fixture
def tab(ctx: PageContext, book: JobBook) -> runs.Runs:
    with gr.Tab("Runs") as item:
        return runs.Runs(ctx, item)


def finished(book: JobBook, browser: dict[str, str], **changes: Any) -> Job:
    job: Job = ended(book.submit(browser["visitor"], planned(config(**changes))))
    return job


def test_only_the_owner_reads_a_run(ctx: PageContext, book: JobBook) -> None:
    job = finished(book, ANN)
    assert ShownRun(ctx, "test", job.id).record(ANN).key == job.id
    for browser in (BOB, {}, None, {"visitor": "a"}):
        with pytest.raises(gr.Error, match="no longer known here"):
            ShownRun(ctx, "test", job.id).record(browser)
    for key in ("", "import-1"):
        with pytest.raises(gr.Error):
            ShownRun(ctx, "test", key).record(ANN)


def test_only_the_owner_saves_and_every_kind_is_offered(ctx: PageContext, book: JobBook) -> None:
    job = finished(book, ANN)
    shown = ShownRun(ctx, "test", job.id)
    assert Path(saver(shown, "csv")(ANN)).read_text().startswith("metric,before")
    with pytest.raises(gr.Error, match="no longer known here"):
        saver(shown, "csv")(BOB)
    with pytest.raises(gr.Error, match="no longer in memory"):
        saver(shown, "weights")(ANN)
    assert set(texts.SAVE_BUTTONS) == set(get_args(Kind))


def test_a_run_begins_with_its_summary(ctx: PageContext, book: JobBook) -> None:
    job = finished(book, ANN)
    summary = Compare(ShownRun(ctx, "test", job.id), from_job(job)).summary.value
    assert "forgot class:Cat" not in summary
    assert "SFR-on forgot Cat: test accuracy on it went from 97 to 0\u00a0%" in summary


def test_a_result_that_cannot_be_drawn_says_so(
    ctx: PageContext, book: JobBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = finished(book, ANN)
    page = Context.root_block
    assert page is not None
    result = Result(ctx)

    def said(browser: dict[str, str]) -> str:
        result._draw(browser, result.show(browser, job.id))
        shown = {part.elem_id: part for part in page.blocks.values()}
        assert not shown["compare-box"].visible
        return str(shown["compare-failed"].value)

    assert texts.NOT_YOURS in said(BOB)
    monkeypatch.setattr("demos.result.page.lines", lambda record: 1 // 0)
    assert "This failed unexpectedly (ZeroDivisionError)." in said(ANN)


def test_what_is_folded_follows_the_kind_and_can_be_drawn(ctx: PageContext, book: JobBook) -> None:
    job = finished(book, ANN)
    names = ["numbers", "timeline", "classes", "single", "saliency", "break-it", "save"]
    assert [section.name for section in sections(record())] == names
    for section in sections(record()):
        section.draw(ShownRun(ctx, "test", job.id), from_job(job))  # pictures and predictions are gone here
        section.draw(ShownRun(ctx, "test", job.id), record())


def test_a_job_becomes_a_record_with_its_whole_log(book: JobBook) -> None:
    job = finished(book, ANN)
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


def test_the_list_holds_only_this_visitors_runs(book: JobBook, tab: runs.Runs) -> None:
    first, second = finished(book, ANN), finished(book, ANN, seed=8)
    finished(book, BOB)
    table, a, b, diff, *_ = tab.listed(ANN, None, None)
    assert [key for _, key in a["choices"]] == [second.id, first.id]
    assert {a["value"], b["value"]} == {first.id, second.id}
    assert table.count("<tr>") == 3
    assert ">seed<" in diff
    table, *_, look, delete = tab.listed({"visitor": "c" * 32}, None, None)
    assert "No runs yet" in table
    assert look["interactive"] is delete["interactive"] is False  # there is nothing that they could do


def test_choices_stay_where_they_are_and_never_meet(book: JobBook, tab: runs.Runs) -> None:
    first, second = finished(book, ANN), finished(book, ANN)
    _, a, b, *_ = tab.listed(ANN, first.id, first.id)
    assert "value" not in a  # it stays what it is in the browser by then
    assert b["value"] == second.id
    _, a, b, *_ = tab.listed(ANN, "gone", second.id)
    assert (a["value"], b["value"]) == (second.id, first.id)


def test_nothing_is_chosen_after_a_deletion(book: JobBook, tab: runs.Runs) -> None:
    first = finished(book, ANN)
    _, a, b, _, *buttons = tab.after_deletion(ANN, first.id)
    assert a["value"] is None
    assert "value" not in b
    assert [button["interactive"] for button in buttons] == [False, False, False]


def test_what_can_be_done_with_a_run_follows_from_its_state(book: JobBook, tab: runs.Runs) -> None:
    job = finished(book, ANN)
    assert [button["interactive"] for button in tab.listed(ANN, job.id, None)[4:]] == [True, False, True]
    job.state = "running"
    assert [button["interactive"] for button in tab.listed(ANN, job.id, None)[4:]] == [True, True, False]


def test_broken_runs_are_found_again_by_what_they_switch_off(ctx: PageContext, book: JobBook) -> None:
    whole = finished(book, ANN)
    breaker = BreakIt(ShownRun(ctx, "test", whole.id), record())
    assert breaker.broken(ANN, whole.config) == {}
    finished(book, ANN, settings=SFRonConfig(mask=False, steps=1).to_dict())
    assert breaker.broken(ANN, whole.config) == {}  # it differs in more than the part
    older, newer, other = (
        finished(book, ANN, settings=broken_config(whole.config, part).settings)
        for part in ("mask", "mask", "adaptive")
    )
    assert older.id != newer.id
    assert breaker.broken(ANN, whole.config) == {"mask": newer, "adaptive": other}
    assert breaker.broken(BOB, whole.config) == {}


def test_only_what_made_a_step_is_laid_over_and_only_what_runs_can_be_stopped(book: JobBook) -> None:
    done = finished(book, ANN)
    empty, busy = (Job(id=str(k) * 32, visitor="a" * 32, plan=planned(done.config), created=0.0) for k in (1, 2))
    empty.state, busy.state = "cancelled", "running"
    assert comparable({"mask": done, "adaptive": empty, "alternate": busy}) == {"mask": done}
    assert not stop_button({"mask": done, "adaptive": empty})["visible"]
    assert stop_button({"alternate": busy})["interactive"]
    busy.stopping = True
    assert not stop_button({"alternate": busy})["interactive"]


def test_a_title_tells_a_broken_run_from_a_whole_one() -> None:
    assert runs.title_of(record()) == "22:13:20 UTC · SFR-on · Cat · Quick, seed 7"
    india = timezone(timedelta(hours=5, minutes=30))
    assert runs.title_of(record(), india).startswith("03:43:20 · ")  # the clock on the visitor's wall needs no name
    broken = record(config=config(settings=SFRonConfig(mask=False).to_dict()))
    assert "SFR-on, no mask · Cat" in runs.title_of(broken)


def test_the_visitors_clock_is_kept_with_the_token_and_checked(ctx: PageContext) -> None:
    browser = {**ANN, "clock": 330}
    assert ctx.zone(browser) == timezone(timedelta(hours=5, minutes=30))
    assert ctx.show(browser, None) == ({**browser, "job": ""}, "")
    for bad in ({}, {"clock": None}, {"clock": "5"}, {"clock": 900}, {"clock": float("nan")}, {"clock": True}, None):
        assert ctx.zone(bad) is None
    assert ctx.show(ANN, None)[0] == {**ANN, "job": ""}


def test_deleting_takes_only_an_ended_run_of_the_owner(book: JobBook) -> None:
    job = finished(book, ANN)
    with pytest.raises(Exception, match="no longer known"):
        book.delete(BOB["visitor"], job.id)
    book.delete(ANN["visitor"], job.id)
    assert book.get(job.id) is None
