"""Sessions: refusals before anything is loaded, rollback to the bit, weights of one's own, answers computed once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.errors import AssetError, Busy, ConfigError, InputError, SpecError, UnknownName
from sfr_core.results import Record
from sfr_core.runs import evaluate
from sfr_core.runs import session as sessions
from sfr_core.runs.evaluate import Who
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session
from sfr_core.zoo.cards import ModelCard
from tests.core.tiny import SMALL, TinyNet, same, state, tiny_dataset
from tests.core.tiny_run import tiny_card, tiny_session


def config(**changes: Any) -> RunConfig:
    values = {
        "model": "fashion-mnist-resnet",
        "forget": "class:Sneaker",
        "method": "sfr-on",
        "settings": SMALL["sfr-on"],
    }
    return RunConfig(**{**values, "device": "cpu", "precision": "fp32", **changes})


BAD: list[tuple[dict[str, Any], type[InputError], str]] = [
    ({"method": "sfron"}, UnknownName, "Did you mean 'sfr-on'"),
    ({"settings": {"step": 3}}, UnknownName, "Did you mean 'steps'"),
    ({"settings": {"steps": 0}}, ConfigError, "steps"),
    ({"settings": {"steps": "many"}}, ConfigError, "steps"),
    ({"settings": {"alpha": float("nan")}}, ConfigError, "alpha"),
    ({"forget": "class:Sneeker"}, UnknownName, "Did you mean 'Sneaker'"),
    ({"forget": "sneaker"}, SpecError, "class:NAME"),
    ({"forget": "samples:10000"}, SpecError, "0 to 9999"),
    ({"forget": "random:0"}, SpecError, "between 0 and 1"),
]


@pytest.mark.parametrize(("changes", "error", "text"), BAD)
def test_bad_input_is_refused_before_any_weight_is_read(
    changes: dict[str, Any], error: type[InputError], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trip(_: object) -> nn.Module:
        raise AssertionError("weights were read")

    monkeypatch.setattr(sessions, "open_whole", trip)
    with pytest.raises(error, match=text) as caught:
        Session.open(config(**changes))
    assert caught.value.hint
    with pytest.raises(AssertionError, match="weights were read"):  # good input does get there
        Session.open(config())


@pytest.mark.parametrize("field", ["device", "precision", "preset", "variant"])
def test_unknown_words_never_become_a_config(field: str) -> None:
    with pytest.raises(UnknownName, match=field):
        config(**{field: "tpu"})


def test_shipped_model_opens_as_its_card_says() -> None:
    session = Session.open(config())
    assert sum(p.numel() for p in session.task.parameters().values()) == session.card.parameters
    assert (len(session.split.forget), len(session.split.remain)) == (1000, 9000)
    assert session.after is None
    assert session.result is None
    assert session.reports == {}
    assert (session.precision, session.device.type) == ("fp32", "cpu")
    with pytest.raises(InputError, match="no weights to save"):
        session.changed_tensors()


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    card = tiny_card(tmp_path)
    path = tmp_path / card.file
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(AssetError, match="damaged"):
        tiny_session(tmp_path, card=card)


def test_rollback_restores_parameters_and_buffers_to_the_bit(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    start = state(session.task.model)
    list(run(session, cancel=CancelToken(), live_every=10**6))
    live = state(session.task.model)
    for name in ("conv1.weight", "fc.bias", "bn1.running_mean", "bn2.running_var", "bn1.num_batches_tracked"):
        assert not torch.equal(start[name], live[name]), name
    assert session.after is not None
    assert same(session.after, live)
    session.rollback()
    assert same(start, state(session.task.model))
    assert same(start, session.before)
    assert (session.after, session.result, "after" in session.reports) == (None, None, False)
    assert "before" in session.reports


def test_changed_tensors_are_those_that_changed(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    with torch.no_grad():
        session.task.model.fc.bias[3] += 1
        session.task.model.bn1.running_mean[0] += 1
    session.keep()
    changed = session.changed_tensors()
    assert sorted(changed) == ["bn1.running_mean", "fc.bias"]
    assert torch.equal(changed["fc.bias"], session.task.model.fc.bias)
    assert session.outcome().keys() == session.before.keys()  # a classifier's file is a network by itself
    assert session.after is not None
    assert same(session.outcome(), session.after)
    session.task.model.fc.bias.data += 1  # a copy: later steps do not reach it
    assert not torch.equal(changed["fc.bias"], session.task.model.fc.bias)


def test_two_sessions_never_share_weights(tmp_path: Path) -> None:
    card = tiny_card(tmp_path, source="bundled")
    first, second = tiny_session(tmp_path, card=card), tiny_session(tmp_path, card=card)
    start = state(second.task.model)
    list(run(first, cancel=CancelToken(), live_every=10**6))
    assert not same(start, state(first.task.model))
    assert same(start, state(second.task.model))
    assert same(start, second.before)
    mine = {t.data_ptr() for t in [*first.before.values(), *first.task.model.state_dict().values()]}
    assert not mine & {t.data_ptr() for t in [*second.before.values(), *second.task.model.state_dict().values()]}


def test_answers_of_shipped_models_are_computed_once_on_a_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLEARNING_CACHE", str(tmp_path / "cache"))
    card = tiny_card(tmp_path, source="bundled")
    session = tiny_session(tmp_path, card=card)
    first = {who: session.answers(who) for who in OTHERS}
    before, retrained, second = first.values()
    assert before is not None
    assert retrained is not None
    assert second is not None
    assert before.train.shape == (60, 10)
    assert not np.array_equal(before.train, retrained.train)
    assert not np.array_equal(second.train, retrained.train)

    other = tiny_session(tmp_path, card=card, forget="class:four")
    assert other.answers("retrained") is other.answers("second") is None
    asked: list[str] = []
    for opened in (session, other):
        monkeypatch.setattr(opened.task, "predict", counted(opened.task.predict, asked))
    for who, answers in [*first.items(), ("before", before)]:
        again = (session if who != "before" else other).answers(who)
        assert again is not None
        assert answers is not None
        assert np.array_equal(again.train, answers.train)
        assert np.array_equal(again.test, answers.test)
    assert asked == []
    with torch.no_grad():
        session.task.model.fc.bias[0] += 5
    after = session.answers("after")  # never kept: it is the live model's
    assert asked == ["train", "test"]
    assert after is not None
    assert not np.array_equal(after.train, before.train)


def test_records_of_shipped_models_are_made_once_and_are_the_same_to_the_last_digit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tiny_card(tmp_path, source="bundled")
    plain = measured(tmp_path, card)
    monkeypatch.setenv("UNLEARNING_CACHE", str(tmp_path / "cache"))
    judged: list[str] = []
    judge = evaluate.judge

    def counted_judge(*args: Any) -> Any:
        judged.append("one")
        return judge(*args)

    monkeypatch.setattr(evaluate, "judge", counted_judge)
    assert measured(tmp_path, card) == plain
    assert len(judged) == 4
    assert measured(tmp_path, card) == plain
    assert len(judged) == 5  # the live model alone
    other = measured(tmp_path, card, forget="class:four")  # without a retrained model
    assert other["before"] != plain["before"]
    assert len(judged) == 7


def measured(folder: Path, card: ModelCard, **changes: str) -> dict[Who, Record]:
    session = tiny_session(folder, card=card, **changes)
    work = evaluate.evaluate(session.task, session, session.models(), steps=0, cancel=CancelToken())
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: evaluate.Evaluation = end.value
            return found.records


OTHERS: tuple[Who, ...] = ("before", "retrained", "second")


def counted(predict: Callable[..., Any], asked: list[str]) -> Callable[..., Any]:
    def wrapped(source: str, *args: Any) -> Any:
        asked.append(source)
        return predict(source, *args)

    return wrapped


def test_answers_of_ones_own_model_are_asked_anew(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    first, second = session.answers("before"), session.answers("before")
    assert first is not second
    assert first is not None
    assert second is not None
    assert np.array_equal(first.train, second.train)


def test_asking_changes_nothing(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    before, rng = state(session.task.model), torch.random.get_rng_state()
    for who in ("before", "retrained", "second", "after"):
        session.answers(who)  # type: ignore[arg-type]
    assert same(before, state(session.task.model))
    assert torch.equal(rng, torch.random.get_rng_state())


def test_a_session_runs_once_at_a_time(tmp_path: Path) -> None:
    session = tiny_session(tmp_path)
    first = run(session, cancel=CancelToken())
    next(first)
    with pytest.raises(Busy, match="already being changed"):
        next(run(session, cancel=CancelToken()))
    list(first)  # the refused one did not end the claim of the first
    assert list(run(session, cancel=CancelToken(), evaluate=False))


def test_own_model_has_no_retrained_one(tmp_path: Path) -> None:
    session = tiny_session(tmp_path, card=tiny_card(tmp_path, retrained=False))
    assert session.answers("retrained") is None
    assert session.answers("second") is None
    assert isinstance(session.task.model, TinyNet)
    assert session.dataset.name == tiny_dataset().name


def test_importing_a_session_opens_no_library_of_generators() -> None:
    code = "import sys, sfr_core.runs.session; sys.exit(any(name in sys.modules for name in ('diffusers', 'transformers')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
