"""Runs of every generator from start to end: the same runner and events, sheets, records, stops, files and command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from sfr_core.cli.run import main
from sfr_core.configs import RunConfig
from sfr_core.data.class_sets import PreviewSettings, SelfGenerated
from sfr_core.data.samples import SHOWN_FORGET, SHOWN_REMAIN
from sfr_core.errors import AssetError
from sfr_core.events import (
    Cancelled,
    Evaluated,
    Finished,
    MaskReady,
    PhaseProgress,
    PhaseStarted,
    Preview,
    Step,
    from_json,
    to_json,
)
from sfr_core.metrics.generation import Protocol
from sfr_core.nets.judge import Judge
from sfr_core.results import CONCEPT_FIELDS, GeneratorRecord, GeneratorReport, RunResult
from sfr_core.runs import evaluate
from sfr_core.runs import session as sessions
from sfr_core.runs.files import FILES, read_config, read_events, read_result, read_weights, write_run
from sfr_core.runs.session import Session
from sfr_core.tasks import dit
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import write_card
from tests.core.grammar import check_grammar
from tests.core.runs.generators import GENERATORS, NEVER, go, until, work
from tests.core.tiny import CLASSES, same, state
from tests.core.tiny_dit import FORGET, SMALL_DIT, dit_card, dit_session, rgb_judge, tiny_dit
from tests.core.tiny_sd import named_judge
from tests.core.tiny_vae import tiny_vae

SMALL = {"steps": 2, "batch_size": 2, "fisher_batches": 1, "fisher_batch_size": 2, "lr": 1e-3}
every_kind = pytest.mark.parametrize("kind", GENERATORS)


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few pictures and few steps, everywhere but in the records of the pixel model, which are its card's."""
    protocols = {"dit": Protocol(18, 4), "text-to-image": Protocol(12, 4)}
    there = evaluate.protocol_of
    monkeypatch.setattr(evaluate, "protocol_of", lambda card: protocols.get(card.kind) or there(card))
    monkeypatch.setattr(dit, "SELF_GENERATED", SelfGenerated(forget=8, remain=2, steps=4))
    monkeypatch.setattr(dit, "PREVIEW", PreviewSettings(steps=2, columns=2))


@every_kind
def test_a_whole_run_with_everything(kind: str, tmp_path: Path) -> None:
    expected = GENERATORS[kind]
    card = expected.card(tmp_path / "m", reference=True, source="own")
    session = expected.open(tmp_path / "m", card=card)
    held = torch.random.get_rng_state()
    events = go(session, live_every=2)
    assert torch.equal(held, torch.random.get_rng_state())
    for event in events:
        assert from_json(json.loads(json.dumps(to_json(event), allow_nan=False))) == event
    assert [(e.phase, e.total) for e in events if isinstance(e, PhaseStarted)] == expected.whole
    assert [e.i for e in events if isinstance(e, Preview)] == [0, 2, 4]
    assert all(e.sheet is not None and not e.predictions for e in events if isinstance(e, Preview))
    measured = [(who, 4 if who == "after" else 0) for who in expected.order]
    live = [("live", 0), ("live", 2), ("live", 4)]
    assert [(e.when, e.i) for e in events if isinstance(e, Evaluated)] == [*live, *measured]
    assert len([e for e in events if isinstance(e, MaskReady)]) == 1
    assert sum(isinstance(e, Step) for e in events) == 4
    result = session.result
    assert result is not None
    assert isinstance(events[-1], Finished)
    assert RunResult.from_json(json.loads(json.dumps(result.to_json()))) == result
    assert (result.avg_d, result.avg_d_before, result.kl_floor) == (None, None, None)
    assert result.mask_density is not None
    assert result.config.get("data") == (None if kind == "ddpm" else "data-free")
    if "retrained" in expected.order:
        assert result.retrain_seconds is None  # another machine's
    assert (result.retrained is not None) == ("retrained" in expected.order)
    for record in filter(None, (result.before, result.after, result.retrained)):
        assert isinstance(record, GeneratorRecord)
        assert (record.n_samples, record.n_remain, record.sampler_steps) == (*expected.counts, 4)
        assert record.guidance == 2.0
    assert list(session.reports) == expected.order
    assert len({tuple(report.labels) for report in session.reports.values()}) == 1  # type: ignore[union-attr]
    each = {"ddpm": SHOWN_REMAIN, "dit": 2}
    for report in session.reports.values():
        assert isinstance(report, GeneratorReport)
        assert report.images.shape[1:] == expected.side
        if kind in each:
            wanted = [c for c in range(10) for _ in range(SHOWN_FORGET if c == 3 else each[kind])]
            assert report.labels.tolist() == wanted

    write_run(tmp_path / "run", session, events, result)
    assert read_config(tmp_path / "run") == session.used
    assert read_events(tmp_path / "run") == events
    assert read_result(tmp_path / "run") == result
    laid = {**session.before, **read_weights(tmp_path / "run")}
    assert session.after is not None
    assert same(laid, session.after)
    assert set(session.before) == set(state(session.task.model))  # an autoencoder is no part of it
    session.rollback()
    assert same(session.before, state(session.task.model))
    if kind == "dit":
        reference = session.reference("retrained")
        assert reference is not None
        rounded = [{k: t.half().float() for k, t in state(m).items()} for m in (tiny_dit(seed=1), tiny_vae())]
        assert same(state(reference), rounded[0])
        assert same(state(session.task.still[0]), rounded[1])  # what is frozen is as the pipeline has it


@every_kind
def test_the_seed_decides_the_run_and_previews_change_nothing(kind: str, tmp_path: Path) -> None:
    expected = GENERATORS[kind]
    card, ends = expected.card(tmp_path / "m", source="own"), []
    for seed, every in ((3, 1), (3, NEVER), (4, NEVER)):
        session = expected.open(tmp_path / "m", card=card, seed=seed, steps=2, mask=False)
        go(session, live_every=every, evaluate=False)
        ends.append(state(session.task.model))
        assert session.after is not None
    assert same(ends[0], ends[1])
    assert not same(ends[0], ends[2])


@every_kind
def test_a_second_run_from_the_start_weights_gives_the_same_bits(kind: str, tmp_path: Path) -> None:
    session = GENERATORS[kind].open(tmp_path / "m", "finetune")
    go(session, evaluate=False)
    first = session.after
    assert go(session, evaluate=False)[0] == PhaseStarted(phase="prepare", total=0)
    assert first is not None
    assert session.after is not None
    assert same(first, session.after)


@every_kind
def test_what_shipped_models_draw_is_drawn_once_on_a_machine_and_changes_no_number(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = GENERATORS[kind]
    card, runs, sheets = expected.card(tmp_path / "m", reference=True), [], []
    drawn = []
    draws = DiffusionTask.preview_samples
    monkeypatch.setattr(
        DiffusionTask, "preview_samples", lambda task, cancel, model=None: drawn.append(1) or draws(task, cancel, model)
    )
    for cache in ("off", str(tmp_path / "cache"), str(tmp_path / "cache")):
        monkeypatch.setenv("UNLEARNING_CACHE", cache)
        runs.append(expected.open(tmp_path / "m", "finetune", card=card))
        drawn.clear()
        events = go(runs[-1], live_every=NEVER)
        sheets.append([event.sheet for event in events if isinstance(event, Preview)])
        # Of the first preview and the last, and of the retrained model where there is one.
        assert len(drawn) == (1 if len(runs) == 3 else 2 + bool(card.retrained))
        done = work(events, "prepare"), work(events, "evaluate")
        assert done == (
            ([0], [expected.after]) if len(runs) == 3 else ([expected.whole[0][1]], [expected.whole[-1][1]])
        )
    assert sheets[0] == sheets[1] == sheets[2]
    alone, first, second = runs
    for session in (first, second):
        assert session.after is not None
        assert alone.after is not None
        assert same(alone.after, session.after)
        assert alone.result is not None
        assert session.result is not None
        assert values(alone.result) == values(session.result)
        assert alone.shown_before == session.shown_before
        assert list(alone.reports) == list(session.reports) == expected.order
        for who, report in alone.reports.items():
            other = session.reports[who]
            assert isinstance(report, GeneratorReport)
            assert isinstance(other, GeneratorReport)
            assert np.array_equal(report.images, other.images)
            assert np.array_equal(report.accepted, other.accepted)
    assert len(first.shown_before) == (7 if kind == "text-to-image" else 0)


def values(result: RunResult) -> dict[str, Any]:
    """A result without what no two runs have in common."""
    return {k: v for k, v in result.to_json().items() if k not in ("seconds", "peak_memory_bytes")}


@every_kind
def test_a_stop_takes_effect_within_one_step(kind: str, tmp_path: Path) -> None:
    expected = GENERATORS[kind]
    card = expected.card(tmp_path / "m", source="own")
    session = expected.open(tmp_path / "m", card=card)
    assert until(session, lambda e: isinstance(e, Step) and e.i == 2)[-1] == Cancelled(steps=2)
    session = expected.open(tmp_path / "m", "finetune", card=card)
    events = until(session, lambda e: isinstance(e, PhaseProgress) and e.phase == "evaluate" and e.done == 3)
    assert isinstance(events[-1], Cancelled)
    assert [e.done for e in events if isinstance(e, PhaseProgress) and e.phase == "evaluate"] == [1, 2, 3]
    assert session.result is None
    assert session.after is not None
    if kind != "ddpm":  # whose pictures are given
        session = expected.open(tmp_path / "m", card=card)
        events = until(session, lambda e: isinstance(e, PhaseProgress) and e.phase == "prepare" and e.done == 2)
        assert events[-2:] == [PhaseProgress(phase="prepare", done=2, total=events[0].total), Cancelled(steps=0)]  # type: ignore[union-attr]
        assert session.changed_tensors() == {}


def test_a_random_embedding_is_no_retrained_model(tmp_path: Path) -> None:
    session = dit_session(tmp_path / "m", "random-embedding")
    go(session)
    assert session.result is not None
    assert session.result.retrained is None
    assert not session.has("retrained")
    assert all(name.endswith("embedding_table.weight") for name in session.changed_tensors())


def test_a_judge_of_other_classes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = rgb_judge()
    judge.names = tuple(reversed(CLASSES))
    card = dit_card(tmp_path / "m")
    config = RunConfig(model=card.id, forget=FORGET, method="finetune", settings=SMALL_DIT["finetune"], device="cpu")
    monkeypatch.setattr(sessions, "open_judge", lambda _: judge)
    with pytest.raises(AssetError, match="knows other classes"):
        Session.open(config, card)
    judge.names = CLASSES
    assert Session.open(config, card).task.judge is judge  # type: ignore[attr-defined]


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tiny pipelines as if they were the shipped models."""
    judges: dict[str, Judge] = {"dit": rgb_judge(), "text-to-image": named_judge()}
    monkeypatch.setattr(sessions, "open_judge", lambda card: judges[card.kind])
    monkeypatch.setattr(zoo, "MODELS", tmp_path / "models")
    for kind, name in (("dit", "tiny-dit"), ("text-to-image", "emoji-sd")):
        write_card(replace(GENERATORS[kind].card(tmp_path / "models" / name), id=name))
    zoo.cards.cache_clear()
    yield
    zoo.cards.cache_clear()


@pytest.mark.parametrize(
    ("wanted", "forget", "redirect", "small"),
    [
        (["tiny-dit", "class:Three"], FORGET, "", SMALL_DIT["sfr-on"]),
        (["emoji-sd", "concept:CAT", "--redirect", "a tree"], "concept:cat", "a tree", SMALL),
    ],
)
def test_from_the_command_line(
    shipped: None, wanted: list[str], forget: str, redirect: str, small: dict[str, Any], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    model, spec, *rest = wanted
    options = [part for name, value in small.items() for part in ("--set", f"{name}={value}")]
    call = ["run", "--model", model, "--forget", spec, *rest, "--method", "sfr-on", *options, "--device", "cpu"]
    out, again = tmp_path / "out", tmp_path / "again"
    assert main([*call, "--precision", "fp32", "--out", str(out)]) == 0
    check_grammar([from_json(json.loads(line)) for line in capsys.readouterr().out.splitlines()])
    assert sorted(p.name for p in out.iterdir()) == sorted(FILES)
    config, result = read_config(out), read_result(out)
    assert (config.forget, config.redirect, config.data) == (forget, redirect, "data-free")
    with safe_open(out / "after.safetensors", "pt") as weights:
        assert json.loads(weights.metadata()["run"]).get("redirect", "") == redirect
    if redirect:
        assert (config.settings["forget_loss"], config.settings["trainable"]) == (
            "redirect",
            "cross-attention",
        )  # its preset
        assert set(CONCEPT_FIELDS) <= set(json.loads((out / "result.json").read_text())["after"])
    # The file repeats the run, to the bit.
    assert main(["run", "--config", str(out), "--out", str(again)]) == 0
    assert (again / "after.safetensors").read_bytes() == (out / "after.safetensors").read_bytes()
    assert read_result(again).after == result.after
    capsys.readouterr()
    assert main(["models"]) == 0
    assert model in capsys.readouterr().out
