"""Downloads: only what is missing, taken up where they broke, checked, and refused without a trace."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from diffusers import DiTPipeline
from huggingface_hub import constants

from sfr_core.cancel import CancelToken, Stopped
from sfr_core.errors import HubError
from sfr_core.hub.fetch import fetch, view
from sfr_core.hub.resolve import resolve, snapshot_folder
from tests.core.hub_stub import StubHub

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


def test_the_folder_opens_as_a_pipeline(hub: StubHub, saved: Path) -> None:
    folder = fetch(resolve("hub:tiny/dit"))
    there = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert there == {
        p.relative_to(saved / "dit").as_posix(): p.read_bytes() for p in (saved / "dit").rglob("*") if p.is_file()
    }
    pipeline = DiTPipeline.from_pretrained(folder)
    assert pipeline.transformer.config.num_embeds_ada_norm == 10


def test_nothing_is_asked_for_twice(hub: StubHub) -> None:
    model = resolve("hub:tiny/sd")
    fetch(model)
    before = dict(hub.asked)
    fetch(model)
    assert dict(hub.asked) == before


def test_a_broken_download_goes_on_where_it_broke(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 512)  # whole chunks are kept; they have 10 MB
    hub.repos["tiny/dit"].cut = {WEIGHTS: 1000}
    folder = fetch(resolve("hub:tiny/dit"))
    assert hub.ranges == ["bytes=512-"]
    assert (folder / WEIGHTS).read_bytes() == (hub.repos["tiny/dit"].folder / WEIGHTS).read_bytes()


def test_a_second_attempt_asks_only_for_what_is_missing(hub: StubHub) -> None:
    model = resolve("hub:tiny/dit")
    hub.repos["tiny/dit"].lie = {WEIGHTS}
    with pytest.raises(
        HubError, match=rf"{WEIGHTS} of tiny/dit is damaged: its hash is not the Hub's\. It was removed"
    ):
        fetch(model)
    hub.asked.clear()
    hub.repos["tiny/dit"].lie = set()
    folder = fetch(model)
    assert hub.downloads() == [WEIGHTS]
    assert (folder / WEIGHTS).read_bytes() == (hub.repos["tiny/dit"].folder / WEIGHTS).read_bytes()


@pytest.mark.parametrize("path", [WEIGHTS, "vae/config.json"])  # sha256 of a large file, git's hash of a small one
def test_a_file_that_was_changed_here(hub: StubHub, path: str) -> None:
    model = resolve("hub:tiny/dit")
    folder = fetch(model)
    data = (folder / path).read_bytes()
    (folder / path).resolve().write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(HubError, match="is damaged"):
        fetch(model)
    assert (fetch(model) / path).read_bytes() == data


@pytest.mark.parametrize(("status", "sentence"), [(401, "tiny/dit"), (403, "asks you to accept its terms")])
def test_gated(hub: StubHub, tmp_path: Path, status: int, sentence: str) -> None:
    model = resolve("hub:tiny/dit")
    hub.repos["tiny/dit"].gated = status
    with pytest.raises(HubError, match=sentence) as caught:
        fetch(model)
    assert "hf auth login" in caught.value.hint
    assert not list((tmp_path / "cache").rglob("*.safetensors"))
    assert resolve("hub:tiny/dit").gated


def test_pickles_are_refused(hub: StubHub, saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved / "dit", tmp_path / "dit")
    (tmp_path / "dit" / WEIGHTS).rename(tmp_path / "dit/transformer/diffusion_pytorch_model.bin")
    hub.repos["tiny/dit"] = replace(hub.repos["tiny/dit"], folder=tmp_path / "dit")
    model = resolve("hub:tiny/dit")
    with pytest.raises(
        HubError, match=r"weights as pickles, which are never read here .*convert hub:tiny/dit@0123456789"
    ):
        fetch(model)
    assert set(hub.downloads()) == {"model_index.json"}


def test_a_full_disk(hub: StubHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = resolve("hub:tiny/sd")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_300_000))
    with pytest.raises(HubError, match=r"tiny/sd needs 1[45]\d kB of disk, and 1\.3 MB are free\. Free some space"):
        fetch(model)
    assert set(hub.downloads()) == {"model_index.json"}


def test_the_network_goes_during_a_download(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    model = resolve("hub:tiny/dit")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="The Hub cannot be reached"):
        fetch(model)


def test_a_run_that_opens_the_same_model_now_does_not_disturb(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    model = resolve("hub:tiny/dit")
    folder = fetch(model)
    link, source = folder / WEIGHTS, snapshot_folder(model.name)
    wanted = link.resolve()
    link.unlink()
    put = Path.symlink_to

    def late(self: Path, target: Path) -> None:
        os.symlink(wanted, link)  # the other run was faster
        put(self, target)

    monkeypatch.setattr(Path, "symlink_to", late)
    assert view(model, source) == folder
    assert link.resolve() == wanted
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == {f.path for f in model.files}


def test_a_watched_download_tells_of_every_byte(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 512)
    model, told = resolve("hub:tiny/dit"), []
    fetch(model, told.append)
    # The index was downloaded when the model was looked up.
    assert sum(told) == model.bytes - (hub.repos["tiny/dit"].folder / "model_index.json").stat().st_size
    assert len(told) > len(model.files)


def test_a_watcher_can_end_a_download_and_the_next_one_goes_on_from_there(
    hub: StubHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 512)
    model, token, told = resolve("hub:tiny/dit"), CancelToken(), []

    def watch(n: int) -> None:
        told.append(n)
        if sum(told) > 5000:
            token.cancel()
        token.check()

    with pytest.raises(Stopped):
        fetch(model, watch)
    assert sum(told) < model.bytes
    folder = fetch(model)
    assert all((folder / f.path).stat().st_size == f.size for f in model.files)
