"""Sizes and memory, against counts by hand and against the real networks."""

from __future__ import annotations

import shutil
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
from sfr_core.hub.convert import convert
from sfr_core.hub.describe import SMALL, Description, _measured, describe
from sfr_core.hub.fetch import fetch
from sfr_core.hub.memory import kept_by_autograd
from sfr_core.hub.names import read_name
from sfr_core.hub.offers import OFFERS, offer_of
from sfr_core.hub.resolve import HubModel, resolve
from sfr_core.nets.named import read_architecture
from sfr_core.presets import resolve as resolve_preset
from tests.core.hub_stub import COMMIT, StubHub
from tests.core.tiny_sd import WIDTH, tiny_cond_unet

SD = f"hub:tiny/sd@{COMMIT}"


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


def inputs(n: int, side: int, width: int) -> tuple[torch.Tensor, ...]:
    """Latents, timesteps and the states of prompts."""
    return torch.zeros(n, 4, side, side), torch.zeros(n, dtype=torch.long), torch.zeros(n, 77, width)


def test_a_safety_checker_and_a_slice(hub: StubHub) -> None:
    found = describe(resolve("hub:tiny/sd"))
    assert found.checker == 0
    plain = found.first()
    assert replace(found, checker=300).first(spare=True).weights == found.first(spare=True).weights + 1200
    # Keys and values are a part of cross-attention, which is a part of all.
    settings = resolve_preset(SD, "finetune", overrides={"batch_size": 3}, kind="text-to-image")
    picture = kept_by_autograd(tiny_cond_unet(), lambda n: inputs(n, 4, WIDTH), half=False).plain
    sizes = []
    for part in ("keys-values", "cross-attention", "full"):
        need = found.memory("finetune", {**settings, "trainable": part}, half=False)
        sizes.append(need.total)
        assert need.activations in (0, 3 * picture)
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


def test_a_config_that_describes_no_network(hub: StubHub, saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved / "sd", tmp_path / "odd")
    (tmp_path / "odd/unet/config.json").write_text('{"sample_size": "large"}')
    hub.repos["tiny/sd"] = replace(hub.repos["tiny/sd"], folder=tmp_path / "odd", commit="e" * 40)
    with pytest.raises(HubError, match=r"The config of 'unet' in tiny/sd describes no network of ours"):
        describe(resolve("hub:tiny/sd"))


STABLE = "hub:CompVis/stable-diffusion-v1-4@133a221b8aa7292a167afc5127cb63fb5005638b"
STABLE_UNET = {"sample_size": 64, "attention_head_dim": 8, "cross_attention_dim": 768}
"""The published network's own config: 859,520,964 weights, as in every copy of it."""


def test_stable_diffusion_1_fits_24_gb_and_16_gb_when_it_spares(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel(**STABLE_UNET)
    weights = {name: p.numel() for name, p in unet.named_parameters()}
    assert sum(weights.values()) == 859_520_964
    cross = sum(n for name, n in weights.items() if ".attn2." in name)
    model = cast("HubModel", SimpleNamespace(kind="text-to-image", id=STABLE))
    slices = {"full": 859_520_964, "cross-attention": cross}
    kept = kept_by_autograd(unet, lambda n: inputs(n, 64, 768), half=True)
    monkeypatch.setitem(_measured, (STABLE, True), kept)
    found = Description(
        model=model,
        trained=859_520_964,
        slices=slices,
        still=123_060_480 + 83_653_863,
        missing=0,
        checker=303_981_588,
        measured=True,
    )
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
