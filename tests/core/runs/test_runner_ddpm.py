"""A generator's run from start to end: the same runner and events as a classifier's, sheets, records, stops, files, memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.data.class_sets import SelfGenerated
from sfr_core.errors import InputError, SpecError
from sfr_core.events import (
    Cancelled,
    Evaluated,
    Event,
    Finished,
    MaskReady,
    PhaseProgress,
    PhaseStarted,
    Preview,
    Step,
    from_json,
    to_json,
)
from sfr_core.metrics.generation import Protocol, sample_plan
from sfr_core.ops.device import resident_bytes
from sfr_core.ops.stepwise import drained
from sfr_core.results import GeneratorRecord, GeneratorReport, RunResult
from sfr_core.runs import evaluate
from sfr_core.runs.files import read_config, read_events, read_result, read_weights, write_run
from sfr_core.runs.runner import run
from sfr_core.runs.sampling import SHOWN_FORGET, SHOWN_REMAIN, draw
from sfr_core.runs.session import Retrained, Session
from sfr_core.tasks import ddpm
from sfr_core.tasks.diffusion import DiffusionTask
from tests.core.grammar import check_grammar
from tests.core.tiny import same, state
from tests.core.tiny_ddpm_run import FORGET, SMALL_DDPM, ddpm_gold, ddpm_session
from tests.core.tiny_unet import ddpm_card, tiny_unet

NEVER = 10**6
SHOWN = SHOWN_FORGET + 9 * SHOWN_REMAIN
"""Pictures of a report; they fit one batch, and the whole record's 199 need two."""


def go(session: Session, **options: Any) -> list[Event]:
    events = list(run(session, cancel=CancelToken(), **options))
    check_grammar(events)
    return events


def until(session: Session, stop: Callable[[Event], bool]) -> list[Event]:
    """Presses Stop at the first event for which `stop` is true; the events from there on."""
    token, after, pressed = CancelToken(), [], False
    for event in run(session, cancel=token, live_every=NEVER):
        if pressed:
            after.append(event)
        elif stop(event):
            token.cancel()
            pressed = True
    return after


def test_a_whole_run_with_everything(tmp_path: Path) -> None:
    card = ddpm_card(tmp_path / "m", source="own")
    session = ddpm_session(tmp_path / "m", card=replace(card, retrained=(ddpm_gold(tmp_path / "m"),)))
    held = torch.random.get_rng_state()
    events = go(session, live_every=2)
    assert torch.equal(held, torch.random.get_rng_state())
    for event in events:
        assert from_json(json.loads(json.dumps(to_json(event), allow_nan=False))) == event
    # 6 pictures to forget are one Fisher batch, of 54 others two are asked for; 3 x (2 batches x 4 sampler steps).
    phases = [(e.phase, e.total) for e in events if isinstance(e, PhaseStarted)]
    assert phases == [("prepare", 0), ("fisher", 1), ("fisher", 2), ("mask", 0), ("unlearn", 4), ("evaluate", 24)]
    assert [e.i for e in events if isinstance(e, Preview)] == [0, 2, 4]
    assert all(e.sheet is not None and not e.predictions for e in events if isinstance(e, Preview))
    found = [(e.when, e.i) for e in events if isinstance(e, Evaluated)]
    assert found == [("live", 0), ("live", 2), ("live", 4), ("retrained", 0), ("before", 0), ("after", 4)]
    assert len([e for e in events if isinstance(e, MaskReady)]) == 1
    assert sum(isinstance(e, Step) for e in events) == 4
    result = session.result
    assert result is not None
    assert isinstance(events[-1], Finished)
    assert RunResult.from_json(json.loads(json.dumps(result.to_json()))) == result
    assert (result.avg_d, result.avg_d_before, result.kl_floor) == (None, None, None)
    assert (result.retrain_seconds, result.retrain_clock) == (card.retrain_seconds, "cpu")
    for record in (result.before, result.after, result.retrained):
        assert isinstance(record, GeneratorRecord)
        assert (record.n_samples, record.n_remain, record.sampler_steps, record.guidance) == (100, 99, 4, 2.0)
    assert list(session.reports) == ["retrained", "before", "after"]
    wanted = [c for c in range(10) for _ in range(SHOWN_FORGET if c == 3 else SHOWN_REMAIN)]
    for report in session.reports.values():
        assert isinstance(report, GeneratorReport)
        assert report.labels.tolist() == wanted
        assert report.images.shape == (SHOWN, 8, 8, 1)

    write_run(tmp_path / "run", session, events, result)
    assert read_config(tmp_path / "run") == session.config
    assert read_events(tmp_path / "run") == events
    assert read_result(tmp_path / "run") == result
    laid = {**session.before, **read_weights(tmp_path / "run")}
    assert session.after is not None
    assert same(laid, session.after)
    session.rollback()
    assert same(session.before, state(session.task.model))


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
    gold = ddpm_gold(tmp_path / "n", records={"100@4": replace(known, FA=1.5)})
    session = ddpm_session(tmp_path / "n", "finetune", card=replace(card, retrained=(gold,)))
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
    task = session.task
    assert isinstance(task, DiffusionTask)
    record = GeneratorRecord(
        FA=0.0, FA_softmax=0.0, accepted_any=0.0, JA_remain=0.0, FD_remain=0.0, judge_entropy=0.0, diversity=0.0,
        n_samples=100, n_remain=99, sampler_steps=4, guidance=2.0,
    )  # fmt: skip
    wanted = evaluate.plan((3,), 10, evaluate.protocol_of(session.card))
    for found, want in ((record, record), (replace(record, **change), None)):
        session.card = replace(session.card, records={FORGET: {"100@4": found}})
        assert evaluate.known_of(task, session, "before", wanted) == want


def test_samples_of_shipped_models_are_drawn_once_in_a_process(tmp_path: Path) -> None:
    card = ddpm_card(tmp_path / "m")
    first = ddpm_session(tmp_path / "m", "finetune", card=card)
    totals = []
    for session in (first, ddpm_session(tmp_path / "m", "finetune", card=card, seed=1)):
        events = go(session, live_every=NEVER)
        totals += [e.total for e in events if isinstance(e, PhaseStarted) and e.phase == "evaluate"]
    assert totals == [16, 8]
    assert first.result is not None
    assert session.result is not None
    assert first.result.before == session.result.before
    assert first.result.after != session.result.after


@pytest.mark.parametrize("method", ["joint", "salun", "selective-amnesia", "gradient-ascent"])
def test_other_methods_change_the_weights_of_the_same_task(method: str, tmp_path: Path) -> None:
    session = ddpm_session(tmp_path / "m", method)
    events = go(session, live_every=NEVER, evaluate=False)
    assert isinstance(events[-1], Finished)
    assert session.changed_tensors()


def test_the_seed_decides_the_run_and_looking_changes_nothing(tmp_path: Path) -> None:
    card = ddpm_card(tmp_path / "m", source="own")
    ends = []
    for seed, every in ((0, 1), (0, NEVER), (1, NEVER)):
        session = ddpm_session(tmp_path / "m", card=card, seed=seed)
        go(session, live_every=every, evaluate=False)
        ends.append(state(session.task.model))
    assert same(ends[0], ends[1])
    assert not same(ends[0], ends[2])


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
    after = until(stopped, lambda e: isinstance(e, PhaseProgress) and e.done == 2)
    assert after == [Cancelled(steps=0)]
    assert stopped.changed_tensors() == {}


def test_a_stop_in_the_evaluation_takes_effect_within_one_sampler_step(tmp_path: Path) -> None:
    session = ddpm_session(tmp_path / "m", "finetune")
    after = until(session, lambda e: isinstance(e, PhaseProgress) and e.phase == "evaluate" and e.done == 3)
    assert after == [Cancelled(steps=3)]
    assert session.result is None
    assert session.after is not None


def test_a_stop_in_the_run_takes_effect_within_one_step(tmp_path: Path) -> None:
    session = ddpm_session(tmp_path / "m")
    assert until(session, lambda e: isinstance(e, Step) and e.i == 2) == [Cancelled(steps=2)]


@pytest.mark.parametrize("forget", ["random:0.1", "samples:1,2"])
def test_only_classes_can_be_forgotten(tmp_path: Path, forget: str) -> None:
    with pytest.raises(SpecError, match="whole classes") as caught:
        ddpm_session(tmp_path / "m", forget=forget)
    assert caught.value.hint


def test_methods_for_classifiers_are_refused(tmp_path: Path) -> None:
    SMALL_DDPM.setdefault("scrub", {})
    with pytest.raises(InputError, match="cannot work on this kind of model"):
        ddpm_session(tmp_path / "m", "scrub")
    with pytest.raises(InputError, match="Only a classifier"):
        ddpm_session(tmp_path / "m", "finetune").answers("before")


def test_a_model_that_the_visitor_retrained_is_the_gold_standard(tmp_path: Path) -> None:
    theirs = Retrained(tiny_unet(seed=5).state_dict(), 77.0)
    session = ddpm_session(tmp_path / "m", "finetune", retrained=theirs)
    go(session, live_every=NEVER)
    assert session.result is not None
    assert session.result.retrained is not None
    assert (session.result.retrain_seconds, session.result.retrain_clock) == (77.0, "wall")
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
