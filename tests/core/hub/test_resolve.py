"""What a name stands for: pinned, counted, and refused with one sentence where it cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from sfr_core.errors import HubError
from sfr_core.hub.fetch import fetch
from sfr_core.hub.names import read_name
from sfr_core.hub.resolve import resolve
from tests.core.hub_stub import COMMIT, StubHub


@pytest.mark.parametrize(
    ("text", "repo", "revision"),
    [
        ("hub:a/b@main", "a/b", "main"),
        ("a/b", "a/b", "main"),
        ("hub:timm/resnet18.a1_in1k@refs/pr/1", "timm/resnet18.a1_in1k", "refs/pr/1"),
        (f"hub:a/b@{COMMIT}", "a/b", COMMIT),
        ("hub:a/b@v1#full.pth", "a/b", "v1"),
    ],
)
def test_names(text: str, repo: str, revision: str) -> None:
    name = read_name(text)
    assert (name.repo, name.revision, name.pinned) == (repo, revision, revision == COMMIT)
    assert read_name(str(name)) == name


@pytest.mark.parametrize(
    "text", ["hub:", "a", "hub:a/b/c", "hub:../b@main", "hub:a/b@", "hub:a/b@../x", "hub:a/b@x y", "hub:a/b@v1#../x"]
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(HubError, match="names no model on the Hub"):
        read_name(text)


def test_a_branch_becomes_the_commit_that_it_names(hub: StubHub) -> None:
    for revision in ("main", "refs/pr/1", COMMIT):
        assert resolve(f"hub:tiny/dit@{revision}").id == f"hub:tiny/dit@{COMMIT}"


def test_kind_licence_and_size_are_known_before_the_download(hub: StubHub, saved: Path) -> None:
    dit, sd = resolve("hub:tiny/dit"), resolve("hub:tiny/sd")
    assert (dit.kind, dit.trained, dit.licence) == ("dit", "transformer", "cc-by-nc-4.0")
    assert (sd.kind, sd.trained, sd.licence) == ("text-to-image", "unet", "creativeml-openrail-m")
    for model, folder in ((dit, saved / "dit"), (sd, saved / "sd")):
        everything = [p for p in folder.rglob("*") if p.is_file()]  # nothing in these folders is superfluous
        assert model.bytes == sum(p.stat().st_size for p in everything)
    assert set(hub.downloads()) == {"model_index.json"}
    assert {part.name: part.weights[0].path for part in sd.parts if part.weights} == {
        "unet": "unet/diffusion_pytorch_model.safetensors",
        "vae": "vae/diffusion_pytorch_model.safetensors",
        "text_encoder": "text_encoder/model.safetensors",
    }


def test_only_what_is_needed(hub: StubHub, saved: Path, tmp_path: Path) -> None:
    _copy(saved / "sd", tmp_path / "sd")
    for extra in (
        "README.md",
        "v1-5-pruned.ckpt",
        "unet/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "onnx/model.json",
    ):
        (tmp_path / "sd" / extra).parent.mkdir(exist_ok=True)
        (tmp_path / "sd" / extra).write_bytes(b"x")
    hub.repos["tiny/sd"] = replace(hub.repos["tiny/sd"], folder=tmp_path / "sd")
    whole = {p.relative_to(saved / "sd").as_posix() for p in (saved / "sd").rglob("*") if p.is_file()}
    assert {f.path for f in resolve("hub:tiny/sd").files} == whole


def test_shards_come_with_their_index(hub: StubHub, saved: Path, tmp_path: Path) -> None:
    _copy(saved / "dit", tmp_path / "dit")
    folder = tmp_path / "dit/transformer"
    (folder / "diffusion_pytorch_model.safetensors").rename(
        folder / "diffusion_pytorch_model-00001-of-00001.safetensors"
    )
    (folder / "diffusion_pytorch_model.safetensors.index.json").write_text("{}")
    hub.repos["tiny/dit"] = replace(hub.repos["tiny/dit"], folder=tmp_path / "dit")
    weights = [f.path.rpartition("/")[2] for f in resolve("hub:tiny/dit").part("transformer").weights]
    assert weights == [
        "diffusion_pytorch_model.safetensors.index.json",
        "diffusion_pytorch_model-00001-of-00001.safetensors",
    ]


@pytest.mark.parametrize(
    ("change", "text", "sentence"),
    [
        ({}, "hub:tiny/nothing", "There is no model tiny/nothing on the Hub"),
        ({"private": True}, "hub:tiny/dit", "There is no model tiny/dit on the Hub, or it is private"),
        ({}, "hub:tiny/dit@v7", "tiny/dit has no revision 'v7'"),
        ({}, f"hub:tiny/dit@{'f' * 40}", "tiny/dit has no revision"),
        ({"fail": 500}, f"hub:tiny/dit@{COMMIT}", "The Hub answered with error 500 for tiny/dit"),
        ({"fail": 500}, "hub:tiny/dit@main", "The Hub answered with error 500 for tiny/dit"),
        ({"gated": 403}, "hub:tiny/dit", "tiny/dit asks you to accept its terms first"),
    ],
)
def test_refusals(hub: StubHub, tmp_path: Path, change: dict[str, object], text: str, sentence: str) -> None:
    hub.repos["tiny/dit"] = replace(hub.repos["tiny/dit"], **change)  # type: ignore[arg-type]
    with pytest.raises(HubError, match=sentence) as caught:
        resolve(text)
    assert caught.value.hint
    assert not list((tmp_path / "cache").rglob("blobs/*"))


def test_no_network_and_nothing_here(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for text in ("hub:tiny/dit@main", f"hub:tiny/dit@{COMMIT}"):
        with pytest.raises(HubError, match="The Hub cannot be reached, and hub:tiny/dit@"):
            resolve(text)
    assert not hub.asked
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens on the discard port
    with pytest.raises(HubError, match="The Hub cannot be reached"):
        resolve("hub:tiny/dit@main")


def test_what_was_downloaded_needs_no_network(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    first = resolve("hub:tiny/dit@main")
    fetch(first)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert resolve("hub:tiny/dit@main") == first
    assert fetch(resolve(first.id)) == fetch(first)


def test_what_cannot_be_opened(hub: StubHub, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    hub.repos["tiny/other"] = replace(hub.repos["tiny/dit"], folder=folder)
    for name, content, sentence in (
        ("model_index.json", '{"_class_name": "FluxPipeline"}', "tiny/other is a FluxPipeline"),
        ("model_index.json", '{"_class_name": "DiTPipeline", "vae": ["mine", "X"]}', "needs code of its own"),
        (
            "model_index.json",
            '{"_class_name": "StableDiffusionPipeline", "tokenizer": ["transformers", "AutoTokenizer"]}',
            r"'tokenizer' may need code of its own \(AutoTokenizer\)",
        ),
        (
            "model_index.json",
            '{"_class_name": "DiTPipeline", "vae": ["diffusers", "X"]}',
            "no weights of its 'transformer'",
        ),
        ("model_index.json", "[", "The model_index.json of tiny/other is damaged"),
        ("config.json", '{"model_type": "vit"}', "not clear which file"),
    ):
        for old in folder.iterdir():
            old.unlink()
        (folder / name).write_text(content)
        hub.repos["tiny/other"].commit = f"{abs(hash(content)):040x}"[:40]
        with pytest.raises(HubError, match=sentence):
            resolve("hub:tiny/other")


def test_a_listed_part_that_is_missing_is_told_before_any_download(hub: StubHub, saved: Path, tmp_path: Path) -> None:
    _copy(saved / "sd", tmp_path / "sd")
    hub.repos["tiny/sd"] = replace(hub.repos["tiny/sd"], folder=tmp_path / "sd")
    (tmp_path / "sd/vae/diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(HubError, match="The pipeline lists 'vae' but holds no weights of it"):
        resolve("hub:tiny/sd")
    assert hub.downloads() == ["model_index.json"]


def test_which_file_holds_a_classifiers_weights(hub: StubHub, tmp_path: Path) -> None:
    assert resolve("hub:tiny/net").part("").weights[0].path == "model.safetensors"
    for name in ("a.pth", "b.pth"):
        (tmp_path / "net" / name).write_bytes(b"x")
    assert not resolve("hub:tiny/net").pickles
    (tmp_path / "net/model.safetensors").unlink()
    with pytest.raises(HubError, match=r"not clear which file holds the weights \(there: a\.pth, b\.pth\)"):
        resolve("hub:tiny/net")
    assert [f.path for f in resolve("hub:tiny/net#b.pth").pickles] == ["b.pth"]


def _copy(source: Path, target: Path) -> None:
    import shutil

    shutil.copytree(source, target)
