"""Whole runs of both latent models through the job book: what live view, Compare, files and imports then say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
import torch

from demos.jobs.book import Job, JobBook
from demos.live import payload as live
from demos.panel import ShownRun
from demos.records.imports import read_files
from demos.records.record import from_job
from demos.records.summary import of_record
from demos.result import recovery
from demos.result.export import config_json, events_jsonl, result_json
from demos.result.page import Compare, sections
from sfr_core import presets
from sfr_core.configs import RunConfig
from sfr_core.configs.recovery import Attack
from sfr_core.metrics.generation import Protocol
from sfr_core.plan import plan
from sfr_core.runs import evaluate
from sfr_core.zoo import shipped as zoo
from tests.demos.latent_models import DIT, SD, published
from tests.demos.shown_runs import context, ended

SMALL = {"steps": 2, "batch_size": 4, "fisher_batches": 1, "fisher_batch_size": 4}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Job]]:
    """A finished run of each, with few samples."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        for name in (DIT, SD):
            published(folder, name)
        patch.setattr(zoo, "MODELS", folder)
        patch.setattr(evaluate, "protocol_of", lambda _: Protocol(24, 2, 3.0))
        zoo.cards.cache_clear()
        book, found = JobBook(), {}
        for model, forget, redirect in ((DIT, "class:flags,hearts", ""), (SD, "concept:cat", "a flag")):
            settings = presets.resolve(model, "sfr-on", overrides=SMALL)
            config = RunConfig(
                model=model, forget=forget, method="sfr-on", settings=settings, redirect=redirect, device="cpu", precision="fp32",
            )  # fmt: skip
            job = ended(book.submit("1" * 32, plan(config)))
            assert job.state == "finished", job.error
            found[model] = job
        yield found
        patch.undo()
        zoo.cards.cache_clear()


@pytest.mark.parametrize("model", [DIT, SD])
def test_the_config_says_that_the_model_drew_its_own_pictures(jobs: dict[str, Job], model: str) -> None:
    job = jobs[model]
    assert job.config.data == "data-free"
    assert job.result is not None
    assert job.session is not None
    assert job.result.config == job.session.used.to_json()


@pytest.mark.parametrize("model", [DIT, SD])
def test_run_files_come_back_as_the_same_run(jobs: dict[str, Job], model: str, tmp_path: Path) -> None:
    record = from_job(jobs[model])
    for name, text in (("config", config_json(record)), ("result", result_json(record))):
        (tmp_path / f"{name}.json").write_text(text)
    (tmp_path / "events.jsonl").write_text(events_jsonl(record))
    again = read_files(sorted(tmp_path.iterdir()))
    assert (again.result, again.events, again.spec, again.roles) == (
        record.result,
        record.events,
        record.spec,
        record.roles,
    )
    assert again.class_names == record.class_names
    assert of_record(again) == of_record(record)


def test_rows_are_prompts_with_what_they_are_to_the_concept(jobs: dict[str, Job]) -> None:
    record = from_job(jobs[SD])
    view = live.of_record(jobs[SD].plan, list(record.events), "CPU", [0.0] * len(record.events))
    assert view["words"] == ["concept", "generator"]
    titles = [row["title"] for row in view["view"]["sheet"]["rows"]]
    assert titles[:3] == [
        "a cat (to forget)",
        "cat emoji (to forget)",
        "a picture of a cat (to forget, in other words)",
    ]
    assert "tiger (neighbour)" in titles
    assert json.loads(json.dumps(view)) == view


@pytest.mark.parametrize("model", [DIT, SD])
def test_compare_shows_the_run(jobs: dict[str, Job], model: str) -> None:
    record = from_job(jobs[model])
    run = ShownRun(context(), "test", record.key)
    with gr.Blocks() as page:  # on the page the parts are drawn when they are opened
        compare = Compare(run, record)
        opened = {section.name: section.draw(run, record) for section in sections(record)}
    value = {block.elem_id: getattr(block, "value", None) for block in page.blocks.values() if block.elem_id}
    of_prompts = ["bring-back", "agreement"] if model == SD else []
    assert list(opened) == [
        "numbers", "timeline", "samples", "saliency", "break-it", "draw-more", *of_prompts, "save"
    ]  # fmt: skip
    assert ("flags and hearts" if model == DIT else "cat") in str(compare.summary.value)
    assert ("Does it still draw it?" in value["test-shares"]) is (model == SD)
    assert ("prompt" in value["test-strips"]) is (model == SD)
    assert value["test-play-guidance"] == 3.0
    if model == SD:
        assert "Takes about" in value["test-recover-time"]


def test_an_attack_on_both_models_of_the_run(jobs: dict[str, Job]) -> None:
    job, slot = jobs[SD], threading.Lock()
    assert job.session is not None
    live = {name: value.clone() for name, value in job.session.task.model.state_dict().items()}
    how = Attack(steps=2, batch_size=2, samples=4)
    attack = ended(recovery.start(slot, job.session, how))
    assert attack.state == "done", attack.error
    assert not slot.locked()
    assert list(attack.outcomes) == ["after", "before"]
    assert attack.outcomes["after"].first_loss != attack.outcomes["before"].first_loss
    assert all(torch.equal(value, live[name]) for name, value in job.session.task.model.state_dict().items())
    _, text, expected, drawn = recovery.ended(from_job(job), attack)
    assert "of 4 samples" in text
    assert "Takes about" in expected
    assert drawn.count("<img ") == 2
    assert "Samples of the learned word from the original model: " in drawn
