"""The forgetting of a concept from start to end: the same runner, events and files as of any model; and the command line."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from sfr_core.cancel import CancelToken
from sfr_core.cli.run import BAD_INPUT, main
from sfr_core.errors import AssetError, InputError, SpecError, UnknownName
from sfr_core.events import (
    Evaluated,
    Finished,
    PhaseProgress,
    PhaseStarted,
    Preview,
    Step,
    broken_off,
    from_json,
)
from sfr_core.metrics.generation import Protocol
from sfr_core.results import GeneratorRecord
from sfr_core.runs import evaluate
from sfr_core.runs import session as sessions
from sfr_core.runs.files import FILES, read_config
from sfr_core.runs.runner import run
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import read_card
from tests.core.grammar import check_grammar
from tests.core.runs.generators import go
from tests.core.tiny_sd import named_judge, sd_folder, sd_session


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model's folder, which no test changes."""
    path = tmp_path_factory.mktemp("models") / "emoji-sd"
    sd_folder(path, id="emoji-sd", source="bundled")
    return path


@pytest.fixture(autouse=True)
def small_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "protocol_of", lambda _: Protocol(12, 4))


def test_a_concepts_run_knows_its_prompts_and_measures_by_them(folder: Path) -> None:
    session = sd_session(folder, card=read_card(folder), steps=1, fisher_batches=1)
    assert session.dataset.class_names == ("cat", "a cat emoji", "kitty", "a red kitty", "tiger", "car", "tree")
    assert session.split.spec.classes == (0, 1, 2, 3)
    assert session.config.data == "data-free"
    go(session, live_every=10**6)
    assert session.result is not None
    assert isinstance(session.result.before, GeneratorRecord)
    assert session.result.before.JA_neighbours is not None
    assert set(session.shown_before) == set(range(7))


@pytest.mark.parametrize("method", ["uce", "esd-x"])
def test_baselines_change_only_their_part(folder: Path, method: str) -> None:
    session = sd_session(folder, method, card=read_card(folder), trainable="keys-values") if method != "uce" else (
        sd_session(folder, method, card=read_card(folder))
    )  # fmt: skip
    events = list(run(session, cancel=CancelToken(), evaluate=False))
    check_grammar(events)
    assert set(session.changed_tensors())
    assert all(".attn2.to_" in name for name in session.changed_tensors())


@pytest.mark.parametrize(
    ("method", "of_cross"), [("esd-x", True), ("esd-u", False), ("concept-ablation", True), ("sfr-on", None)]
)
def test_a_config_without_a_part_means_that_of_its_method(folder: Path, method: str, of_cross: bool | None) -> None:
    names = set(sd_session(folder, method, card=read_card(folder)).task.parameters())
    found = {".attn2." in name for name in names}
    assert found == ({True, False} if of_cross is None else {of_cross})


def test_a_model_that_nobody_can_judge_has_pictures_and_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfr_core.runs.session.check_memory", lambda *_: None)  # it is no model of the Hub
    card = sd_folder(tmp_path / "m", judge=None, sampling=None)
    (tmp_path / "m" / "concepts.json").unlink()
    session = sd_session(
        tmp_path / "m", card=card, forget="concept:tiger", redirect="a picture", steps=1, fisher_batches=1
    )
    events = go(session)
    assert events[-1] == Finished(steps=1, result=None)
    assert not [e for e in events if isinstance(e, Evaluated)]
    sheets = [e.sheet for e in events if isinstance(e, Preview)]
    assert [sheet is not None and sheet.accepted for sheet in sheets] == [
        (),
        (),
    ]  # before the run, and after its only step
    before, after = session.reports["before"], session.reports["after"]
    assert before.labels.tolist() == after.labels.tolist()
    assert (len(before.accepted), before.images.shape[1:]) == (0, (16, 16, 3))
    work = [e.total for e in events if isinstance(e, PhaseStarted) and e.phase == "evaluate"]
    assert work == [e.done for e in events if isinstance(e, PhaseProgress) and e.phase == "evaluate"][-1:]


@pytest.mark.parametrize("whose", ["before", "after"])
def test_pictures_that_do_not_fit_into_memory_cost_no_run(
    whose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, asked = evaluate.draw_unjudged, []

    def full(*given: Any) -> Any:
        asked.append(given)
        return torch.empty(2**50) if len(asked) == (1 if whose == "before" else 2) else draw(*given)

    monkeypatch.setattr("sfr_core.runs.session.check_memory", lambda *_: None)
    monkeypatch.setattr("sfr_core.runs.evaluate.draw_unjudged", full)
    card = sd_folder(tmp_path / "m", judge=None, sampling=None)
    session = sd_session(tmp_path / "m", card=card, redirect="a picture", steps=1, fisher_batches=1)
    events = go(session)
    assert events[-1] == Finished(steps=1, result=None)
    assert session.after is not None
    assert list(session.reports) == ([] if whose == "before" else ["before"])
    assert broken_off(events)
    assert not broken_off(events[:-1])  # it has not ended


def test_optimiser_masks_and_teacher_are_gone_before_pictures_are_drawn(folder: Path) -> None:
    session = sd_session(folder, card=read_card(folder), remain_loss="recall", steps=1)
    weights = {id(p) for p in session.task.parameters().values()}
    names = set(session.before)

    def alive() -> tuple[int, int, int]:
        held = gc.get_objects()
        optimizers = [o for o in held if issubclass(type(o), torch.optim.Optimizer)]
        mine = [o for o in optimizers if any(id(p) in weights for group in o.param_groups for p in group["params"])]
        masks = [o for o in held if type(o) is dict and o.keys() <= names and o and is_mask(next(iter(o.values())))]
        networks = sum(type(o) is type(session.task.model) for o in held)
        return len(mine), len(masks), networks

    def is_mask(value: Any) -> bool:
        return isinstance(value, torch.Tensor) and value.dtype == torch.bool

    with closing(run(session, cancel=CancelToken(), live_every=10**6)) as events:
        for event in events:
            if isinstance(event, Step):
                optimizers, masks, networks = alive()
                assert (optimizers, masks) == (1, 1)
            if isinstance(event, PhaseStarted) and event.phase == "evaluate":
                assert alive() == (0, 0, networks - 1)  # the teacher
                break
        else:
            raise AssertionError("nothing was drawn")


def test_what_cannot_be_forgotten_is_one_clear_sentence(folder: Path) -> None:
    card = read_card(folder)
    for forget, error, said in (
        ("concept:cut", UnknownName, "Did you mean 'cat'"), ("concept:tree", UnknownName, "Unknown concept"),
        ("class:cat", SpecError, "forgets a concept"), ("random:0.1", SpecError, "forgets a concept"),
    ):  # fmt: skip
        with pytest.raises(error, match=said):
            sd_session(folder, card=card, forget=forget)
    with pytest.raises(InputError, match="no word of the prompt 'zzz'"):
        sd_session(folder, card=card, redirect="zzz")
    with pytest.raises(SpecError, match="asks for the very concept"):
        sd_session(folder, card=card, redirect="kitty")


def test_a_damaged_part_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "m")
    part = tmp_path / "m" / "text_encoder" / "model.safetensors"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(AssetError, match="damaged"):
        sd_session(tmp_path / "m", card=read_card(tmp_path / "m"))


@pytest.fixture
def shipped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The tiny model in place of the shipped ones."""
    monkeypatch.setattr(zoo, "MODELS", folder.parent)
    monkeypatch.setattr(sessions, "open_judge", lambda _: named_judge())
    zoo.cards.cache_clear()
    yield folder
    zoo.cards.cache_clear()


SMALL = ["steps=2", "batch_size=2", "fisher_batches=1", "fisher_batch_size=2", "lr=1e-3"]


def test_from_the_command_line(shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [part for text in SMALL for part in ("--set", text)]
    wanted = ["--model", "emoji-sd", "--forget", "concept:CAT", "--redirect", "a tree", "--method", "sfr-on"]
    out = tmp_path / "out"
    assert main(["run", *wanted, *options, "--device", "cpu", "--precision", "fp32", "--out", str(out)]) == 0
    events = [from_json(json.loads(line)) for line in capsys.readouterr().out.splitlines()]
    check_grammar(events)
    assert sorted(p.name for p in out.iterdir()) == sorted(FILES)
    config = read_config(out)
    assert (config.forget, config.redirect, config.data) == ("concept:cat", "a tree", "data-free")
    assert config.settings["forget_loss"] == "relative"
    assert config.settings["trainable"] == "keys-values"  # as its preset says
    data = json.loads((out / "result.json").read_text())
    assert {"FA_paraphrase", "JA_neighbours", "JA_others", "n_paraphrase", "n_neighbours"} <= set(data["after"])
    with safe_open(out / "after.safetensors", "pt") as weights:
        assert json.loads(weights.metadata()["run"])["redirect"] == "a tree"
    # The file repeats the run, to the bit.
    assert main(["run", "--config", str(out / "config.json"), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "after.safetensors").read_bytes() == (out / "after.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "fashion-mnist-resnet", "--forget", "concept:cat"], "A classifier cannot forget a concept"),
        (["--model", "fashion-mnist-ddpm", "--forget", "concept:cat"], "A diffusion model cannot forget a concept"),
        (["--model", "fashion-mnist-ddpm", "--forget", "class:Bag", "--redirect", "x"], "Only a text-to-image model"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_other_models_forget_no_concepts(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *options, "--method", "sfr-on", "--out", str(tmp_path / "out")]) == BAD_INPUT
    assert said in capsys.readouterr().err
