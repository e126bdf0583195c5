"""From a name on the command line to a run's files: pinned, told about, opened by the path that every model takes."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import load_file, save_file

from sfr_core.cli.run import BAD_INPUT, main
from sfr_core.configs import RunConfig
from sfr_core.errors import AssetError, ConfigError, HubError, InputError
from sfr_core.hub.describe import check_memory, describe, hub_precision
from sfr_core.hub.offers import OFFERS
from sfr_core.hub.open import look_up, open_classifier, open_generator
from sfr_core.hub.resolve import resolve
from sfr_core.nets.named import build_network, from_timm_config, read_architecture
from sfr_core.ops import device as device_module
from sfr_core.presets import resolve as resolve_preset
from sfr_core.runs.files import read_config
from sfr_core.runs.session import Session
from sfr_core.zoo import shipped as zoo
from tests.core.hub_stub import COMMIT, StubHub, StubRepo
from tests.core.own_files import ARCHITECTURE, OwnFiles, write_own
from tests.core.tiny_dit import SMALL_DIT

DIT, SD, NET = (f"hub:tiny/{name}@{COMMIT}" for name in ("dit", "sd", "own"))
FP32 = ["--device", "cpu", "--precision", "fp32"]


@pytest.fixture(autouse=True)
def nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "_of_hub", {})
    monkeypatch.delenv("PLAYGROUND_PUBLIC", raising=False)
    monkeypatch.delenv("SPACE_ID", raising=False)


@pytest.fixture
def own(hub: StubHub, tmp_path: Path) -> OwnFiles:
    """`tiny/own`: a classifier in a repository that does not say which network it is, and pictures for it."""
    files = write_own(tmp_path / "own")
    repo = tmp_path / "repo"
    repo.mkdir()
    files.weights.rename(repo / "model.safetensors")
    hub.repos["tiny/own"] = StubRepo(repo, licence="apache-2.0")
    return files


def _settings(values: dict[str, object]) -> list[str]:
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]


def test_a_diffusion_transformer_from_its_name_to_its_files(
    hub: StubHub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {**SMALL_DIT["sfr-on"], "fisher_batches": 1, "steps": 2}
    options = ["--forget", "class:three", "--method", "sfr-on", *_settings(small), *FP32]
    out = tmp_path / "out"
    assert main(["run", "--model", "hub:tiny/dit@main", *options, "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert f"{DIT}\nkind: dit; licence: cc-by-nc-4.0\ndownload: " in said.err
    assert '"event": "Finished"' in said.out
    config = json.loads((out / "config.json").read_text())
    assert config["model"] == DIT
    assert load_file(out / "after.safetensors")
    # The branch moves on; the config still means the commit, and needs no network.
    hub.repos["tiny/dit"] = replace(hub.repos["tiny/dit"], commit="f" * 40)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(zoo, "_of_hub", {})
    session = Session.open(read_config(out))
    assert session.card.id == DIT
    assert set(load_file(out / "after.safetensors")) <= set(session.before)


def test_a_concept_of_a_stable_diffusion(
    hub: StubHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--forget", "concept:a cat", "--redirect", "a tree", "--method", "uce", *FP32]
    monkeypatch.setattr("sfr_core.hub.concepts.FREE_FORGET", 3)
    monkeypatch.setattr("sfr_core.hub.concepts.FREE_REMAIN", 6)
    out = tmp_path / "out"
    assert main(["run", "--model", "hub:tiny/sd@main", *options, "--out", str(out)]) == 0, capsys.readouterr().err
    assert json.loads((out / "config.json").read_text())["model"] == SD
    assert all(".attn2.to_" in name for name in load_file(out / "after.safetensors"))
    # Nobody judges: no result, but pictures before and after, four of each of three direct prompts and six others.
    assert not (out / "result.json").exists()
    assert [Image.open(out / f"samples-{who}.png").size for who in ("before", "after")] == [(64, 144)] * 2


def test_a_card_of_the_hub(hub: StubHub) -> None:
    card = open_generator(resolve("hub:tiny/sd"))
    assert (card.id, card.source, card.licence, card.judge) == (SD, "hub", "creativeml-openrail-m", None)
    assert card.file == "unet/diffusion_pytorch_model.safetensors"
    assert set(card.parts) == {"vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"}
    assert zoo.card(SD) is card
    assert card.id not in {c.id for c in zoo.cards()}
    with pytest.raises(AssetError, match="is not open here"):
        zoo.card(DIT)


def test_half_precision_alone_and_a_safety_checker_that_is_not_there(hub: StubHub, saved: Path, tmp_path: Path) -> None:
    """Two parts of three have half-precision files only; each becomes the network of single precision that they hold."""
    folder = tmp_path / "half"
    shutil.copytree(saved / "sd", folder)
    for name in ("unet/diffusion_pytorch_model", "text_encoder/model"):
        whole = folder / f"{name}.safetensors"
        save_file({key: value.half() for key, value in load_file(whole).items()}, folder / f"{name}.fp16.safetensors")
        whole.unlink()
    index = json.loads((folder / "model_index.json").read_text())
    index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    (folder / "model_index.json").write_text(json.dumps(index))
    hub.repos["tiny/sd"] = replace(hub.repos["tiny/sd"], folder=folder)
    model = resolve("hub:tiny/sd")
    assert "safety_checker: listed but not there, so the pipeline is opened without one" in describe(model).lines()
    card = open_generator(model)
    assert card.file == "unet/diffusion_pytorch_model.fp16.safetensors"
    pipeline = zoo.open_whole(card)
    assert pipeline.safety_checker is None
    for part, name, kept in (("unet", "diffusion_pytorch_model", False), ("vae", "diffusion_pytorch_model", True)):
        first = load_file(saved / "sd" / part / f"{name}.safetensors")
        held = getattr(pipeline, part).state_dict()
        assert all(torch.equal(held[key], value if kept else value.half().float()) for key, value in first.items())


def test_a_session_fetches_what_its_config_names(hub: StubHub) -> None:
    config = RunConfig(model="hub:tiny/dit@main", forget="class:three", method="sfr-on", settings=SMALL_DIT["sfr-on"])
    session = Session.open(config)
    assert session.config.model == session.card.id == DIT
    assert session.config.data == "data-free"


def test_other_files_of_the_same_commit_do_not_disturb(hub: StubHub) -> None:
    """Another program keeps a half-precision variant in the same cache."""
    card = open_generator(resolve("hub:tiny/dit"))
    shared = (card.folder / card.file).resolve().parents[1] / "snapshots" / COMMIT / "transformer"
    (shared / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"other")
    zoo.open_model(open_generator(resolve("hub:tiny/dit")))


def test_a_classifier_and_its_pictures(hub: StubHub, own: OwnFiles, tmp_path: Path) -> None:
    options = ["--data", str(own.data), "--architecture", ARCHITECTURE, "--forget", "class:red", "--method", "finetune"]
    out = tmp_path / "out"
    run = ["run", "--model", "hub:tiny/own@main", *options, "--set", "epochs=1", *FP32, "--out", str(out)]
    assert main(run) == 2  # the network is untrained
    assert main([*run, "--anyway"]) == 0
    assert json.loads((out / "config.json").read_text())["model"] == NET
    card = open_classifier(resolve("hub:tiny/own"), own.data, ARCHITECTURE).card
    assert (card.id, card.source, card.licence, card.title) == (NET, "hub", "apache-2.0", "tiny/own")
    told: list[int] = []
    how = {"mean": "0.5", "class_order": "natural"}
    read = open_classifier(
        resolve("hub:tiny/own"), own.data, ARCHITECTURE, reading=how, progress=lambda done, total: told.append(done)
    )
    assert read.dataset.mean == (0.5,) * 3
    assert told == list(range(1, 61))  # thirty pictures, each twice


def test_some_classes_of_an_architecture_that_names_them(hub: StubHub, own: OwnFiles) -> None:
    """The outputs keep their order, whatever the folders are; names that are not one for each output name none."""
    (own.data / "green").rename(own.data / "Sea_Green")
    named = ARCHITECTURE + "&classes=red,sea green,blue"
    data = open_classifier(resolve("hub:tiny/own"), own.data, named).dataset
    assert data.class_names == data.pictured == ("red", "sea green", "blue")
    shutil.rmtree(own.data / "red")
    assert open_classifier(resolve("hub:tiny/own"), own.data, named).dataset.pictured == ("sea green", "blue")
    with pytest.raises(AssetError, match="The 2 folders are not the 4 classes that were named"):
        open_classifier(resolve("hub:tiny/own"), own.data, named + ",grey")


def test_what_a_timm_config_says() -> None:
    config = {
        "architecture": "resnet18", "num_classes": 2, "label_names": ["cat", "dog"], "model_args": {"drop_rate": 0.1},
        "pretrained_cfg": {"input_size": [3, 32, 48], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.2]},
    }  # fmt: skip
    shape = from_timm_config(config)
    assert (shape.name, shape.size, shape.channels, shape.classes) == ("timm:resnet18", (32, 48), 3, ("cat", "dog"))
    assert (shape.mean, shape.std, shape.mirror) == ((0.5, 0.4, 0.3), (0.2, 0.2, 0.2), True)
    assert shape.kwargs == {"drop_rate": 0.1}
    with pytest.raises(AssetError, match="'pretrained' cannot be set"):
        from_timm_config({"architecture": "resnet18", "model_args": {"pretrained": True}})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model", "hub:tiny/dit", "--data", "x"], "takes no pictures"),
        (["--model", "hub:tiny/dit", "--weights", "x"], "--weights contradicts a model of the Hub"),
        (["--model", "hub:tiny/own"], "--data is missing. A classifier of the Hub needs its pictures"),
        (["--model", "hub:tiny/own", "--data", "x"], "does not say which network it is"),
        (["--model", "hub:tiny/gone"], "There is no model tiny/gone on the Hub"),
        (["--model", "hub:nonsense"], "names no model on the Hub"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    own: OwnFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    rest = ["--forget", "class:red", "--method", "sfr-on", "--out", str(tmp_path / "out")]
    assert main(["run", *options, *rest]) == BAD_INPUT
    said = capsys.readouterr()
    assert sentence in said.err
    assert not said.out
    assert not (tmp_path / "out").exists()


def test_too_little_memory(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfr_core.ops.device.free_bytes", lambda device: 100_000)
    config = RunConfig(model=DIT, forget="class:three", method="sfr-on", settings=SMALL_DIT["sfr-on"])
    with pytest.raises(HubError, match=r"needs about .* of memory, and 100 kB are free\. Choose a smaller batch"):
        Session.open(config)


def test_what_is_refused_is_what_the_facts_say(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that the page would start is let through with just the memory that it shows, and refused with one byte fewer."""
    cpu = torch.device("cpu")
    for name, kind, forget in ((DIT, "dit", "class:three"), (SD, "text-to-image", "concept:cat")):
        card = open_generator(resolve(name))
        for memory in ("plain", "spare"):
            settings = resolve_preset(name, "sfr-on", kind=kind)
            config = RunConfig(model=name, forget=forget, method="sfr-on", settings=settings, memory=memory)  # type: ignore[arg-type]
            need = describe(resolve(name)).first(spare=memory == "spare", on_gpu=False).total
            monkeypatch.setattr("sfr_core.ops.device.free_bytes", lambda device, need=need: need)
            check_memory(card, config, cpu)
            monkeypatch.setattr("sfr_core.ops.device.free_bytes", lambda device, need=need: need - 1)
            with pytest.raises(HubError, match="needs about"):
                check_memory(card, config, cpu)


def test_a_classifier_needs_room_for_what_its_network_keeps(
    hub: StubHub, own: OwnFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsaid = describe(resolve(NET))
    assert not unsaid.measured
    assert len(unsaid.lines()) == 4
    monkeypatch.setattr("sfr_core.hub.describe._measured", {})
    shape = f"{ARCHITECTURE}&classes=blue,green,red"
    monkeypatch.setattr(
        "sfr_core.hub.describe.offer_of", lambda name: replace(OFFERS[0], architecture=shape, pickles=False)
    )
    found = describe(resolve(NET))
    assert found.lines()[4].endswith("for a batch (SFR-on, preset quick)")
    kept: dict[int, torch.Tensor] = {}
    network = build_network(read_architecture(shape), classes=3, channels=3).train()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.setdefault(t.data_ptr(), t), lambda t: t):
        network(torch.zeros(8, 3, 8, 8))
    weights = {p.data_ptr() for p in network.parameters()}
    real = sum(t.untyped_storage().nbytes() for at, t in kept.items() if at not in weights)
    assert found.memory("finetune", {"batch_size": 8}, half=False).activations == pytest.approx(real, rel=0.02)
    card = open_classifier(resolve(NET), own.data).card
    settings = resolve_preset(NET, "sfr-on")
    config = RunConfig(model=NET, forget="class:red", method="sfr-on", settings=settings)
    need = found.first(on_gpu=False).total
    monkeypatch.setattr("sfr_core.ops.device.free_bytes", lambda device: need)
    check_memory(card, config, torch.device("cpu"))
    monkeypatch.setattr("sfr_core.ops.device.free_bytes", lambda device: need - 1)
    # A visitor's own card says by its origin what it is.
    for asked in (card, replace(card, id="own:1", origin=NET)):
        with pytest.raises(HubError, match=r"needs about .*Choose a smaller batch or 8-bit optimiser states\."):
            check_memory(asked, config, torch.device("cpu"))
    fewer = replace(config, settings={**settings, "batch_size": 1, "fisher_batch_size": 1})
    check_memory(card, fewer, torch.device("cpu"))


def test_a_method_with_a_teacher_needs_room_for_it(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    card, cpu = open_generator(resolve("hub:tiny/sd")), torch.device("cpu")
    settings = {"optimizer": "adam", "batch_size": 64, "trainable": "cross-attention", "prior_weight": 0.0}
    config = RunConfig(model=SD, forget="concept:cat", method="concept-ablation", settings=settings, precision="fp32")
    found = describe(resolve(SD))
    need = found.memory("concept-ablation", settings, half=False, on_gpu=False).total
    monkeypatch.setattr("sfr_core.ops.device.free_bytes", lambda device: need)
    check_memory(card, config, cpu)
    frozen = replace(config, settings={**settings, "teacher": "frozen"})
    both = replace(config, settings={**settings, "prior_weight": 1.0})
    for larger in (frozen, both):
        with pytest.raises(HubError, match="needs about"):
            check_memory(card, larger, cpu)


def test_a_method_in_closed_form_needs_no_room_to_train(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    card, found, cpu = open_generator(resolve("hub:tiny/sd")), describe(resolve(SD)), torch.device("cpu")
    config = RunConfig(model=SD, forget="concept:cat", method="uce", settings={}, precision="fp32")
    # Its network four times, live, before, after and a copy to draw with, and the other parts.
    need = 4 * 4 * found.trained + 4 * found.still
    monkeypatch.setattr("sfr_core.ops.device.free_bytes", lambda device: need)
    check_memory(card, config, cpu)
    monkeypatch.setattr("sfr_core.ops.device.free_bytes", lambda device: need - 1)
    with pytest.raises(HubError, match=r"are free\. Choose the memory 'spare'\.$"):
        check_memory(card, config, cpu)
    monkeypatch.setattr("sfr_core.ops.device.free_bytes", lambda device: 1)
    with pytest.raises(HubError, match=r"are free\. Free some memory, or choose a smaller model\.$"):
        check_memory(card, replace(config, memory="spare"), cpu)


def test_no_precision_of_a_generator_of_the_hub_is_timed(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Timing takes a second copy of the network with all of its gradients."""
    monkeypatch.setattr("sfr_core.ops.device._measured", {})
    config = RunConfig(model=DIT, forget="class:three", method="sfr-on", settings=SMALL_DIT["sfr-on"], device="cpu")
    assert Session.open(config).precision == "fp32"
    assert Session.open(replace(config, precision="bf16")).precision == "bf16"
    assert device_module._measured == {}
    gpu = torch.device("cuda")
    asked = [
        (gpu, "auto", "plain"),
        (gpu, "fp32", "plain"),
        (gpu, "fp32", "spare"),
        (torch.device("cpu"), "auto", "spare"),
    ]
    found = [hub_precision(replace(config, precision=p, memory=m), place) for place, p, m in asked]  # type: ignore[arg-type]
    assert found == ["bf16", "fp32", "fp32", "bf16"]


def test_spared_memory(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SMALL_DIT["sfr-on"]
    config = RunConfig(model=DIT, forget="class:three", method="sfr-on", settings=settings, memory="spare")
    session = Session.open(config)
    assert session.precision == "bf16"
    assert next(session.task.still[0].parameters()).element_size() == 2  # type: ignore[attr-defined]
    assert next(session.task.model.parameters()).element_size() == 4
    assert RunConfig.from_json(config.to_json()) == config
    assert "memory" not in replace(config, memory="plain").to_json()
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(InputError, match="bitsandbytes is not installed"):
        Session.open(replace(config, device="cpu", settings={**settings, "optimizer": "adam8bit"}))
    with pytest.raises(ConfigError):
        Session.open(replace(config, settings={**settings, "optimizer": "adam4bit"}))


def test_a_public_page_opens_only_what_it_offers(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "1")
    with pytest.raises(HubError, match="opens only the models that it offers: ResNet-18 on CIFAR-10"):
        look_up("hub:tiny/dit")
    assert not hub.asked
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "0")
    monkeypatch.setenv("SPACE_ID", "someone/space")
    assert look_up("hub:tiny/dit").id == DIT


@pytest.mark.parametrize("revision", [COMMIT, "main"])
def test_a_public_page_opens_an_offer_at_no_other_revision(
    hub: StubHub, monkeypatch: pytest.MonkeyPatch, revision: str
) -> None:
    """A pull request, which anybody may open, is a revision of the repository too."""
    offer = replace(OFFERS[2], id=f"hub:tiny/dit@{revision}")
    monkeypatch.setattr("sfr_core.hub.offers.OFFERS", (offer,))
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "1")
    assert look_up(offer.id).id == look_up(DIT).id == DIT
    for other in ("refs/pr/1", "f" * 40):
        with pytest.raises(HubError, match="opens only the models that it offers"):
            look_up(f"hub:tiny/dit@{other}")
