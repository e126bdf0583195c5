"""Going on from a run and taking its model away: what is written is opened by the program itself, by torch and by diffusers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DModel
from safetensors.torch import load_file, save_file

from sfr_core.cli.run import main
from sfr_core.configs import RunConfig
from sfr_core.nets.named import build_network, read_architecture
from sfr_core.presets import resolve
from sfr_core.runs.files import read_result, read_weights
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import write_card
from tests.core.own_files import OwnFiles
from tests.core.tiny_sd import sd_folder, tiny_cond_unet
from tests.core.tiny_unet import ddpm_card, tiny_unet

ASCENT = ["--method", "gradient-ascent", "--set", "epochs=1", "--device", "cpu", "--precision", "fp32"]
"""In eval mode: no statistics of batch norm change, so the run changes some tensors only."""


@pytest.fixture(scope="module")
def first(own: OwnFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "one"
    assert main(["run", *own.options(), "--forget", "class:red", *ASCENT, "--out", str(out)]) == 0
    return out


@pytest.mark.parametrize("named", ["", "after.safetensors"])
def test_a_run_goes_on_from_what_another_left(own: OwnFiles, first: Path, tmp_path: Path, named: str) -> None:
    going_on = OwnFiles(own.data, first / named, own.architecture)
    assert main(["run", *going_on.options(), "--forget", "class:blue", *ASCENT, "--out", str(tmp_path / "two")]) == 0
    before, after = read_result(tmp_path / "two").before, read_result(first).after
    assert before.TA == after.TA  # the test pictures do not change with what is forgotten
    assert read_result(tmp_path / "two").config["model"] != read_result(first).config["model"]


def test_a_classifier_is_exported_as_one_state_dict_of_its_network(own: OwnFiles, first: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    assert main(["export", str(first), "--as", "state-dict", "--out", str(out)]) == 0
    network = build_network(read_architecture(own.architecture), classes=3, channels=3)
    network.load_state_dict(load_file(out))
    written, before = read_weights(first), load_file(own.weights)
    assert all(torch.equal(value, written[name]) for name, value in network.state_dict().items())
    assert any(torch.equal(value, before[name]) for name, value in written.items())
    assert any(not torch.equal(value, before[name]) for name, value in written.items())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--as", "pickle", "--out", "x.safetensors"], "Did you mean 'state-dict'?|Unknown form 'pickle'"),
        (["--as", "state-dict", "--out", "x"], "ends in .safetensors. Write --out x.safetensors"),
        (["--as", "diffusers", "--out", "x"], "no pipeline of diffusers. Write it with --as state-dict"),
    ],
)
def test_what_cannot_be_written_has_its_sentence(
    first: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    options[-1] = str(tmp_path / options[-1])
    assert main(["export", str(first), *options]) == 2
    said = capsys.readouterr().err
    assert any(part in said for part in sentence.split("|"))
    assert not list(tmp_path.iterdir())


def test_a_file_that_holds_only_changes_is_no_network(
    first: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text((first / "config.json").read_text())
    save_file({"head.bias": read_weights(first)["head.bias"]}, tmp_path / "after.safetensors")  # as 0.1.0 wrote it
    assert main(["export", str(tmp_path), "--as", "state-dict", "--out", str(tmp_path / "net.safetensors")]) == 2
    assert "holds only what the run changed" in capsys.readouterr().err


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "models"
    sd_folder(folder / "tiny-sd")
    write_card(ddpm_card(folder / "tiny-ddpm"))
    monkeypatch.setattr(zoo, "MODELS", folder)
    zoo.cards.cache_clear()
    yield folder
    zoo.cards.cache_clear()


def stored(folder: Path, model: str, forget: str, tensors: dict[str, torch.Tensor]) -> Path:
    """The two files of a run that changed these tensors."""
    folder.mkdir()
    kind = zoo.card(model).kind
    config = RunConfig(model=model, forget=forget, method="finetune", settings=resolve(model, "finetune", kind=kind))
    (folder / "config.json").write_text(json.dumps(config.to_json()))
    save_file(tensors, folder / "after.safetensors")
    return folder


def test_a_generator_is_exported_as_a_folder_of_diffusers_and_as_a_state_dict(models: Path, tmp_path: Path) -> None:
    name = "conv_in.bias"
    for model, forget, fresh in (
        ("tiny-sd", "concept:cat", tiny_cond_unet()),
        ("tiny-ddpm", "class:Bag", tiny_unet()),
    ):
        seven = torch.full_like(fresh.state_dict()[name], 7.0)
        run, out = stored(tmp_path / model, model, forget, {name: seven}), tmp_path / f"{model}-out"
        assert main(["export", str(run), "--as", "diffusers", "--out", str(out)]) == 0
        network = (
            StableDiffusionPipeline.from_pretrained(out).unet
            if model == "tiny-sd"
            else UNet2DModel.from_pretrained(out)
        )
        found = network.state_dict()
        assert torch.equal(found[name], seven)
        whole = {
            key: value.half().float() if model == "tiny-ddpm" else value for key, value in fresh.state_dict().items()
        }
        assert all(torch.equal(value, whole[key]) for key, value in found.items() if key != name)
        assert main(["export", str(run), "--as", "state-dict", "--out", str(tmp_path / f"{model}.safetensors")]) == 0
        assert all(
            torch.equal(value, found[key]) for key, value in load_file(tmp_path / f"{model}.safetensors").items()
        )
    assert (tmp_path / "tiny-ddpm-out" / "scheduler_config.json").is_file()
