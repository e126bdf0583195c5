"""Cards and weights: what is shipped agrees with its card, and every kind of damage is one clear sentence."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from sfr_core.errors import AssetError, UnknownName
from sfr_core.zoo.shipped import (
    build_module,
    card,
    cards,
    load_weights,
    open_dataset,
    open_model,
    read_card,
    read_tensors,
    retrained_model,
    write_card,
)
from tests.core.tiny import same, state, tiny_net
from tests.core.tiny_run import FORGET, tiny_card


def test_importing_the_zoo_imports_no_torch() -> None:
    code = "import sys, sfr_core.zoo.shipped; sfr_core.zoo.shipped.cards(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_shipped_files_agree_with_their_cards() -> None:
    assert [c.id for c in cards()] == sorted(c.id for c in cards())
    for shipped in cards():
        files = [(shipped.file, shipped.bytes, shipped.sha256)] + [
            (g.file, g.bytes, g.sha256) for g in shipped.retrained
        ]
        for file, size, digest in files:
            raw = (shipped.folder / file).read_bytes()
            assert (len(raw), hashlib.sha256(raw).hexdigest()) == (size, digest), file
            assert size < 10_000_000
        module = open_model(shipped)
        assert sum(p.numel() for p in module.parameters()) == shipped.parameters
        assert not any(m.training for m in module.modules())


def test_an_unknown_model_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'fashion-mnist-resnet'"):
        card("fashon-mnist-resnet")


def test_a_card_survives_the_round_trip(tmp_path: Path) -> None:
    model = tiny_card(tmp_path)
    write_card(model)
    assert read_card(tmp_path) == model
    assert sorted(p.name for p in tmp_path.glob("card*")) == ["card.json"]


def test_retrained_model_by_specification_and_seed(tmp_path: Path) -> None:
    model = tiny_card(tmp_path)
    found = retrained_model(model, FORGET), retrained_model(model, FORGET, second=True)
    assert [g and (g.seed, g.second) for g in found] == [(1, False), (2, True)]
    assert retrained_model(model, "class:four") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: None, lambda d: [d], lambda d: {k: v for k, v in d.items() if k != "sha256"}, lambda d: {**d, "new": 1},
        lambda d: {**d, "retrained": [{"spec": "x"}]}, lambda d: {k: v for k, v in d.items() if k != "retrained"},
    ],
    ids=["null", "list", "missing", "unknown", "retrained", "no retrained models"],
)  # fmt: skip
def test_a_bad_card_is_one_clear_sentence(tmp_path: Path, damage: Any) -> None:
    write_card(tiny_card(tmp_path))
    path = tmp_path / "card.json"
    path.write_text(json.dumps(damage(json.loads(path.read_text()))))
    with pytest.raises(AssetError, match="cannot be read"):
        read_card(tmp_path)


def test_a_card_that_is_no_json_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(AssetError):
        read_card(tmp_path)
    (tmp_path / "card.json").write_text("{")
    with pytest.raises(AssetError):
        read_card(tmp_path)


def test_weights_are_copied_to_the_bit(tmp_path: Path) -> None:
    model = tiny_card(tmp_path)
    module = tiny_net(seed=9)
    load_weights(module, tmp_path / model.file, sha256=model.sha256)
    assert same(state(module), state(tiny_net(seed=0)))


@pytest.mark.parametrize("at", [0, 8, 200, -1])
def test_a_flipped_byte_is_refused(tmp_path: Path, at: int) -> None:
    model = tiny_card(tmp_path)
    path = tmp_path / model.file
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(AssetError, match="damaged") as caught:
        read_tensors(path, sha256=model.sha256)
    assert caught.value.hint


@pytest.mark.parametrize(
    "raw", [b"", b"\0" * 8, b"\xff" * 64, b"PK\x03\x04 a pickle in a zip", b'\x10\0\0\0\0\0\0\0{"a":1}']
)
def test_other_files_are_refused_without_a_hash_too(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(raw)
    with pytest.raises(AssetError, match="not a safetensors file"):
        read_tensors(path)


def test_missing_weights_are_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="missing"):
        read_tensors(tmp_path / "x.safetensors")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"fc.weight": torch.zeros(3, 3)}, path)
    with pytest.raises(AssetError, match="another network"):
        load_weights(tiny_net(), path)


def test_unknown_architectures_and_data_sets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="SmallResNet"):
        build_module({"name": "SmalResNet"})
    with pytest.raises(UnknownName, match="fashion-mnist"):
        open_dataset(replace(tiny_card(tmp_path), dataset="fashion"))
