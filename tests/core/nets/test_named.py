"""Architectures by name: what a text or a file says, and what is refused."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from torchvision.models import SwinTransformer, swin_t

from sfr_core.errors import AssetError, UnknownName
from sfr_core.nets.named import build_network, build_without_weights, read_architecture


def test_arguments_are_typed_and_reading_is_kept_apart() -> None:
    found = read_architecture("torchvision:swin_t?embed_dim=8&depths=1,1&mlp_ratio=2.5&size=32&mean=0.5&mirror=true")
    assert found.name == "torchvision:swin_t"
    assert found.kwargs == {"embed_dim": 8, "depths": [1, 1], "mlp_ratio": 2.5}
    assert (found.size, found.mean, found.mirror) == ((32, 32), (0.5,), True)


def test_what_is_cut_filled_and_sorted_is_an_argument_too() -> None:
    found = read_architecture("torchvision:resnet18?crop=0.875&background=%23102030&class_order=natural")
    assert (found.crop, found.background, found.class_order, found.kwargs) == (0.875, "#102030", "natural", {})
    plain = read_architecture("torchvision:resnet18")
    assert (plain.crop, plain.background, plain.class_order) == (None, "white", "alphabetical")


def test_a_json_file_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "arch.json"
    path.write_text(
        json.dumps({"name": "torchvision:swin_t", "kwargs": {"embed_dim": 8}, "size": [32, 24], "classes": ["b", "a"]})
    )
    found = read_architecture(str(path))
    assert (found.kwargs, found.size, found.classes) == ({"embed_dim": 8}, (32, 24), ("b", "a"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no name"),
        ("torchvision:swin_t?weights=DEFAULT", "'weights' cannot be set"),
        ("timm:resnet18?pretrained=true", "'pretrained' cannot be set"),
        ("timm:resnet18?checkpoint_path=/etc/passwd", "'checkpoint_path' cannot be set"),
        ("x?size=0", "'size' cannot be"),
        ("x?size=1,2,3", "'size' cannot be"),
        ("x?std=0", "'std' cannot be"),
        ("x?mean=nan", "'mean' cannot be"),
        ("x?channels=2", "'channels' cannot be"),
        ("x?crop=0", "'crop' cannot be"),
        ("x?crop=1.5", "'crop' cannot be"),
        ("x?class_order=random", "'class_order' cannot be"),
        ("x?background=3", "'background' cannot be"),
        ("missing.json", "cannot be read"),
    ],
)
def test_bad_texts_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(AssetError, match=sentence):
        read_architecture(text)


def test_an_unknown_field_of_a_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "arch.json"
    path.write_text(json.dumps({"name": "SmallResNet", "sise": 8}))
    with pytest.raises(UnknownName, match="'size'"):
        read_architecture(str(path))


def test_a_small_swin_is_torchvisions_own_class_with_fewer_channels() -> None:
    text = "torchvision:swin_t?embed_dim=8&depths=1,1&num_heads=1,2&window_size=2,2&patch_size=2,2"
    torch.manual_seed(0)
    built = build_network(read_architecture(text), classes=3, channels=3)
    torch.manual_seed(0)
    expected = SwinTransformer(
        [2, 2], 8, [1, 1], [1, 2], [2, 2], stochastic_depth_prob=0.2, num_classes=3
    )  # 0.2 is swin_t's own rate
    assert type(built) is SwinTransformer
    mine, theirs = built.state_dict(), expected.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[k], theirs[k]) for k in mine)


def test_swin_t_without_arguments_has_the_published_shapes() -> None:
    with torch.device("meta"):
        built = build_network(read_architecture("torchvision:swin_t"), classes=5, channels=3)
        expected = swin_t(num_classes=5)
        wider = build_network(read_architecture("torchvision:swin_t?mlp_ratio=4.0"), classes=5, channels=3)
    shapes = {k: v.shape for k, v in expected.state_dict().items()}
    assert {k: v.shape for k, v in built.state_dict().items()} == shapes
    assert {k: v.shape for k, v in wider.state_dict().items()} == shapes  # the table SWINS repeats torchvision's values


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("torchvision:swin_tt", UnknownName, "'swin_t'"),
        ("keras:x", UnknownName, "torchvision:NAME"),
        ("torchvision:swin_t?embed_dim=8&nonsense=1", AssetError, "nonsense"),
        ("torchvision:SwinTransformer?embed_dim=8", AssetError, "cannot be built"),
        ("torchvision:resnet18?norm=x", AssetError, "cannot be built"),
    ],
)
def test_what_cannot_be_built_is_refused(text: str, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        build_network(read_architecture(text), classes=3, channels=3)


def test_timm_where_it_is_installed_and_a_hint_where_it_is_not() -> None:
    if importlib.util.find_spec("timm") is None:
        with pytest.raises(AssetError, match="pip install timm"):
            build_network(read_architecture("timm:resnet18"), classes=3, channels=1)
        return
    with torch.device("meta"):
        built = build_network(read_architecture("timm:resnet18"), classes=3, channels=1)
    assert built.state_dict()["conv1.weight"].shape[1] == 1
    with pytest.raises(UnknownName):
        build_network(read_architecture("timm:hf-hub:someone/x"), classes=3, channels=1)


def test_a_small_stem_keeps_the_size_of_small_pictures() -> None:
    network = build_network(read_architecture("torchvision:resnet18?stem=small"), classes=10, channels=3)
    assert tuple(network.conv1(torch.zeros(1, 3, 32, 32)).shape) == (1, 64, 32, 32)  # type: ignore[operator]
    assert isinstance(network.maxpool, torch.nn.Identity)
    assert tuple(network.eval()(torch.zeros(1, 3, 32, 32)).shape) == (1, 10)
    with pytest.raises(AssetError, match="only a ResNet has a small stem"):
        build_network(read_architecture("torchvision:swin_t?stem=small"), classes=10, channels=3)


@pytest.mark.parametrize("name", ["regnet_x_400mf", "swin_t", "vit_b_32", "googlenet", "inception_v3"])
def test_a_network_without_weights_has_the_shapes_of_the_network(name: str) -> None:
    architecture = read_architecture(f"torchvision:{name}")
    hollow = build_without_weights(architecture, classes=3, channels=3)
    assert hollow is not None
    assert sum(p.numel() for p in hollow.parameters() if p.device.type == "cpu") < 1_000_000
    with torch.device("meta") if name != "regnet_x_400mf" else torch.device("cpu"):
        whole = build_network(architecture, classes=3, channels=3)
    assert [(k, v.shape) for k, v in hollow.state_dict().items()] == [
        (k, v.shape) for k, v in whole.state_dict().items()
    ]


def test_auxiliary_heads_are_left_out_unless_they_are_asked_for() -> None:
    def heads(text: str) -> bool:
        network = build_without_weights(read_architecture(text), classes=3, channels=3)
        assert network is not None
        return any(name.startswith("aux") for name in network.state_dict())

    assert not heads("torchvision:googlenet")
    assert heads("torchvision:googlenet?aux_logits=true")
