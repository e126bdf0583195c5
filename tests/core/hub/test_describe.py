"""Sizes and memory, against counts by hand and against the real networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from huggingface_hub import constants
from torch import nn

from sfr_core.errors import HubError
from sfr_core.hub import OFFERS, convert, describe, fetch, offer_of, read_name, resolve
from sfr_core.hub.activations import count_activations
from sfr_core.hub.describe import SMALL, Description
from sfr_core.hub.memory import Phase, in_words, needed_memory
from sfr_core.hub.resolve import HubModel
from sfr_core.nets.named import read_architecture
from sfr_core.presets import resolve as resolve_preset
from tests.core.hub_stub import COMMIT, StubHub
from tests.core.tiny_sd import WIDTH, tiny_cond_unet

SD = f"hub:tiny/sd@{COMMIT}"


def test_memory_by_hand() -> None:
    steps = Phase(per_weight=13, batch=2, passes=1)
    # 1000 * (4 + 13) + 300 * 4 + 500 * 4 + 2 * 7
    assert needed_memory(trained=1000, rest=300, still=500, phases=[steps], activations=7).total == 20_214
    # Half precision: a copy of 2 bytes of every weight of the network for each pass that waits.
    two = Phase(per_weight=12, batch=2, passes=2)
    found = needed_memory(trained=1000, rest=300, still=500, phases=[two], activations=7, half=True)
    assert (found.weights, found.training, found.activations) == (7_200 + 2 * 2_600, 12_000, 28)
    # Spared: what does not move is halved and needs no copy; a checker is not spared.
    spare = needed_memory(
        trained=1000, rest=300, still=500, whole=10, phases=[steps], activations=7, spare=True, half=True
    )
    assert spare.weights == 4_000 + 2_000 + 600 + 1_000 + 40
    # In single precision only the blocks are recomputed: then nothing is halved.
    assert needed_memory(trained=1000, rest=300, still=500, phases=[steps], activations=7, spare=True).weights == 7_200
    # The largest phase counts, not the largest numbers of all: 12 and 900 * 7 against 13 and 7.
    mask = Phase(per_weight=8, batch=900, passes=1)
    assert needed_memory(trained=1000, still=0, phases=[steps, mask], activations=7).total == 4_000 + 8_000 + 6_300
    # A teacher is a copy of the whole network, of which the rest is spared as it is itself.
    taught = Phase(per_weight=0, copies=1)
    assert needed_memory(trained=1000, rest=300, still=0, phases=[taught], activations=7).total == 10_400
    assert (
        needed_memory(trained=1000, rest=300, still=0, phases=[taught], activations=7, spare=True, half=True).total
        == 9_200
    )
    assert (
        found.sentence()
        == "about 24.4 kB of memory: 12.4 kB for weights, 12 kB for gradients, optimiser and masks, 28 bytes for a batch"
    )
    still = needed_memory(trained=1000, still=0, phases=[Phase(per_weight=0)], activations=7)
    assert still.sentence() == "about 4 kB of memory: 4 kB for weights"  # nothing is said of what there is none of
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


def test_a_safety_checker_and_a_slice(hub: StubHub) -> None:
    found = describe(resolve("hub:tiny/sd"))
    assert found.filter == 0
    plain = found.first()
    assert replace(found, filter=300).first(spare=True).weights == found.first(spare=True).weights + 1200
    # One picture of the guided Fisher is two; keys and values are a part of cross-attention, which is a part of all.
    settings = resolve_preset(SD, "finetune", overrides={"batch_size": 3}, kind="text-to-image")
    sizes = []
    for part in ("keys-values", "cross-attention", "full"):
        need = found.memory("finetune", {**settings, "trainable": part}, half=False)
        sizes.append(need.total)
        assert need.activations in (0, 3 * 2 * found.activations.plain)  # type: ignore[union-attr]
    assert sizes == sorted(set(sizes))
    unet = sum(
        p.numel() for name, p in tiny_cond_unet().named_parameters() if ".attn2.to_k" in name or ".attn2.to_v" in name
    )
    assert found.slices["keys-values"] == unet
    assert plain.total > found.smallest().total


def test_what_people_read(hub: StubHub) -> None:
    text = "\n".join(describe(resolve("hub:tiny/sd")).lines())
    assert "kind: text-to-image; licence: creativeml-openrail-m" in text
    assert "still to come" in text
    assert "SFR-on, preset quick" in text
    assert "with optimizer=adam8bit and trainable=cross-attention too: about" in text


def test_pickles_are_counted_by_their_size(pickled: StubHub) -> None:
    found = describe(resolve("hub:tiny/dit"))
    exact = describe(convert("hub:tiny/dit"))
    assert exact.trained < found.trained < 2 * exact.trained  # names and zip headers weigh in a tiny file
    assert any("convert hub:tiny/dit@" in line for line in found.lines())


def test_a_damaged_header(hub: StubHub, tmp_path: Path) -> None:
    (tmp_path / "net/model.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(HubError, match=r"model\.safetensors of tiny/net is damaged"):
        describe(resolve("hub:tiny/net"))


STABLE = "hub:CompVis/stable-diffusion-v1-4@133a221b8aa7292a167afc5127cb63fb5005638b"
STABLE_UNET = {"sample_size": 64, "attention_head_dim": 8, "cross_attention_dim": 768}
"""The published network's own config: 859,520,964 weights, as in every copy of it."""


def stable_picture(dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    return (
        torch.zeros(1, 4, 64, 64, dtype=dtype),
        torch.zeros(1, dtype=torch.long),
        torch.zeros(1, 77, 768, dtype=dtype),
    )


def test_stable_diffusion_1_fits_24_gb_and_16_gb_when_it_spares() -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel(**STABLE_UNET)
    weights = {name: p.numel() for name, p in unet.named_parameters()}
    assert sum(weights.values()) == 859_520_964
    cross = sum(n for name, n in weights.items() if ".attn2." in name)
    model = cast("HubModel", SimpleNamespace(kind="text-to-image", id=STABLE))
    slices = {"full": 859_520_964, "cross-attention": cross}
    found = Description(
        model=model, trained=859_520_964, slices=slices, still=123_060_480 + 83_653_863, missing=0, filter=303_981_588,
        activations=count_activations(lambda: UNet2DConditionModel(**STABLE_UNET), stable_picture, half=True),
    )  # fmt: skip
    assert found.first().total < 24e9
    assert found.first(spare=True, **SMALL).total < 15e9
    assert found.first(trainable="full", optimizer="adam8bit", spare=True).total < 15.5e9
    # The published mask batches of 8, twice: more than such a card has, and said before the run.
    assert found.memory("sfr-on", resolve_preset(STABLE, "sfr-on", "published", kind="text-to-image")).total > 24e9


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
