"""Who the visitor is, and which job he may see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from demos.context import PageContext, new_token, say
from demos.jobs.book import Job, JobBook, Limits
from demos.text import unlearn as copy
from sfr_core.configs import RunConfig
from sfr_core.errors import Diverged, InputError
from sfr_core.events import Event, Finished

CONFIG = RunConfig(model="fashion-mnist-resnet", forget="class:Bag", method="finetune", settings={})
ANNA, BERT = {"visitor": "a" * 32, "job": ""}, {"visitor": "b" * 32, "job": ""}


def backend(job: Job) -> Iterator[Event]:
    yield Finished(steps=0)


@pytest.fixture
def make() -> Callable[..., PageContext]:
    def context(**limits: Any) -> PageContext:
        book = JobBook(backend, limits=Limits(**limits))
        with gr.Blocks():
            return PageContext(book=book, browser=gr.BrowserState({}), job=gr.State(""))

    return context


def test_tokens_are_128_random_bits() -> None:
    made = {new_token() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[0-9a-f]{32}", token) for token in made)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "a" * 32,
        [],
        {},
        {"visitor": 3},
        {"visitor": "a" * 31},
        {"visitor": "A" * 32},
        {"visitor": "../" + "a" * 29},
    ],
)
def test_what_a_browser_sends_is_a_token_or_nobody(make: Callable[..., PageContext], sent: Any) -> None:
    ctx = make()
    assert ctx.visitor(sent) == ""
    assert ctx.job_of(sent, "a" * 32) is None
    with pytest.raises(gr.Error, match="has not finished loading"):
        ctx.submit(sent, CONFIG)


def test_a_job_belongs_to_the_one_who_started_it(make: Callable[..., PageContext]) -> None:
    ctx = make()
    job = ctx.submit(ANNA, CONFIG)
    assert ctx.job_of(ANNA, job.id) is job
    assert ctx.job_of(BERT, job.id) is None
    assert ctx.job_of(ANNA, "0" * 32) is None
    assert ctx.job_of(ANNA, None) is None
    assert ctx.job_of(ANNA, [job.id]) is None


def test_looking_marks_a_job_as_seen_but_a_stranger_does_not(make: Callable[..., PageContext]) -> None:
    ctx = make()
    job = ctx.submit(ANNA, CONFIG)
    job.seen = 0.0
    ctx.job_of(BERT, job.id)
    assert job.seen == 0.0
    before = ctx.book.now()
    ctx.job_of(ANNA, job.id)
    assert job.seen >= before - 1


def test_refusals_are_said_with_their_hint(make: Callable[..., PageContext]) -> None:
    ctx = make(active_per_visitor=0)
    with pytest.raises(gr.Error, match="Unknown model"):
        ctx.submit(ANNA, RunConfig(model="bad", forget="class:x", method="finetune", settings={}))
    with pytest.raises(gr.Error, match="waiting or running"):
        ctx.submit(ANNA, CONFIG)


def test_show_keeps_the_visitor_and_makes_one_for_nobody(make: Callable[..., PageContext]) -> None:
    ctx = make()
    job = ctx.submit(ANNA, CONFIG)
    about = {"server": ctx.server, "config": CONFIG.to_json()}
    assert ctx.show(ANNA, job) == ({"visitor": "a" * 32, "job": job.id, **about}, job.id)
    assert ctx.show(ANNA, None) == ({"visitor": "a" * 32, "job": ""}, "")
    value, job_id = ctx.show("nonsense", None)
    assert job_id == ""
    assert re.fullmatch(r"[0-9a-f]{32}", value["visitor"])


def test_a_browser_remembers_its_race_whatever_run_it_shows(make: Callable[..., PageContext]) -> None:
    ctx, asked = make(), {"methods": ["finetune"]}
    anna = ctx.with_race(ANNA | {"clock": 60}, asked)
    assert anna == {**ANNA, "clock": 60, "race": {"server": ctx.server, "asked": asked}}
    shown, _ = ctx.show(anna, ctx.submit(ANNA, CONFIG))
    assert shown["race"] == anna["race"]
    assert ctx.lost_race(shown) is None  # this process may know it, or has forgotten it in its time
    assert replace(ctx, server="b" * 32).lost_race(shown) == asked
    for value in (
        {},
        None,
        {**ANNA, "race": "0" * 32},
        {**ANNA, "race": {"server": 1}},
        {**ANNA, "race": {"asked": [1]}},
    ):
        assert ctx.lost_race(value) is None


def test_titles_tell_a_wrong_wish_from_a_failed_run() -> None:
    assert say(InputError("No.", hint="Yes.")).title == copy.TITLE_CANNOT
    failed = say(Diverged("The loss is not a number.", hint="Lower the rate."))
    assert failed.title == copy.TITLE_FAILED
    assert "Lower the rate." in str(failed.message)
