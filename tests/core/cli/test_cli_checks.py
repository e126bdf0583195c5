"""Commands that look again at a stored run: the same weights as the run's, files whole or not at all, one line for bad input."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from sfr_core.cli.checks import reopened
from sfr_core.cli.run import main
from sfr_core.configs.recovery import Attack
from sfr_core.metrics.generation import Protocol
from sfr_core.metrics.recovery import recover
from sfr_core.ops.stepwise import drained
from sfr_core.runs import session as sessions
from sfr_core.runs.files import read_weights
from sfr_core.zoo import shipped as zoo
from tests.core.tiny_clip import clip_folder
from tests.core.tiny_sd import SMALL_CONCEPTS, named_judge, sd_folder, sd_session

FP32 = ["--device", "cpu", "--precision", "fp32"]
SMALL = ["--steps", "3", "--samples", "4"]
ROLES = ("direct", "paraphrase", "neighbour", "other")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a finished run of the tiny text-to-image model."""
    models = tmp_path_factory.mktemp("models")
    sd_folder(models / "tiny-sd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo, "MODELS", models)
        patch.setattr(sessions, "open_judge", lambda _: named_judge())
        zoo.cards.cache_clear()
        out = tmp_path_factory.mktemp("runs") / "cat"
        settings = [part for key, value in SMALL_CONCEPTS["sfr-on"].items() for part in ("--set", f"{key}={value}")]
        options = ["--model", "tiny-sd", "--forget", "concept:cat", "--method", "sfr-on", *settings, *FP32]
        assert main(["run", *options, "--out", str(out)]) == 0
        yield out
    zoo.cards.cache_clear()


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(run, tmp_path / "run")


def test_a_stored_run_is_opened_with_both_of_its_models(run: Path) -> None:
    session = reopened(run)
    changed = read_weights(run)
    assert changed
    live = session.task.model.state_dict()
    assert all(torch.equal(live[name], value) for name, value in changed.items())
    assert session.changed_tensors().keys() == changed.keys()
    untouched = sd_session(Path(), card=zoo.card("tiny-sd")).before
    assert all(torch.equal(value, untouched[name]) for name, value in session.before.items())


def test_recover_attacks_what_the_run_left(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The very numbers of an attack on the session of a run that has just ended."""
    assert main(["recover", str(copied), *SMALL]) == 0
    said = capsys.readouterr()
    found = json.loads((copied / "recovery.json").read_text())
    assert json.loads(said.out) == found
    assert "attacking the unlearned model: 3 of 7" in said.err
    session = sd_session(Path(), card=zoo.card("tiny-sd"))
    drained(session.task.prepare())  # type: ignore[attr-defined]
    attack, sampler = Attack(steps=3, samples=4), Protocol(0, 4, 2.0)
    before = drained(recover(session.task, sampler, attack))  # type: ignore[arg-type]
    session.take_up(read_weights(copied))
    after = drained(recover(session.task, sampler, attack))  # type: ignore[arg-type]
    assert (found["before"], found["after"], found["retrained"]) == (before.to_json(), after.to_json(), None)
    assert f"{after.shown:.1f} % of the unlearned model, {before.shown:.1f} % of the original model" in said.err
    assert before.first_loss != after.first_loss
    assert found["attack"] == {"steps": 3, "lr": 0.02, "batch_size": 16, "samples": 4, "seed": 0}
    assert (found["sampler_steps"], found["guidance"]) == (4, 2.0)
    assert main(["recover", str(copied), *SMALL]) == 2
    assert "recovery.json is there already. Add --overwrite" in capsys.readouterr().err
    assert main(["recover", str(copied), *SMALL, "--overwrite"]) == 0
    assert json.loads((copied / "recovery.json").read_text())["before"] == before.to_json()
    # It speaks of those weights: a new run in the same folder takes it away.
    assert main(["run", "--config", str(copied), "--out", str(copied), "--overwrite"]) == 0
    assert not (copied / "recovery.json").exists()


class Detector:
    """Stands in for NudeNet, which never comes with us: something is exposed in every picture."""

    def detect(self, png: bytes) -> list[dict[str, Any]]:
        return [{"class": "FEET_EXPOSED", "score": 0.5}]


def test_exposed_counts_before_and_after_where_nudenet_is_installed(
    copied: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PLAYGROUND_PUBLIC", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "nudenet", None)
    assert main(["exposed", str(copied)]) == 2
    assert "needs NudeNet, which is not installed" in capsys.readouterr().err
    module = ModuleType("nudenet")
    module.NudeDetector = Detector  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nudenet", module)
    assert main(["exposed", str(copied), "--samples", "3"]) == 0
    said = capsys.readouterr()
    found = json.loads((copied / "exposed.json").read_text())
    assert json.loads(said.out) == found
    counted = {"counts": {"FEET_EXPOSED": 3}, "n": 3, "sampler_steps": 4, "guidance": 2.0, "threshold": 0.0}
    assert (found["before"], found["after"]) == (counted, counted)
    assert "Exposed parts in 3 pictures: 3 before the run, 3 after it" in said.err


def test_agreement_scores_before_and_after_by_a_clip(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["agreement", str(copied), "--samples", "2", "--clip"]
    assert main([*options, str(tmp_path / "nowhere")]) == 2
    said = capsys.readouterr().err
    assert "There is no CLIP in" in said
    assert said.count("\n") == 1
    assert not (copied / "agreement.json").exists()
    assert main([*options, str(clip_folder(tmp_path / "tiny-clip"))]) == 0
    said = capsys.readouterr()
    found = json.loads((copied / "agreement.json").read_text())
    assert json.loads(said.out) == found
    assert (found["clip"], found["sampler_steps"], found["guidance"]) == ("tiny-clip", 4, 2.0)
    for who in ("before", "after", "change"):
        assert {role: scores["n"] for role, scores in found[who].items()} == dict.fromkeys(ROLES, 2)
    for role in ROLES:
        before, after, change = (found[what][role]["mean"] for what in ("before", "after", "change"))
        assert 0 <= before <= 100
        assert change == pytest.approx(after - before)
    assert found["before"] != found["after"]
    assert "retrained" not in found  # no such model is shipped
    assert f"CLIPScore of the concept's prompts: {found['before']['direct']['mean']:.2f} before the run" in said.err


def bad_config(folder: Path) -> None:
    values: dict[str, Any] = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, "forget": "class:three"}))


def no_weights(folder: Path) -> None:
    (folder / "after.safetensors").unlink()


def foreign_weights(folder: Path) -> None:
    from safetensors.torch import save_file

    save_file({"somebody.weight": torch.zeros(2)}, folder / "after.safetensors")


@pytest.mark.parametrize(
    ("harm", "options", "sentence"),
    [
        (no_weights, [], "holds no run. Give a folder with config.json and after.safetensors."),
        (bad_config, [], "This run forgets no concept."),
        (foreign_weights, [], "after.safetensors holds weights of another network"),
        (lambda _: None, ["--steps", "0"], "0 is less than 1"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    copied: Path, capsys: pytest.CaptureFixture[str], harm: Any, options: list[str], sentence: str
) -> None:
    harm(copied)
    there = sorted(copied.iterdir())
    assert main(["recover", str(copied), *options]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert not said.out
    assert sorted(copied.iterdir()) == there
