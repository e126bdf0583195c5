"""A classifier of one's own, tested with a tiny Swin: the three parts fit, or one sentence says which does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sfr_core.errors import AssetError
from sfr_core.nets.named import build_network, read_architecture
from sfr_core.zoo.uploaded import open_uploaded
from tests.core.own_files import COLOURS, write_own, write_pictures

SWIN = (
    "torchvision:swin_t?embed_dim=8&depths=1,1&num_heads=1,2&window_size=2,2&patch_size=2,2&size=16&mean=0.5&std=0.25"
)


def test_a_tiny_swin_answers_as_the_saved_one(tmp_path: Path) -> None:
    files = write_own(tmp_path, SWIN)
    own = open_uploaded(files.data, files.weights, SWIN)
    assert own.dataset.train.images.shape == (24, 16, 16, 3)
    assert own.dataset.class_names == tuple(sorted(COLOURS))
    assert (own.dataset.mean, own.dataset.std) == ((0.5,) * 3, (0.25,) * 3)
    model = own.build_trained()
    assert not model.training
    saved = load_file(files.weights)
    assert own.card.parameters == sum(v.numel() for k, v in saved.items() if "index" not in k)
    assert all(torch.equal(v, saved[k]) for k, v in model.state_dict().items())
    assert own.card.source == "own"
    assert own.card.id == f"own:{own.card.sha256[:12]}"
    fresh = own.build()
    assert not torch.equal(fresh.state_dict()["head.weight"], saved["head.weight"])


def test_opening_leaves_the_callers_random_draws_alone(tmp_path: Path) -> None:
    files = write_own(tmp_path)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    open_uploaded(files.data, files.weights, files.architecture)
    assert torch.equal(torch.rand(3), expected)


def test_weights_of_another_number_of_classes(tmp_path: Path) -> None:
    files = write_own(tmp_path)
    tensors = load_file(files.weights)
    tensors["head.weight"] = torch.zeros(10, 4)
    save_file(tensors, files.weights)
    with pytest.raises(AssetError, match=r"another network.*head\.weight"):
        open_uploaded(files.data, files.weights, files.architecture)


def test_weights_that_are_missing_damaged_or_a_pickle(tmp_path: Path) -> None:
    files = write_own(tmp_path)
    with pytest.raises(AssetError, match="is missing"):
        open_uploaded(files.data, tmp_path / "no.safetensors", files.architecture)
    torch.save({}, tmp_path / "w.pt")
    with pytest.raises(AssetError, match="not a safetensors file"):
        open_uploaded(files.data, tmp_path / "w.pt", files.architecture)
    files.weights.write_bytes(files.weights.read_bytes()[:100])
    with pytest.raises(AssetError, match="not a safetensors file"):
        open_uploaded(files.data, files.weights, files.architecture)


def test_weights_exchanged_after_they_were_opened(tmp_path: Path) -> None:
    files = write_own(tmp_path)
    own = open_uploaded(files.data, files.weights, files.architecture)
    tensors = load_file(files.weights)
    save_file({k: v + 1 for k, v in tensors.items()}, files.weights)
    with pytest.raises(AssetError, match="sha256"):
        own.build_trained()


def test_a_network_that_does_not_take_the_pictures(tmp_path: Path) -> None:
    files = write_own(tmp_path, "SmallResNet?widths=4,&channels=1", channels=1)
    with pytest.raises(AssetError, match="another network"):  # the folder is RGB, the weights are for grey pictures
        open_uploaded(files.data, files.weights, "SmallResNet?widths=4,")
    own = open_uploaded(files.data, files.weights, files.architecture)
    assert own.dataset.train.images.shape[3] == 1
    with pytest.raises(AssetError, match="3 values for 1 channels"):
        open_uploaded(files.data, files.weights, files.architecture + "&mean=0.1,0.2,0.3")


def test_too_small_pictures_for_a_swin(tmp_path: Path) -> None:
    files = write_own(tmp_path, SWIN)
    small = write_pictures(tmp_path / "small", per_class=3, side=1)
    with pytest.raises(AssetError, match=r"does not classify pictures of 1 x 1 pixels and 3 channels"):
        open_uploaded(small, files.weights, SWIN.replace("&size=16", ""))


@pytest.mark.parametrize("outputs", [2, 5, 400])
def test_more_or_fewer_folders_than_the_network_has_outputs(tmp_path: Path, outputs: int) -> None:
    files = write_own(tmp_path)
    module = build_network(read_architecture(files.architecture), classes=outputs, channels=3)
    save_file(module.state_dict(), files.weights)
    with pytest.raises(AssetError, match=f"The network knows {outputs} classes, and 3 folders were brought") as said:
        open_uploaded(files.data, files.weights, files.architecture)
    assert f"one folder for each of its {outputs} classes" in said.value.hint


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model."])
def test_weights_of_a_wrapped_network_are_those_of_the_network(tmp_path: Path, prefix: str) -> None:
    files = write_own(tmp_path)
    saved = load_file(files.weights)
    save_file({prefix + name: value for name, value in saved.items()}, files.weights)
    model = open_uploaded(files.data, files.weights, files.architecture).build_trained()
    assert all(torch.equal(value, saved[name]) for name, value in model.state_dict().items())


def test_weights_with_nan_are_refused_before_anything_runs(tmp_path: Path) -> None:
    files = write_own(tmp_path)
    tensors = load_file(files.weights)
    tensors["head.bias"][1] = float("nan")
    save_file(tensors, files.weights)
    with pytest.raises(AssetError, match=r"no numbers \(NaN or infinite, in 'head\.bias'\)"):
        open_uploaded(files.data, files.weights, files.architecture)


def test_a_large_network_is_refused_by_its_file_before_it_is_built(tmp_path: Path) -> None:
    files = write_own(tmp_path)
    with pytest.raises(AssetError, match=r"another network \(torchvision:regnet_y_128gf has 637,"):
        open_uploaded(files.data, files.weights, "torchvision:regnet_y_128gf")  # 2.5 GB if it were


def test_weights_in_half_precision_become_single(tmp_path: Path) -> None:
    files = write_own(tmp_path)
    halves = {
        name: value.half() if value.is_floating_point() else value for name, value in load_file(files.weights).items()
    }
    save_file(halves, files.weights)
    model = open_uploaded(files.data, files.weights, files.architecture).build_trained()
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert all(torch.equal(value, halves[name].to(value.dtype)) for name, value in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_network_that_asks_for_the_version_of_its_weights(tmp_path: Path) -> None:
    files = write_own(tmp_path, "torchvision:mnasnet0_5?size=32")
    saved = load_file(files.weights)
    model = open_uploaded(files.data, files.weights, files.architecture).build_trained()
    assert all(torch.equal(value, saved[name]) for name, value in model.state_dict().items())
