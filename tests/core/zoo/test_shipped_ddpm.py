"""Generators in the zoo: opened from diffusers' folder to the bit, and every kind of damage is one clear sentence."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNet2DModel

from sfr_core.errors import AssetError
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.shipped import open_model
from tests.core.tiny import same, state
from tests.core.tiny_unet import WEIGHTS, ddpm_card, unet_folder


def test_the_network_is_the_one_that_diffusers_opens(tmp_path: Path) -> None:
    card = ddpm_card(tmp_path)
    rng = torch.random.get_rng_state()
    model = open_model(card)
    assert torch.equal(rng, torch.random.get_rng_state())
    theirs = UNet2DModel.from_pretrained(tmp_path, torch_dtype=torch.float32, local_files_only=True)
    assert same(state(model), state(theirs))
    assert all(tensor.dtype == torch.float32 for tensor in model.state_dict().values())
    assert not model.training
    assert sum(p.numel() for p in model.parameters()) == card.parameters


def test_a_flipped_byte_of_the_weights_is_refused(tmp_path: Path) -> None:
    card = ddpm_card(tmp_path)
    raw = bytearray((tmp_path / WEIGHTS).read_bytes())
    raw[-1] ^= 1
    (tmp_path / WEIGHTS).write_bytes(bytes(raw))
    with pytest.raises(AssetError, match="damaged"):
        open_model(card)


@pytest.mark.parametrize("name", ["config.json", "scheduler_config.json", WEIGHTS])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    card = ddpm_card(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(AssetError, match=name) as caught:
        open_model(card)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("config.json", "{", "cannot be read"), ("config.json", "[]", "cannot be read"),
        ("config.json", '{"block_out_channels": 3}', "no U-Net"), ("scheduler_config.json", "[]", "cannot be read"),
    ],
)  # fmt: skip
def test_a_damaged_description_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    card = ddpm_card(tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(AssetError, match=said):
        open_model(card)


@pytest.mark.parametrize(
    "change", [{"beta_schedule": "scaled_linear"}, {"prediction_type": "v_prediction"}, {"beta_end": 0.01}], ids=str
)
def test_another_noise_schedule_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    card = ddpm_card(tmp_path)
    path = tmp_path / "scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(AssetError, match=next(iter(change))):
        open_model(card)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    size, digest = unet_folder(tmp_path / "other", block_out_channels=(4, 8))
    card = ddpm_card(tmp_path / "mine", bytes=size, sha256=digest)
    (tmp_path / "other" / WEIGHTS).replace(tmp_path / "mine" / WEIGHTS)
    with pytest.raises(AssetError, match="another network"):
        open_model(card)


def test_all_models_share_one_judge_until_its_files_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "fashion-mnist-judge"
    shutil.copytree(zoo.MODELS / folder.name, folder)
    monkeypatch.setattr(zoo, "MODELS", tmp_path)
    card = ddpm_card(tmp_path / "m", judge=folder.name)
    first = zoo.open_judge(card)
    assert zoo.open_judge(replace(card, id="another")) is first
    os.utime(folder / "model.safetensors", ns=(1, 1))
    assert zoo.open_judge(card) is not first
    (folder / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(AssetError):
        zoo.open_judge(card)
