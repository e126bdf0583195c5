"""A pixel diffusion model's exported folder is a model again: its run begins with the very samples that the first one ended with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sfr_core.cli.run import main
from sfr_core.data.class_sets import PreviewSettings
from sfr_core.metrics.generation import Protocol
from sfr_core.results import RunResult
from sfr_core.runs import evaluate
from sfr_core.runs.files import read_config, read_result
from sfr_core.tasks import ddpm
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import Sampling, write_card
from tests.core.tiny_unet import ddpm_card

RUN = [
    "--forget", "class:Trouser", "--method", "finetune", "--set", "steps=1", "--set", "batch_size=2", "--device", "cpu", "--precision", "fp32",
]  # fmt: skip


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "fashion-mnist-judge").symlink_to(zoo.MODELS / "fashion-mnist-judge")
    sampling = Sampling(steps=2, guidance=2.0)
    write_card(
        ddpm_card(folder / "tiny", id="tiny", dataset="fashion-mnist", judge="fashion-mnist-judge", sampling=sampling)
    )
    monkeypatch.setattr(zoo, "MODELS", folder)
    monkeypatch.setattr(evaluate, "protocol_of", lambda _: Protocol(18, 2))
    monkeypatch.setattr(ddpm, "PREVIEW", PreviewSettings(columns=1))
    monkeypatch.setenv("UNLEARNING_CACHE", "off")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    zoo.cards.cache_clear()
    yield folder
    zoo.cards.cache_clear()


def record(result: RunResult, when: str) -> dict[str, Any]:
    return asdict(getattr(result, when))


def test_a_run_of_the_folder_begins_where_the_exported_one_ended(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, again = (tmp_path / name for name in ("first", "second", "again"))
    assert main(["run", "--model", "tiny", *RUN, "--out", str(first)]) == 0
    assert main(["export", str(first), "--as", "diffusers", "--out", str(tmp_path / "mine")]) == 0
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--model", "./mine", *RUN, "--out", str(second)]) == 0
    assert record(read_result(second), "before") == record(read_result(first), "after")
    assert record(read_result(second), "before") != record(read_result(first), "before")
    assert read_result(second).retrained is None
    assert read_config(second).model.startswith("local:mine-")
    # What is known of it is kept: a repetition finds it by its name, and gives the same.
    assert main(["run", "--config", str(second), "--out", str(again)]) == 0
    assert (again / "after.safetensors").read_bytes() == (second / "after.safetensors").read_bytes()
    assert main(["export", str(second), "--as", "diffusers", "--out", str(tmp_path / "next")]) == 0
    capsys.readouterr()
    assert main(["hub", "./mine"]) == 0
    said = capsys.readouterr().out
    assert "kind: ddpm; licence: MIT" in said
    assert "memory" not in said


def test_what_no_shipped_model_is_like_has_its_sentence(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "other"
    ddpm_card(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_class_embeds": 5}))
    assert main(["run", "--model", "./other", *RUN, "--out", str(tmp_path / "out")]) == 2
    assert (
        "other is a lone U-Net, which does not say its classes and pictures, and no shipped" in capsys.readouterr().err
    )
    (folder / "scheduler_config.json").unlink()
    assert main(["run", "--model", "./other", *RUN, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "The U-Net in other lacks its scheduler_config.json." in said
    assert said.count("\n") == 1
