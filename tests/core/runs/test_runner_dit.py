"""A diffusion transformer's run from start to end: the runner, events, sheets and records of every other generator; and its command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.cli.run import BAD_INPUT, main
from sfr_core.configs import RunConfig
from sfr_core.data.class_sets import PreviewSettings, SelfGenerated
from sfr_core.errors import AssetError
from sfr_core.events import Evaluated, Event, Finished, MaskReady, PhaseStarted, Preview, Step, from_json, to_json
from sfr_core.metrics.generation import Protocol
from sfr_core.results import GeneratorRecord, GeneratorReport
from sfr_core.runs import evaluate
from sfr_core.runs import session as sessions
from sfr_core.runs.files import FILES, read_config, read_result, read_weights, write_run
from sfr_core.runs.runner import run
from sfr_core.runs.sampling import SHOWN_FORGET, SHOWN_REMAIN
from sfr_core.runs.session import Session
from sfr_core.tasks import dit
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import write_card
from tests.core.grammar import check_grammar
from tests.core.tiny import CLASSES, same, state
from tests.core.tiny_dit import FORGET, SIDE, SMALL_DIT, dit_card, dit_gold, dit_session, rgb_judge, tiny_dit
from tests.core.tiny_vae import tiny_vae


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few pictures and few steps, everywhere."""
    monkeypatch.setattr(evaluate, "protocol_of", lambda _: Protocol(18, 4))
    monkeypatch.setattr(dit, "SELF_GENERATED", SelfGenerated(forget=8, remain=2, steps=4))
    monkeypatch.setattr(dit, "PREVIEW", PreviewSettings(steps=2, columns=2))


def go(session: Session) -> list[Event]:
    events = list(run(session, cancel=CancelToken(), live_every=2))
    check_grammar(events)
    return events


def test_a_whole_run_with_everything(tmp_path: Path) -> None:
    card = dit_card(tmp_path / "m")
    session = dit_session(tmp_path / "m", card=replace(card, retrained=(dit_gold(tmp_path / "m"),)))
    held = torch.random.get_rng_state()
    events = go(session)
    assert torch.equal(held, torch.random.get_rng_state())
    for event in events:
        assert from_json(json.loads(json.dumps(to_json(event), allow_nan=False))) == event
    # 8 forget rows are one Fisher batch, of 18 others two are asked for. 36 samples of the model after, and the few that are
    # shown of the two others, fit one batch each of 4 sampler steps.
    phases = [(e.phase, e.total) for e in events if isinstance(e, PhaseStarted)]
    assert phases == [("prepare", 8), ("fisher", 1), ("fisher", 2), ("mask", 0), ("unlearn", 4), ("evaluate", 12)]
    assert [e.i for e in events if isinstance(e, Preview) and e.sheet is not None] == [0, 2, 4]
    found = [(e.when, e.i) for e in events if isinstance(e, Evaluated)]
    assert found == [("live", 0), ("live", 2), ("live", 4), ("retrained", 0), ("before", 0), ("after", 4)]
    assert len([e for e in events if isinstance(e, MaskReady)]) == 1
    assert sum(isinstance(e, Step) for e in events) == 4
    result = session.result
    assert result is not None
    assert isinstance(events[-1], Finished)
    assert result.config["data"] == "data-free"
    for record in (result.before, result.after, result.retrained):
        assert isinstance(record, GeneratorRecord)
        assert (record.n_samples, record.n_remain, record.sampler_steps) == (18, 18, 4)
    for report in session.reports.values():
        assert isinstance(report, GeneratorReport)
        assert report.images.shape == (SHOWN_FORGET + 9 * min(2, SHOWN_REMAIN), SIDE, SIDE, 3)

    write_run(tmp_path / "run", session, events, result)
    laid = {**session.before, **read_weights(tmp_path / "run")}
    assert session.after is not None
    assert same(laid, session.after)
    assert set(session.before) == set(state(tiny_dit()))  # the autoencoder is no part of it
    assert same(state(session.task.space.autoencoder), {k: t.half().float() for k, t in state(tiny_vae()).items()})  # type: ignore[attr-defined]
    session.rollback()
    assert same(session.before, state(session.task.model))
    reference = session.reference("retrained")
    assert reference is not None
    assert same(state(reference), {name: t.half().float() for name, t in state(tiny_dit(seed=1)).items()})


def test_a_second_run_from_the_start_weights_gives_the_same_bits(tmp_path: Path) -> None:
    session = dit_session(tmp_path / "m", "finetune")
    assert go(session)[-1].result is not None  # type: ignore[union-attr]
    first = session.after
    go(session)
    assert first is not None
    assert session.after is not None
    assert same(first, session.after)


def test_a_random_embedding_is_no_gold_standard(tmp_path: Path) -> None:
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
        Session.of_card(config, card)
    judge.names = CLASSES
    assert Session.of_card(config, card).task.judge is judge  # type: ignore[attr-defined]


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The tiny pipeline as if it were a shipped model."""
    monkeypatch.setattr(zoo, "MODELS", tmp_path / "models")
    monkeypatch.setattr(sessions, "open_judge", lambda _: rgb_judge())
    write_card(dit_card(tmp_path / "models" / "tiny-dit"))
    zoo.cards.cache_clear()
    return "tiny-dit"


@pytest.fixture(autouse=True)
def own_cards() -> object:
    yield
    zoo.cards.cache_clear()


def test_the_command_line_runs_it(shipped: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = [part for name, value in SMALL_DIT["sfr-on"].items() for part in ("--set", f"{name}={value}")]
    options = ["--model", shipped, "--forget", "class:Three", "--method", "sfr-on", *small, "--device", "cpu"]
    assert main(["run", *options, "--out", str(tmp_path / "out")]) == 0
    events = [from_json(json.loads(line)) for line in capsys.readouterr().out.splitlines()]
    check_grammar(events)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(FILES)
    config = read_config(tmp_path / "out")
    assert (config.forget, config.data) == (FORGET, "data-free")
    first = read_result(tmp_path / "out").after
    again = ["run", "--config", str(tmp_path / "out"), "--out", str(tmp_path / "again")]
    assert main(again) == 0
    assert read_result(tmp_path / "again").after == first
    assert main(["models"]) == 0
    assert "tiny-dit  dit" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--forget", "class:threee", "--method", "sfr-on"], "Did you mean 'three'"),
        (["--forget", "random:0.1", "--method", "sfr-on"], "whole classes"),
        (["--forget", "samples:3", "--method", "sfr-on"], "whole classes"),
        (["--forget", "concept:three", "--method", "sfr-on"], "cannot forget a concept"),
        (["--forget", "class:three", "--method", "scrub"], "cannot work on this kind of model"),
        (["--forget", "class:three", "--method", "random-embeding"], "Did you mean 'random-embedding'"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_bad_input_is_one_line_and_writes_nothing(
    shipped: str, options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--model", shipped, *options, "--out", str(tmp_path / "out")]) == BAD_INPUT
    out = capsys.readouterr()
    assert (out.out, len(out.err.strip().splitlines())) == ("", 1)
    assert said in out.err
    assert not (tmp_path / "out").exists()
