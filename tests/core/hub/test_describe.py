"""Sizes and memory, against counts by hand and against the real networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from huggingface_hub import constants
from torch import nn

from sfr_core.errors import HubError
from sfr_core.hub import OFFERS, convert, describe, fetch, offer_of, read_name, resolve
from sfr_core.hub.activations import count_activations
from sfr_core.hub.memory import in_words, needed_memory
from sfr_core.nets.named import read_architecture
from tests.core.hub_stub import StubHub
from tests.core.tiny_sd import WIDTH, tiny_cond_unet


def test_memory_by_hand() -> None:
    # Adam: 1000 * (4 + 4 + 8 + 1) + 500 * 4 + 7
    assert needed_memory(trained=1000, still=500, activations=7).total == 19_007
    # Without a mask 1 byte fewer; SGD 4 fewer.
    assert needed_memory(trained=1000, still=0, activations=0, mask=False, optimizer="sgd").total == 12_000
    # Eight-bit states: the two Fishers, 4 + 8, are one byte more than the steps, 4 + 4 + 2 + 1.
    assert needed_memory(trained=1000, still=500, activations=0, optimizer="adam8bit").total == 14_000
    spare = needed_memory(trained=1000, still=500, activations=0, optimizer="adam8bit", spare=True)
    assert (spare.weights, spare.training, spare.total) == (5_000, 8_000, 13_000)
    assert needed_memory(trained=1000, still=500, activations=0, half=True).weights == 8_000
    # What is not spared: 1000 * 4 + 500 * 2 + 300 * 4
    assert needed_memory(trained=1000, still=500, activations=0, whole=300, spare=True).weights == 6_200
    assert [in_words(n) for n in (12, 3_440, 5_000_000, 3_438_083_856)] == ["12 bytes", "3.44 kB", "5 MB", "3.44 GB"]


def test_activations_of_two_layers_by_hand() -> None:
    # A linear layer keeps its input (3 numbers), a square keeps its input (2).
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x).square()

    found = count_activations(Net, lambda dtype: (torch.zeros(1, 3, dtype=dtype),), half=False)
    assert (found.plain, found.spared) == (20, 20)
    assert count_activations(Net, lambda dtype: (torch.zeros(1, 3, dtype=dtype),), half=True).plain == 10


def test_attention_keeps_what_the_kernels_keep() -> None:
    """Counted on no device, and what autograd really keeps on a CPU, whose kernel makes no matrix of queries by keys."""

    def make() -> UNet2DConditionModel:
        return tiny_cond_unet(sample_size=16)

    def inputs(dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
        return (
            torch.zeros(1, 4, 16, 16, dtype=dtype),
            torch.zeros(1, dtype=torch.long),
            torch.zeros(1, 5, WIDTH, dtype=dtype),
        )

    model, kept = make().train(), {}
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(*inputs(torch.float32))
    # The kernel's two numbers of randomness, 16 bytes a call, are no activations.
    real = sum(s.nbytes() for s in kept.values() if s.data_ptr() not in weights and s.nbytes() > 16)
    assert count_activations(make, inputs, half=False).plain == pytest.approx(real, rel=0.05)


def test_recomputing_keeps_less(hub: StubHub) -> None:
    for name in ("hub:tiny/dit", "hub:tiny/sd"):
        found = describe(resolve(name)).activations
        assert found is not None
        assert 0 < found.spared < found.plain
        assert found.of_batch(3, spare=False) == 3 * found.plain


def test_numbers_before_and_after_the_download(hub: StubHub, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nets = {
        k: v
        for k, v in StableDiffusionPipeline.from_pretrained(saved / "sd").components.items()
        if isinstance(v, nn.Module)
    }
    numbers = {k: sum(p.numel() for p in v.state_dict().values()) for k, v in nets.items()}
    model = resolve("hub:tiny/sd")
    before = describe(model)
    assert before.trained == numbers.pop("unet")
    assert before.still == sum(numbers.values())
    assert before.cross_attention == sum(p.numel() for k, p in nets["unet"].named_parameters() if ".attn2." in k)
    assert 0 < before.missing <= model.bytes
    assert "all here" not in "".join(before.lines())
    fetch(model)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    after = describe(resolve(model.id))
    assert (after.trained, after.still, after.missing) == (before.trained, before.still, 0)


def test_a_safety_checker_and_a_teacher_take_their_room(hub: StubHub) -> None:
    found = describe(resolve("hub:tiny/sd"))
    assert found.filter == 0
    plain = found.memory(batch=1).total
    assert (
        replace(found, filter=300).memory(batch=1, spare=True).weights
        == found.memory(batch=1, spare=True).weights + 1200
    )
    assert found.memory(batch=1, teacher=True).total == plain + 4 * found.trained
    # Of a slice, the copy of the rest is spared as the rest itself is.
    cross = found.cross_attention
    one, two = (found.memory(batch=1, spare=True, cross_attention=True, teacher=t).total for t in (False, True))
    assert two - one == 4 * cross + 2 * (found.trained - cross)


def test_what_people_read(hub: StubHub) -> None:
    text = "\n".join(describe(resolve("hub:tiny/sd")).lines())
    assert "kind: text-to-image; licence: creativeml-openrail-m" in text
    assert "still to come" in text
    assert "cross-attention only: about" in text


def test_pickles_are_counted_by_their_size(pickled: StubHub) -> None:
    found = describe(resolve("hub:tiny/dit"))
    exact = describe(convert("hub:tiny/dit"))
    assert exact.trained < found.trained < 2 * exact.trained  # names and zip headers weigh in a tiny file
    assert any("convert hub:tiny/dit@" in line for line in found.lines())


def test_a_damaged_header(hub: StubHub, tmp_path: Path) -> None:
    (tmp_path / "net/model.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(HubError, match=r"model\.safetensors of tiny/net is damaged"):
        describe(resolve("hub:tiny/net"))


def test_stable_diffusion_1_fits_16_gb_only_when_it_spares() -> None:
    """The published network's own config: 859,520,964 weights, as in every copy of it."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(sample_size=64, attention_head_dim=8, cross_attention_dim=768)
    weights = {name: p.numel() for name, p in unet.named_parameters()}
    assert sum(weights.values()) == 859_520_964
    cross = sum(n for name, n in weights.items() if ".attn2." in name)
    others = {"trained": 859_520_964, "still": 123_060_480 + 83_653_863, "activations": 0, "half": True}
    assert needed_memory(**others).total > 16e9  # type: ignore[arg-type]
    assert needed_memory(**others, spare=True, optimizer="adam8bit").total < 15e9  # type: ignore[arg-type]
    slice_only = {**others, "trained": cross, "still": others["still"] + 859_520_964 - cross}  # type: ignore[operator]
    assert needed_memory(**slice_only, spare=True).total < 4e9  # type: ignore[arg-type]


def test_offers_can_be_read() -> None:
    assert len({offer.id for offer in OFFERS}) == len(OFFERS)
    for offer in OFFERS:
        assert str(offer.name) == offer.id
        assert offer.name.pinned or offer.name.revision == "main"
        assert offer.licence
        if offer.architecture:
            read_architecture(offer.architecture)
    assert offer_of(read_name("hub:CompVis/stable-diffusion-v1-4@main")) in OFFERS
    assert offer_of(read_name("hub:nobody/nothing@main")) is None
