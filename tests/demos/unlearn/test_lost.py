"""A browser that remembers a run of a server that was restarted, or of one that let it go: a sentence, and the settings in the form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from demos.app_builder import App, build_app
from demos.context import PageContext
from demos.jobs.book import Job, JobBook
from sfr_core.configs import RunConfig
from sfr_core.events import Event, Finished
from sfr_core.plan import plan

ANNA = {"visitor": "a" * 32, "job": "", "clock": 60}
CONFIG = RunConfig(
    model="fashion-mnist-ddpm", forget="class:Trouser", method="finetune", settings={"steps": 7}, seed=5
)  # fmt: skip
FILLED = "The server was restarted and this run is lost; its settings are in the form."


def backend(job: Job) -> Iterator[Event]:
    yield Finished(steps=0)


def context(book: JobBook | None = None) -> PageContext:
    import gradio as gr

    with gr.Blocks():
        return PageContext(book=book or JobBook(backend), browser=gr.BrowserState({}), job=gr.State(""))


@pytest.fixture(scope="module")
def app() -> App:
    return build_app(backend=backend)


def loaded(app: App, browser: Any) -> dict[str, Any]:
    """What a page that has loaded shows of itself, by the identifiers of its components."""
    (event,) = [each for each in app.demo.fns.values() if getattr(each.fn, "__name__", "") == "come_back"]
    updates = event.fn(browser, gr.Request())
    return {getattr(part, "elem_id", None) or type(part).__name__: value for part, value in updates.items()}


def remembered() -> dict[str, Any]:
    """What a browser keeps of a run on a server that is gone."""
    ctx = context()
    return ctx.show(ANNA, ctx.submit(ANNA, CONFIG))[0]


def test_what_the_browser_keeps_of_a_run() -> None:
    ctx = context()
    job = ctx.submit(ANNA, CONFIG)
    kept, job_id = ctx.show(ANNA, job)
    assert job_id == job.id
    assert (kept["visitor"], kept["job"], kept["clock"]) == (ANNA["visitor"], job.id, 60)
    assert RunConfig.from_json(kept["config"]) == CONFIG
    assert ctx.lost(kept) is None  # it is known
    assert ctx.show(kept, None)[0] == ANNA  # nothing is left once no run is shown


def test_another_process_and_one_that_let_the_run_go() -> None:
    ctx = context()
    job = ctx.submit(ANNA, CONFIG)
    kept, _ = ctx.show(ANNA, job)
    there = context().lost(kept)
    assert there is not None
    assert (there.config, there.restarted) == (CONFIG, True)
    del ctx.book._jobs[job.id]
    here = ctx.lost(kept)
    assert here is not None
    assert not here.restarted


def test_a_model_of_the_visitors_own_is_not_kept() -> None:
    ctx = context()
    run = plan(CONFIG)
    config = RunConfig(model="own:" + "0" * 32, forget="class:a", method="finetune", settings={})
    from dataclasses import replace

    job = Job("1" * 32, ANNA["visitor"], replace(run, config=config), created=0.0)  # type: ignore[arg-type]
    assert ctx.show(ANNA, job)[0]["config"] is None


def test_the_page_says_so_and_fills_the_form(app: App) -> None:
    kept = remembered()
    shown = loaded(app, kept)
    assert shown["lost"]["visible"]
    assert FILLED in shown["lost"]["value"]
    assert 'role="alert"' in shown["lost"]["value"]
    assert shown["model-picker"]["selected"] == [CONFIG.model]
    assert shown["class-picker"]["selected"] == ["Trouser"]
    settings = shown["settings"]["value"]
    assert (settings["method"], settings["changed"]["steps"], settings["run"]) == ("finetune", 7, {"seed": 5})
    assert shown["State"] == CONFIG.model
    assert shown["unlearn"].interactive
    # Gradio may load a page twice when a server comes back: it is said again, until the visitor does something.
    assert shown["BrowserState"] == kept
    assert FILLED in loaded(app, shown["BrowserState"])["lost"]["value"]
    assert context().show(kept, None)[0] == ANNA


@pytest.mark.parametrize(
    "config",
    [None, [], {}, "x" * 10_000, {"model": "x"}, {**CONFIG.to_json(), "seed": 1e30}, {**CONFIG.to_json(), "forget": "class:None"}],
)  # fmt: skip
def test_without_settings_it_only_says_so(app: App, config: Any) -> None:
    shown = loaded(app, {**remembered(), "config": config})
    assert "The server was restarted and this run is lost.<" in shown["lost"]["value"]
    assert "model-picker" not in shown


def test_a_new_visitor_reads_nothing_of_it(app: App) -> None:
    for browser in (ANNA, None, {}, {"visitor": "a" * 32, "job": 3}):
        assert not loaded(app, browser)["lost"]["visible"]
