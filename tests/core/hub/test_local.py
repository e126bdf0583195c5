"""A pipeline in a folder on this machine: opened by its path, named by its content, and found again by that name."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from sfr_core.cli.run import BAD_INPUT, DONE, main
from sfr_core.errors import HubError
from sfr_core.hub.concepts import shown_blurred
from sfr_core.hub.describe import describe
from sfr_core.hub.local import is_path, look_up_here
from sfr_core.hub.names import read_name
from sfr_core.hub.open import look_up, open_generator
from sfr_core.hub.resolve import resolve
from sfr_core.runs.files import read_config
from sfr_core.runs.session import Session
from sfr_core.zoo import shipped as zoo
from tests.core.hub_stub import StubHub, StubRepo

UCE = ["--forget", "concept:cat", "--redirect", "a dog", "--method", "uce", "--device", "cpu", "--precision", "fp32"]


@pytest.fixture(autouse=True)
def nothing_open(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(zoo, "_of_hub", {})
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "assets"))
    monkeypatch.setattr("sfr_core.hub.concepts.FREE_FORGET", 3)
    monkeypatch.setattr("sfr_core.hub.concepts.FREE_REMAIN", 6)
    monkeypatch.delenv("PLAYGROUND_PUBLIC", raising=False)
    monkeypatch.delenv("SPACE_ID", raising=False)


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy of the tiny Stable Diffusion under a name that no identifier can hold."""
    return shutil.copytree(saved / "sd", tmp_path / "my pipeline")


def test_the_identifier_follows_from_the_content_alone(folder: Path, tmp_path: Path) -> None:
    paths = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    lines = sorted(f"{path} {hashlib.sha256((folder / path).read_bytes()).hexdigest()}" for path in paths)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
    model = look_up_here(str(folder))
    assert model.id == f"local:my-pipeline-{digest}"
    assert read_name(model.id) == model.name
    (folder / "README.md").write_text("not used")
    (folder / "unet/diffusion_pytorch_model.fp16.safetensors").write_bytes(b"not used either")
    assert look_up_here(str(folder)).id == model.id
    moved = folder.rename(tmp_path / "other")
    assert look_up_here(str(moved)).id == f"local:other-{digest}"
    (moved / "scheduler/scheduler_config.json").write_text("{}")
    assert look_up_here(str(moved)).id != f"local:other-{digest}"


def test_it_is_checked_and_counted_like_the_same_model_of_the_hub(hub: StubHub, folder: Path) -> None:
    here, there = describe(look_up_here(str(folder))), describe(resolve("hub:tiny/sd"))
    assert (here.trained, here.slices, here.still, here.missing) == (there.trained, there.slices, there.still, 0)
    assert here.first() == there.first()
    assert here.lines()[2].startswith("size: ")
    card = open_generator(here.model)
    assert (card.source, card.judge, shown_blurred(card.id)) == ("local", None, True)
    weights = load_file(folder / "unet/diffusion_pytorch_model.safetensors")
    assert all(torch.equal(value, weights[key]) for key, value in zoo.open_model(card).state_dict().items())
    assert sorted(p.name for p in folder.rglob("*.json") if "concept" in p.name) == []  # nothing is written there


def test_a_run_and_its_repetition(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    assert main(["run", "--model", str(folder), *UCE, "--out", str(first)]) == DONE, capsys.readouterr().err
    config = read_config(first)
    assert config.model == look_up_here(str(folder)).id
    assert str(tmp_path) not in (first / "config.json").read_text()
    # The identifier alone finds the folder again; where it was moved, --model names it.
    zoo._of_hub.clear()
    assert Session.open(config).card.id == config.model
    moved = folder.rename(tmp_path / "my-pipeline")
    repeat = ["run", "--config", str(first), "--out", str(again)]
    assert main(repeat) == BAD_INPUT
    assert "is gone or was changed since. Give its folder with --model." in capsys.readouterr().err
    assert main([*repeat, "--model", str(moved)]) == DONE, capsys.readouterr().err
    a, b = load_file(first / "after.safetensors"), load_file(again / "after.safetensors")
    assert all(torch.equal(a[key], b[key]) for key in a)
    weights = moved / "vae/diffusion_pytorch_model.safetensors"
    save_file({key: value + 1 for key, value in load_file(weights).items()}, weights)
    assert main([*repeat, "--model", str(moved), "--overwrite"]) == BAD_INPUT
    assert f"but the run used {config.model}. Give the pipeline that the run began with." in capsys.readouterr().err


def test_a_page_reads_no_folder(folder: Path) -> None:
    known = look_up_here(str(folder)).id
    with pytest.raises(HubError, match="names no model on the Hub"):
        look_up(str(folder))
    for name in ("hub:a/b@main", known, "fashion-mnist-resnet"):
        assert not is_path(name)


CHECKPOINT = {"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(1), "first_stage_model.x": torch.zeros(1)}
LORAS = (
    {"lora_unet_down_blocks_0.lora_up.weight": torch.zeros(1)},
    {"unet.down_blocks.0.attn1.to_q.lora_A.weight": torch.zeros(1)},
    {"unet.up_blocks.0.processor.to_q_lora.down.weight": torch.zeros(1)},
    {"base_model.model.q.lora_B.weight": torch.zeros(1)},
)


def test_what_a_file_is_that_is_no_pipeline(folder: Path, hub: StubHub, tmp_path: Path) -> None:
    one, repo = tmp_path / "one.safetensors", tmp_path / "repo"
    repo.mkdir()
    hub.repos["me/one"] = StubRepo(repo)
    cases = [(CHECKPOINT, "is a checkpoint of Stable Diffusion in one file"), *((lora, "is a LoRA") for lora in LORAS)]
    for n, (tensors, sentence) in enumerate(cases):
        save_file(tensors, one)
        shutil.copy(one, repo / "model.safetensors")
        hub.repos["me/one"].commit = f"{n + 1:040x}"
        inside = tmp_path / f"folder{n}"
        inside.mkdir()
        shutil.copy(one, inside)
        for look in (lambda: look_up_here(str(one)), lambda: resolve("hub:me/one"), lambda: look_up_here(str(inside))):  # noqa: B023
            with pytest.raises(HubError, match=sentence) as caught:
                look()
            assert "then give that folder with --model." in caught.value.hint
    (folder / "unet/diffusion_pytorch_model.safetensors").rename(folder / "unet/diffusion_pytorch_model.bin")
    ckpt, net = tmp_path / "model.ckpt", tmp_path / "net.safetensors"
    ckpt.write_bytes(b"x")
    save_file({"fc.weight": torch.zeros(1)}, net)
    for path, sentence in (
        (ckpt, "is a checkpoint of Stable Diffusion in one file"),
        (net, "is a file and no pipeline. .* --weights"),
        (folder, "holds weights as pickles, which are never read here"),
        (tmp_path / "nothing", "There is no folder"),
        (tmp_path, "one.safetensors is a LoRA|model.ckpt is a checkpoint"),
        (folder / "tokenizer", "holds no model_index.json"),
    ):
        with pytest.raises(HubError, match=sentence):
            look_up_here(str(path))


def test_several_checkpoints_of_a_repository_are_named_too(
    hub: StubHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfr_core.hub.resolve.LARGE", 5)
    repo = tmp_path / "several"
    repo.mkdir()
    hub.repos["me/several"] = StubRepo(repo)
    for name in ("a.ckpt", "b.ckpt"):
        (repo / name).write_bytes(b"123456")
    with pytest.raises(HubError, match=r"a\.ckpt of me/several is a checkpoint of Stable Diffusion in one file"):
        resolve("hub:me/several")
    for name in ("a", "b"):
        (repo / f"{name}.ckpt").unlink()
        save_file(CHECKPOINT, repo / f"{name}.safetensors")
    hub.repos["me/several"].commit = "1" * 40
    with pytest.raises(HubError, match=r"a\.safetensors of me/several is a checkpoint"):
        resolve("hub:me/several")


def test_a_listed_part_that_is_missing(folder: Path) -> None:
    shutil.rmtree(folder / "tokenizer")
    with pytest.raises(HubError, match="The pipeline lists 'tokenizer' but holds no files of it"):
        look_up_here(str(folder))
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "_class_name": "FluxPipeline"}))
    with pytest.raises(HubError, match="is a FluxPipeline, which cannot be opened here"):
        look_up_here(str(folder))
