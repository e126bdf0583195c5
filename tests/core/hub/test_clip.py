"""A CLIP from the Hub: pinned, checked, remembered without a network, and one clear sentence where there is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from sfr_core.errors import HubError
from sfr_core.hub.clip import (
    CLIP,
    CLIP_BYTES,
    SWITCH,
    chosen_clip,
    clip_folder,
    clip_here,
    look_up_clip,
    open_clip,
)
from sfr_core.hub.fetch import missing_bytes
from sfr_core.hub.names import read_name
from sfr_core.metrics.agreement import Clip
from sfr_core.ops import device
from tests.core import tiny_clip
from tests.core.hub_stub import COMMIT, StubHub, StubRepo


@pytest.fixture
def served(hub: StubHub, tmp_path: Path) -> StubHub:
    folder = tiny_clip.clip_folder(tmp_path / "clip")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    hub.repos["tiny/clip"] = StubRepo(folder)
    return hub


def test_it_is_fetched_once_and_named_by_its_commit(served: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, name = clip_folder("hub:tiny/clip@main")
    assert name == f"hub:tiny/clip@{COMMIT}"
    assert "pytorch_model.bin" not in served.downloads()
    Clip(folder, torch.device("cpu"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert clip_folder(name) == (folder, name)


def test_what_is_here_needs_no_network_and_is_known_without_one(served: StubHub) -> None:
    name = f"hub:tiny/clip@{COMMIT}"
    assert not clip_here(name)
    model = look_up_clip(name)
    assert served.downloads() == []
    assert (model.licence, missing_bytes(model)) == ("mit", model.bytes)
    asked = served.asked.total()
    folder, _ = clip_folder(name)
    assert served.asked.total() > asked
    asked = served.asked.total()
    assert clip_here(name)
    assert missing_bytes(model) == 0
    assert served.asked.total() == asked
    (folder / "model.safetensors").resolve().unlink()
    assert not clip_here(name)


def test_a_page_takes_the_folder_of_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    assert chosen_clip() == CLIP
    assert pytest.approx(1_710_540_580, rel=0.01) == CLIP_BYTES  # of its weights alone, as the Hub lists them
    monkeypatch.setenv(SWITCH, "/models/clip")
    assert chosen_clip() == "/models/clip"
    assert clip_here("/models/clip")


def test_a_clip_that_does_not_fit_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, cpu = tiny_clip.clip_folder(tmp_path / "mine"), torch.device("cpu")
    assert open_clip(str(folder), cpu)[1] == "mine"
    need = (folder / "model.safetensors").stat().st_size
    monkeypatch.setattr(device, "free_bytes", lambda _: need - 1)
    with pytest.raises(HubError, match=r"The CLIP takes about .* kB of memory, and .* kB are free. Wait"):
        open_clip(str(folder), cpu)
    monkeypatch.setattr(device, "free_bytes", lambda _: need)
    open_clip(str(folder), cpu)


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert clip_folder(str(tmp_path / "mine")) == (tmp_path / "mine", "mine")


def test_where_there_is_none_one_sentence_says_so(
    served: StubHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pickled = shutil.copytree(served.repos["tiny/clip"].folder, tmp_path / "pickled")
    (pickled / "model.safetensors").unlink()
    served.repos["tiny/pickled"] = StubRepo(pickled)
    with pytest.raises(
        HubError, match=r"tiny/pickled holds no model.safetensors at this revision; pickles are never read"
    ):
        clip_folder("hub:tiny/pickled@main")
    served.repos["tiny/clip"].lie.add("model.safetensors")
    with pytest.raises(HubError, match="its hash is not the Hub's"):
        clip_folder("hub:tiny/clip@main")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert read_name(CLIP).pinned
    with pytest.raises(HubError, match=r"The Hub cannot be reached, and .* is not whole on this machine"):
        clip_folder(CLIP)
