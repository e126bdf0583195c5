"""A Hub on this machine with pipelines of the real classes; huggingface_hub is pointed at it and at an empty cache."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.utils import disable_progress_bars
from safetensors.torch import load_file, save_file

from tests.core.hub_stub import StubHub, StubRepo, stub_hub
from tests.core.tiny_dit import dit_folder
from tests.core.tiny_sd import tiny_pipeline


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `dit` and `sd`, as `save_pretrained` wrote them."""
    folder = tmp_path_factory.mktemp("pipelines")
    dit_folder(folder / "dit")
    tiny_pipeline().save_pretrained(folder / "sd")
    return folder


@pytest.fixture
def hub(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubHub]:
    """Serves `tiny/dit`, `tiny/sd` and `tiny/net` (a classifier without a config); the cache is empty."""
    net = tmp_path / "net"
    net.mkdir()
    save_file({"w": torch.zeros(3, 2)}, net / "model.safetensors")
    with stub_hub() as served:
        served.repos = {
            "tiny/dit": StubRepo(saved / "dit", licence="cc-by-nc-4.0"),
            "tiny/sd": StubRepo(saved / "sd", licence="creativeml-openrail-m"),
            "tiny/net": StubRepo(net),
        }
        monkeypatch.setattr(constants, "ENDPOINT", served.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", served.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "assets"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        disable_progress_bars()
        yield served


@pytest.fixture
def pickled(hub: StubHub, saved: Path, tmp_path: Path) -> StubHub:
    """`tiny/dit` as facebook/DiT-XL-2-256 is: both networks as .bin."""
    folder = tmp_path / "pickled"
    shutil.copytree(saved / "dit", folder)
    for part in ("transformer", "vae"):
        weights = folder / part / "diffusion_pytorch_model.safetensors"
        torch.save(load_file(weights), weights.with_suffix(".bin"))
        weights.unlink()
    hub.repos["tiny/dit"] = replace(hub.repos["tiny/dit"], folder=folder)
    return hub
