"""Whole pipelines from a folder: opened as diffusers opens them, and every kind of damage is one clear sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DiTPipeline

from sfr_core.errors import AssetError
from sfr_core.nets.pipelines import class_names, open_pipeline, picture_side, read_index
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import read_card, write_card
from tests.core.tiny import CLASSES, same, state
from tests.core.tiny_dit import FILE, SIDE, VAE_FILE, dit_card, dit_folder
from tests.core.tiny_sd import sd_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dit_folder(tmp_path / "m")
    return tmp_path / "m"


def test_the_pipeline_is_the_one_that_diffusers_opens(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    card = dit_card(tmp_path / "m")
    capfd.readouterr()
    held = torch.random.get_rng_state()
    mine = zoo.open_whole(card)
    assert capfd.readouterr() == ("", "")
    assert torch.equal(held, torch.random.get_rng_state())
    theirs = DiTPipeline.from_pretrained(tmp_path / "m", local_files_only=True)
    for part in ("transformer", "vae"):
        a, b = getattr(mine, part), getattr(theirs, part)
        assert not a.training
        assert same(state(a), {name: tensor.float() for name, tensor in state(b).items()})
        assert all(tensor.dtype == torch.float32 for tensor in a.state_dict().values())
    assert mine.labels == {name: i for i, name in enumerate(CLASSES)}
    assert same(state(zoo.open_model(card)), state(mine.transformer))


def test_names_and_size_are_read_without_opening_a_network(tmp_path: Path) -> None:
    card = dit_card(tmp_path / "m")
    dataset = zoo.open_dataset(card)
    assert dataset.class_names == CLASSES
    assert (len(dataset.train), len(dataset.test)) == (0, 0)
    assert dataset.train.images.shape[1:] == (SIDE, SIDE, 3)


def test_of_several_names_the_first_counts_and_shared_ones_are_told_apart() -> None:
    labels = {"0": "tench, Tinca tinca", "1": "crane", "2": "Crane, lifting", "3": "bee"}
    assert class_names({"id2label": labels}) == ("tench", "crane 1", "Crane 2", "bee")
    for bad in ({}, {"id2label": {}}, {"id2label": {"0": "a", "2": "b"}}):
        with pytest.raises(AssetError, match="does not name its classes"):
            class_names(bad)


@pytest.mark.parametrize("name", [FILE, VAE_FILE])
def test_a_flipped_byte_of_any_part_is_refused(tmp_path: Path, name: str) -> None:
    card = dit_card(tmp_path / "m")
    raw = bytearray((card.folder / name).read_bytes())
    raw[-1] ^= 1
    (card.folder / name).write_bytes(bytes(raw))
    with pytest.raises(AssetError, match=f"{name} is damaged"):
        zoo.open_whole(card)
    (card.folder / name).unlink()
    with pytest.raises(AssetError, match=f"{name} is missing") as caught:
        zoo.open_model(card)
    assert caught.value.hint


def test_weights_that_no_card_lists_are_refused(tmp_path: Path) -> None:
    card = dit_card(tmp_path / "m", parts={})
    with pytest.raises(AssetError, match=r"does not list .*vae"):
        zoo.open_whole(card)


def test_pickles_are_never_read(folder: Path) -> None:
    for name in (FILE, VAE_FILE):
        (folder / name).rename((folder / name).with_suffix(".bin"))
    with pytest.raises(AssetError, match="cannot be opened"):
        open_pipeline(folder, "dit", {})


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("model_index.json", "{", "cannot be read"), ("model_index.json", '{"_class_name": "OtherPipeline"}', "no DiTPipeline"),
        ("scheduler/scheduler_config.json", "[]", "cannot be read"), ("transformer/config.json", '{"sample_size": "x"}', "size of its pictures"),
        ("vae/config.json", "{", "cannot be read"),
    ],
)  # fmt: skip
def test_a_damaged_description_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    card = dit_card(tmp_path / "m")
    (card.folder / name).write_text(text)
    ask = zoo.open_whole if name.startswith("scheduler") else zoo.open_dataset
    with pytest.raises(AssetError, match=said):
        ask(card)


@pytest.mark.parametrize("change", [{"beta_schedule": "scaled_linear"}, {"prediction_type": "v_prediction"}], ids=str)
def test_another_noise_schedule_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    card = dit_card(tmp_path / "m")
    path = card.folder / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(AssetError, match=next(iter(change))):
        zoo.open_whole(card)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num_train_timesteps": 500}, "has not 1000 steps"),
        ({"prediction_type": "sample"}, "neither noise nor velocity"),
        ({"rescale_betas_zero_snr": True}, "ends in pure noise"),
    ],
    ids=str,
)
def test_a_stable_diffusion_that_our_sampler_cannot_follow_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    card = sd_folder(tmp_path / "m")
    path = card.folder / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(AssetError, match=said):
        zoo.open_whole(card)


def test_index_and_size(folder: Path) -> None:
    assert read_index(folder, "dit")["_class_name"] == "DiTPipeline"
    assert picture_side(folder, "dit") == SIDE
    with pytest.raises(AssetError, match="no StableDiffusionPipeline"):
        read_index(folder, "text-to-image")


def test_a_card_names_every_weight_file(tmp_path: Path) -> None:
    card = dit_card(tmp_path / "m")
    assert set(card.weight_files) == {FILE, VAE_FILE}
    write_card(card)
    assert read_card(card.folder) == card
