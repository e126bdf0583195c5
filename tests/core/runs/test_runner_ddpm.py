"""A generator's run from start to end: the same runner and events as a classifier's, sheets, records, stops, files, memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.data.class_sets import SelfGenerated
from sfr_core.data.samples import sample_plan
from sfr_core.errors import InputError
from sfr_core.events import (
    Cancelled,
    Evaluated,
    Finished,
    PhaseProgress,
    PhaseStarted,
)
from sfr_core.metrics.generation import Protocol
from sfr_core.ops.device import resident_bytes
from sfr_core.ops.stepwise import drained
from sfr_core.results import GeneratorRecord, GeneratorReport
from sfr_core.runs import evaluate
from sfr_core.runs.files import CONFIG, EVENTS, WEIGHTS, write_run
from sfr_core.runs.race import unjudged
from sfr_core.runs.runner import run
from sfr_core.runs.sampling import draw
from sfr_core.runs.session import Retrained
from sfr_core.tasks import ddpm
from sfr_core.tasks.diffusion import DiffusionTask
from tests.core.runs.generators import NEVER, go, until
from tests.core.tiny import same, state
from tests.core.tiny_ddpm_run import FORGET, ddpm_retrained, ddpm_session
from tests.core.tiny_unet import ddpm_card, tiny_unet


def test_the_record_is_that_of_samples_drawn_by_the_plan(tmp_path: Path) -> None:
    session = ddpm_session(tmp_path / "m", "finetune")
    go(session, live_every=NEVER)
    task = session.task
    assert isinstance(task, DiffusionTask)
    assert session.result is not None
    protocol = Protocol(100, 4, 2.0)
    drawn = drained(draw(task, task.judge, sample_plan((3,), 10, protocol.n), protocol))
    assert session.result.after == drawn.record((3,))
    session.rollback()
    assert session.result is None


def test_records_of_the_card_spare_their_samples_but_not_the_pictures(tmp_path: Path) -> None:
    plain = ddpm_session(tmp_path / "m", "finetune")
    go(plain, live_every=NEVER)
    assert plain.result is not None
    known = plain.result.before
    assert isinstance(known, GeneratorRecord)
    card = ddpm_card(tmp_path / "n", source="own", records={FORGET: {"100@4": replace(known, FA=12.5)}})
    reference = ddpm_retrained(tmp_path / "n", records={"100@4": replace(known, FA=1.5)})
    session = ddpm_session(tmp_path / "n", "finetune", card=replace(card, retrained=(reference,)))
    events = go(session, live_every=NEVER)
    (total,) = [e.total for e in events if isinstance(e, PhaseStarted) and e.phase == "evaluate"]
    assert total == 4 + 4 + 8  # one batch each for the pictures, two for the record of after
    result = session.result
    assert result is not None
    assert (result.before.FA, result.retrained.FA) == (12.5, 1.5)  # type: ignore[union-attr]
    small, whole = session.reports["before"], plain.reports["before"]
    assert isinstance(small, GeneratorReport)
    assert isinstance(whole, GeneratorReport)
    # The same noise; another batch may round differently in the last bit.
    assert np.abs(small.images.astype(int) - whole.images.astype(int)).max() <= 1
    assert np.array_equal(session.reports["after"].labels, small.labels)  # type: ignore[union-attr]


@pytest.mark.parametrize("change", [{"n_samples": 99}, {"n_remain": 90}, {"sampler_steps": 20}, {"guidance": 3.0}])
def test_a_record_of_another_protocol_is_not_taken(tmp_path: Path, change: dict[str, Any]) -> None:
    session = ddpm_session(tmp_path / "m", "finetune")
    record = GeneratorRecord(
        FA=0.0, FA_softmax=0.0, accepted_any=0.0, JA_remain=0.0, FD_remain=0.0, judge_entropy=0.0, diversity=0.0,
        n_samples=100, n_remain=99, sampler_steps=4, guidance=2.0,
    )  # fmt: skip
    wanted = evaluate.plan((3,), 10, evaluate.protocol_of(session.card))
    for found, want in ((record, record), (replace(record, **change), None)):
        session.card = replace(session.card, records={FORGET: {"100@4": found}})
        assert evaluate.known_of(None, session, "before", wanted) == want


@pytest.mark.parametrize("method", ["joint", "salun", "selective-amnesia", "gradient-ascent"])
def test_other_methods_change_the_weights_of_the_same_task(method: str, tmp_path: Path) -> None:
    session = ddpm_session(tmp_path / "m", method)
    events = go(session, live_every=NEVER, evaluate=False)
    assert isinstance(events[-1], Finished)
    assert session.changed_tensors()


def test_without_data_the_run_begins_by_drawing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ddpm, "SELF_GENERATED", SelfGenerated(forget=4, remain=2, steps=4))
    session = ddpm_session(tmp_path / "m", data="data-free")
    events = go(session, live_every=NEVER, evaluate=False)
    assert [(e.done, e.total) for e in events if isinstance(e, PhaseProgress) and e.phase == "prepare"] == [
        (done, 8) for done in range(1, 9)
    ]  # fmt: skip
    first = state(session.task.model)
    assert go(session, live_every=NEVER, evaluate=False)[0] == PhaseStarted(phase="prepare", total=0)
    assert same(first, state(session.task.model))
    stopped = ddpm_session(tmp_path / "m", data="data-free", card=session.card)
    events = until(stopped, lambda e: isinstance(e, PhaseProgress) and e.done == 2)
    assert events[-2:] == [PhaseProgress(phase="prepare", done=2, total=8), Cancelled(steps=0)]
    assert stopped.changed_tensors() == {}


def test_a_generator_has_no_answers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Only a classifier"):
        ddpm_session(tmp_path / "m", "finetune").answers("before")


def test_a_run_that_is_stopped_while_it_is_measured_writes_its_weights(tmp_path: Path) -> None:
    theirs = Retrained(tiny_unet(seed=1).state_dict())
    session, cancel, events = ddpm_session(tmp_path / "m", "finetune", retrained=theirs), CancelToken(), []
    for event in run(session, cancel=cancel, live_every=NEVER):
        events.append(event)
        if isinstance(event, Evaluated) and event.when == "retrained":
            cancel.cancel()
    assert "retrained" in session.reports
    # Pictures stand beside the weights only of a generator that nobody judges.
    write_run(tmp_path / "out", session, events, None, samples=unjudged(session, None))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {CONFIG, EVENTS, WEIGHTS}


def test_a_model_that_the_visitor_retrained_is_the_reference(tmp_path: Path) -> None:
    theirs = Retrained(tiny_unet(seed=5).state_dict(), 77.0, 1500.0)
    session = ddpm_session(tmp_path / "m", "finetune", retrained=theirs)
    go(session, live_every=NEVER)
    assert session.result is not None
    assert session.result.retrained is not None
    assert (session.result.retrain_seconds, session.result.retrain_passes) == (77.0, 1500.0)
    again = session.reference("retrained")
    assert again is not None
    assert same(state(again), state(tiny_unet(seed=5)))


def test_the_config_says_data_free_only_where_it_is(tmp_path: Path) -> None:
    config = ddpm_session(tmp_path / "m").config
    assert "data" not in config.to_json()
    assert RunConfig.from_json(config.to_json()) == config
    free = replace(config, data="data-free")
    assert free.to_json()["data"] == "data-free"
    assert RunConfig.from_json(free.to_json()) == free


def test_ten_runs_do_not_grow(tmp_path: Path) -> None:
    card = ddpm_card(tmp_path / "m", source="own")
    sizes = []
    for seed in range(12):
        session = ddpm_session(tmp_path / "m", card=card, seed=seed, steps=2)
        list(run(session, cancel=CancelToken(), live_every=NEVER, evaluate=seed < 2))
        sizes.append(resident_bytes())
    # After two runs everything that is kept is there; ten more may shuffle the allocator's pages, not add a model each.
    assert max(sizes[2:]) - sizes[1] < 40e6
