"""The forgetting of a concept from start to end: the same runner, events and files as of any model; and the command line."""

from __future__ import annotations

import gc
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.errors import AssetError, InputError
from sfr_core.events import (
    Evaluated,
    Finished,
    PhaseProgress,
    PhaseStarted,
    Preview,
    Step,
    broken_off,
)
from sfr_core.metrics.generation import Protocol
from sfr_core.results import GeneratorRecord
from sfr_core.runs import evaluate
from sfr_core.runs.runner import run
from sfr_core.zoo.cards import read_card
from tests.core.runs.generators import NEVER, go, work
from tests.core.tiny_sd import sd_folder, sd_session


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
    go(session, live_every=NEVER)
    assert session.result is not None
    assert isinstance(session.result.before, GeneratorRecord)
    assert session.result.before.JA_neighbours is not None
    assert set(session.shown_before) == set(range(7))


@pytest.mark.parametrize("method", ["uce", "esd-x"])
def test_baselines_change_only_their_part(folder: Path, method: str) -> None:
    part = {} if method == "uce" else {"trainable": "keys-values"}
    session = sd_session(folder, method, card=read_card(folder), **part)
    go(session, evaluate=False)
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
    assert [sheet.accepted for sheet in sheets if sheet is not None] == [(), ()]  # before the run, after its only step
    before, after = session.reports["before"], session.reports["after"]
    assert before.labels.tolist() == after.labels.tolist()
    assert (len(before.accepted), before.images.shape[1:]) == (0, (16, 16, 3))
    assert (
        work(events, "evaluate")
        == [e.done for e in events if isinstance(e, PhaseProgress) and e.phase == "evaluate"][-1:]
    )


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
    session = sd_session(folder, "sfr-on-redirected", card=read_card(folder), remain_loss="recall", steps=1)
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

    with closing(run(session, cancel=CancelToken(), live_every=NEVER)) as events:
        for event in events:
            if isinstance(event, Step):
                optimizers, masks, networks = alive()
                assert (optimizers, masks) == (1, 1)
            if isinstance(event, PhaseStarted) and event.phase == "evaluate":
                assert alive() == (0, 0, networks - 1)  # the teacher
                break
        else:
            raise AssertionError("nothing was drawn")


def test_a_redirection_needs_words_that_the_model_reads(folder: Path) -> None:
    with pytest.raises(InputError, match="no word of the prompt 'zzz'"):
        sd_session(folder, card=read_card(folder), redirect="zzz")


def test_a_damaged_part_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "m")
    part = tmp_path / "m" / "text_encoder" / "model.safetensors"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(AssetError, match="damaged"):
        sd_session(tmp_path / "m", card=read_card(tmp_path / "m"))
