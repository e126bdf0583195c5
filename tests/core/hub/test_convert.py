"""Pickles become safetensors on request, only as tensors, and the conversion is what the commit means from then on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import DiTPipeline
from huggingface_hub import constants
from safetensors.torch import load_file

from sfr_core.errors import HubError
from sfr_core.hub.convert import convert
from sfr_core.hub.fetch import fetch
from sfr_core.hub.resolve import resolve
from tests.core.hub_stub import COMMIT, StubHub


class Harm:
    """What a pickle may do when it is read: here, make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_a_converted_pipeline_has_the_same_weights(
    pickled: StubHub, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(resolve("hub:tiny/dit").pickles) == 2
    done = convert("hub:tiny/dit@main")
    assert done.id == f"hub:tiny/dit@{COMMIT}"
    assert not done.pickles
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    folder = fetch(resolve("hub:tiny/dit@main"))
    assert not list(folder.rglob("*.bin"))
    mine, theirs = DiTPipeline.from_pretrained(folder), DiTPipeline.from_pretrained(saved / "dit")
    for part in ("transformer", "vae"):
        expected = getattr(theirs, part).state_dict()
        assert all(torch.equal(v, expected[k]) for k, v in getattr(mine, part).state_dict().items())


def test_a_pickle_with_more_than_tensors_is_not_run(pickled: StubHub, tmp_path: Path) -> None:
    mark = tmp_path / "harm"
    torch.save(
        {"w": torch.zeros(2), "x": Harm(mark)}, pickled.repos["tiny/dit"].folder / "vae/diffusion_pytorch_model.bin"
    )
    with pytest.raises(HubError, match="no plain file of tensors, so it is not read"):
        convert("hub:tiny/dit")
    assert not mark.exists()
    assert not list((tmp_path / "assets").rglob("*.safetensors"))
    assert resolve("hub:tiny/dit").pickles


def test_a_checkpoint_of_a_training_script(hub: StubHub, tmp_path: Path) -> None:
    (tmp_path / "net/model.safetensors").unlink()
    shared = torch.arange(6.0).reshape(2, 3)
    inside = {"module.a": shared, "module.b": shared.T}
    torch.save({"state_dict": inside, "epoch": 3}, tmp_path / "net/full.pth")
    torch.save(shared, tmp_path / "net/other.pth")
    convert("hub:tiny/net#full.pth")
    tensors = load_file(fetch(resolve("hub:tiny/net#full.pth")) / "model.safetensors")
    assert torch.equal(tensors["a"], shared)
    assert torch.equal(tensors["b"], shared.T)
    with pytest.raises(HubError, match=r"other\.pth of tiny/net holds no state dict"):
        convert("hub:tiny/net#other.pth")


def test_nothing_to_convert(hub: StubHub) -> None:
    with pytest.raises(HubError, match="tiny/dit has safetensors already"):
        convert("hub:tiny/dit")


def test_a_converted_file_that_was_changed(pickled: StubHub) -> None:
    weights = fetch(convert("hub:tiny/dit")) / "vae/diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(HubError, match=rf"damaged.*convert hub:tiny/dit@{COMMIT}"):
        fetch(resolve("hub:tiny/dit"))
    fetch(convert("hub:tiny/dit"))
