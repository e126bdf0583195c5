"""State dicts of files: prefixes go, heads that only train go, and NaN is refused; without loading torch where names are enough."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sfr_core.errors import AssetError
from sfr_core.zoo.state_dicts import WRAPPERS, bare_names, of_network, own_tensors, shapes_in


@pytest.mark.parametrize(
    ("names", "bare"),
    [
        (["module.a", "module.b"], ["a", "b"]),
        (["_orig_mod.a"], ["a"]),
        (["model.module.a", "model.module.b"], ["a", "b"]),
        (["module._orig_mod.model.a"], ["a"]),
        (["model.a", "b"], ["model.a", "b"]),  # a prefix stands before every name, or it is a part's own name
        (["modulo.a"], ["modulo.a"]),
        ([], []),
    ],
)
def test_what_wrappers_put_before_all_names_goes(names: list[str], bare: list[str]) -> None:
    assert bare_names(names) == dict(zip(names, bare, strict=True))


def test_a_part_of_a_pipeline_may_call_itself_model() -> None:
    assert bare_names(["module.model.a"], WRAPPERS) == {"module.model.a": "model.a"}


def test_heads_that_only_train_go_where_the_network_has_none() -> None:
    found = ["conv.weight", "aux1.fc.weight", "AuxLogits.fc.weight"]
    assert of_network(["conv.weight"], found) == {"conv.weight"}
    assert of_network(["conv.weight", "aux1.fc.weight"], found) == {"conv.weight", "aux1.fc.weight"}


def test_a_value_that_is_no_number_is_refused_with_its_tensor() -> None:
    for bad in (float("nan"), float("inf")):
        with pytest.raises(AssetError, match=r"w\.safetensors holds values that are no numbers .*'b'"):
            own_tensors(
                {"model.a": torch.ones(2), "model.b": torch.tensor([1.0, bad])}, {"a", "b"}, name="w.safetensors"
            )
    found = own_tensors({"module.a": torch.ones(2), "module.aux1.b": torch.tensor(float("nan"))}, {"a"}, name="w")
    assert list(found) == ["a"]  # nobody asks the head that was left out


def test_shapes_stand_under_the_bare_names(tmp_path: Path) -> None:
    save_file({"module.a": torch.ones(2, 3), "module.b": torch.ones(4)}, tmp_path / "w.safetensors")
    assert shapes_in(tmp_path / "w.safetensors") == {"a": (2, 3), "b": (4,)}
    (tmp_path / "w.safetensors").write_bytes(b"broken")
    assert shapes_in(tmp_path / "w.safetensors") == {}
