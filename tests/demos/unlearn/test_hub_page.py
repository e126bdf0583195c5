"""Models of the Hub on the page, from a Hub on this machine: what is said before a download, the download, and its end."""

from __future__ import annotations

import io
import json
import shutil
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import save_file

from demos.jobs import downloads as hub_page
from demos.jobs import side_jobs
from demos.jobs.book import Job, JobBook
from demos.jobs.side_jobs import SideJob
from demos.pictures import inline
from demos.records import record as run_record
from demos.result import classifier, export, tables
from demos.text import hub as words
from demos.text import unlearn as copy
from demos.unlearn import cards as form_cards
from demos.unlearn import hub_panel as panel
from demos.unlearn import options as form_values
from sfr_core import presets
from sfr_core.catalog.sources import SWIN
from sfr_core.cli.run import BAD_INPUT, main
from sfr_core.configs import RunConfig
from sfr_core.data.folder import open_folder
from sfr_core.errors import AssetError, HubError, InputError
from sfr_core.nets.named import build_network, read_architecture
from sfr_core.plan import plan
from sfr_core.presets import resolve
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import ModelCard
from tests.core.hub.conftest import hub, pickled, saved  # noqa: F401
from tests.core.hub_stub import COMMIT, StubHub, StubRepo
from tests.core.own_files import OwnFiles, write_own
from tests.demos.form_examples import cards_of
from tests.demos.page_text import seen

DIT, SD = f"hub:tiny/dit@{COMMIT}", f"hub:tiny/sd@{COMMIT}"
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    zoo._of_hub.clear()
    zoo._visitors.clear()
    zoo._origins.clear()


NETWORK = "torchvision:shufflenet_v2_x0_5"


@pytest.fixture
def swin(hub: StubHub, tmp_path: Path) -> OwnFiles:  # noqa: F811
    """A small network in the repository whose presets are the paper's for TinyImageNet, and pictures for it."""
    files = write_own(tmp_path / "own", f"{NETWORK}?size=32")
    repo = tmp_path / "swin"
    repo.mkdir()
    shutil.copy(files.weights, repo / "model.safetensors")
    hub.repos[SWIN.removeprefix("hub:")] = StubRepo(repo, licence="mit")
    return files


def opened_with(files: OwnFiles, tmp_path: Path, name: str = SWIN) -> ModelCard:
    """As the button does it, with the pictures as a zip."""
    data = shutil.make_archive(str(tmp_path / "squares"), "zip", files.data)
    found = hub_page.look(name)
    wish = ended(hub_page.download(found, panel._with_pictures(found.model, data, NETWORK)))
    assert wish.state == "done", wish.error
    assert "of its training pictures" in hub_page.ended_html(wish)
    (card,) = wish.outcomes.values()
    return card


def ran(config: RunConfig) -> Job:
    job = JobBook().submit("a" * 32, plan(config))
    limit = time.monotonic() + PATIENCE
    while job.active:
        assert time.monotonic() < limit
        time.sleep(0.02)
    assert job.error is None
    return job


def ended(wish: SideJob[ModelCard]) -> SideJob[ModelCard]:
    limit = time.monotonic() + PATIENCE
    while wish.active:
        assert time.monotonic() < limit
        time.sleep(0.02)
    return wish


def test_a_look_tells_licence_sizes_and_memory_and_downloads_no_weights(hub: StubHub) -> None:  # noqa: F811
    found = panel.look_up(" tiny/sd ")
    text = hub_page.found_html(found)
    assert found.model.id == SD
    for said in ("tiny/sd", "creativeml-openrail-m", COMMIT[:12], words.MEMORY, words.MEMORY_PROMPT, "text-to-image"):
        assert said in text
    assert found.openable
    assert 'role="alert"' not in text
    assert set(hub.ranges) == {"bytes=0-100000"}  # the heads of the weights, which say their shapes
    assert found.description.missing > 0


def test_memory_that_is_not_there_is_said_before_the_download(hub: StubHub) -> None:  # noqa: F811
    described = hub_page.look("tiny/dit").description
    short = hub_page.Found(described, 1000)
    assert short.smallest is not None
    assert short.smallest > 1000
    assert short.too_large
    assert "Forgetting takes at least" in hub_page.found_html(short)
    assert not hub_page.Found(described, short.smallest).too_large
    assert not hub_page.Found(described, None).too_large  # a system that does not tell


def test_pickles_name_the_command_that_converts_them(pickled: StubHub) -> None:  # noqa: F811
    found = hub_page.look("tiny/dit")
    assert not found.openable
    assert f"<code>python -m sfr_core convert {DIT}</code>" in hub_page.found_html(found)


@pytest.mark.parametrize(
    ("name", "said"), [("", "No model is named"), (None, "No model is named"), ("a b", "names no model")]
)
def test_a_name_that_is_none_is_one_sentence(name: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        panel.look_up(name)


def test_a_public_page_opens_only_what_it_offers(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "1")
    with pytest.raises(HubError, match="opens only the models that it offers"):
        panel.look_up("tiny/sd")


def test_a_download_opens_the_model_and_puts_it_among_the_cards(hub: StubHub) -> None:  # noqa: F811
    found = hub_page.look("tiny/sd")
    wish = ended(hub_page.download(found))
    assert wish.state == "done", wish.error
    assert wish.steps == found.description.missing // 1000
    assert "is open and chosen above" in hub_page.ended_html(wish)
    (card,) = wish.outcomes.values()
    assert zoo.card(SD) is card
    shown = form_cards.model_value(SD, [SD])
    assert shown["selected"] == [SD]
    assert cards_of(shown)["items"][-1]["id"] == SD
    assert "from the Hugging Face Hub" in cards_of(shown)["items"][-1]["about"][2]
    assert form_values.opened_ids(shown) == (SD,)
    assert form_values.takes_own_words(SD)
    assert not form_values.takes_own_words("emoji-sd")
    assert inline.dataset(SD).class_names[:2] == ("cat", "dog")
    # Once it is here, a look says so and the download has nothing to do.
    again = hub_page.look("tiny/sd")
    assert "already on this machine" in hub_page.found_html(again)


def test_a_run_that_cannot_fit_is_refused_before_it_waits(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """With just the memory that the facts show a run is queued, whatever this process holds meanwhile; with less it is refused."""
    found = hub_page.look("tiny/sd")
    assert ended(hub_page.download(found)).state == "done"
    settings = resolve(SD, "sfr-on", kind="text-to-image")
    config = RunConfig(
        model=SD, forget="concept:a cat", redirect="a tree", method="sfr-on", settings=settings, device="cpu"
    )
    need = found.description.first(on_gpu=False).total
    assert copy.size(need) in hub_page.found_html(found)
    held = 1000
    monkeypatch.setattr("sfr_core.ops.device.used_bytes", lambda device: held)
    book = JobBook(lambda job: iter(()))
    monkeypatch.setattr("sfr_core.ops.device.free_bytes", lambda device: need - held)
    assert book.submit("me", plan(config)).config == replace(config, data="data-free")  # it draws its own pictures
    monkeypatch.setattr("sfr_core.ops.device.free_bytes", lambda device: need - held - 1)
    with pytest.raises(HubError, match=r"needs about .* can be free\. Choose a smaller batch"):
        book.submit("me", plan(config))
    assert len(book.runs("me")) == 1


def test_a_stopped_download_keeps_what_came_and_is_taken_up(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 512)
    monkeypatch.setattr(side_jobs, "LOOK_SECONDS", 0.001)
    found = hub_page.look("tiny/sd")

    def slow(watch: object) -> ModelCard:
        def slower(n: int) -> None:
            time.sleep(0.005)
            watch(n)  # type: ignore[operator]

        return hub_page.open_generator(found.model, slower)

    wish = hub_page.download(found, slow)
    while wish.state == "waiting" or (wish.active and wish.done == 0):
        time.sleep(0.001)
    assert "kB of" in hub_page.progress_html(wish)
    wish.cancel.cancel()
    assert ended(wish).state == "stopped"
    assert words.STOPPED in hub_page.ended_html(wish)
    assert SD not in zoo._of_hub
    assert ended(hub_page.download(hub_page.look("tiny/sd"))).state == "done"


def test_a_damaged_file_is_one_sentence(hub: StubHub) -> None:  # noqa: F811
    found = hub_page.look("tiny/dit")
    hub.repos["tiny/dit"].lie = {"vae/diffusion_pytorch_model.safetensors"}
    wish = ended(hub_page.download(found))
    assert wish.state == "failed"
    assert "its hash is not the Hub's" in seen(hub_page.ended_html(wish))


def test_a_classifier_comes_with_uploaded_pictures(hub: StubHub, tmp_path: Path) -> None:  # noqa: F811
    files = write_own(tmp_path / "own", "torchvision:shufflenet_v2_x0_5?size=32")
    shutil.copy(files.weights, hub.repos["tiny/net"].folder / "model.safetensors")
    data = shutil.make_archive(str(tmp_path / "squares"), "zip", files.data)
    found = hub_page.look("tiny/net")
    with pytest.raises(InputError, match="needs its pictures"):
        panel._with_pictures(found.model, None, "")
    with pytest.raises(InputError, match="not the name of an architecture"):
        panel._with_pictures(found.model, data, "../x")
    opener = panel._with_pictures(found.model, data, "torchvision:shufflenet_v2_x0_5")
    wish = ended(hub_page.download(found, opener))
    assert wish.state == "done", wish.error
    (card,) = wish.outcomes.values()
    assert card.id.startswith(zoo.OWN)
    assert card.source == "hub"
    assert zoo.open_dataset(card).class_names == ("blue", "green", "red")
    # Without a name and without a config.json nobody knows the network.
    with pytest.raises(InputError, match="does not name its network"):
        panel._with_pictures(found.model, data, "")


def test_a_classifier_of_the_hub_keeps_its_presets_and_says_where_it_is_from(swin: OwnFiles, tmp_path: Path) -> None:
    card = opened_with(swin, tmp_path)
    assert card.id.startswith(zoo.OWN)
    assert card.origin == f"{SWIN}@{COMMIT}"
    for method in ("sfr-on", "salun"):
        assert "TinyImageNet, Swin-T" in form_values.method_note(card.id, method, "published")
        mine = presets.resolve(card.id, method, "published", kind="classifier")
        assert mine == presets.resolve(card.origin, method, "published", kind="classifier")
    assert form_cards.model_card(card)["about"][3] == f"{SWIN.removeprefix('hub:')} on the Hub, revision {COMMIT[:12]}"
    assert zoo.shareable(card.id) == card.origin
    zoo._visitors.clear()
    assert zoo.shareable(card.id) == card.origin  # what its runs are called outlives its pictures


def test_the_command_line_repeats_a_run_of_the_page_by_its_config_and_its_pictures(
    swin: OwnFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = opened_with(swin, tmp_path)
    small = {"steps": 2, "batch_size": 4, "fisher_batch_size": 4, "fisher_batches": 1}
    config = RunConfig(
        model=card.id, forget="class:red", method="sfr-on", preset="published", device="cpu", precision="fp32",
        settings=presets.resolve(card.id, "sfr-on", "published", overrides=small),
    )  # fmt: skip
    job = ran(config)
    record, shelf = run_record.from_job(job), export.Shelf()
    files = {kind: shelf.write(kind, record, job) for kind in ("config", "result", "events", "weights")}
    for path in files.values():
        assert card.id.encode() not in path.read_bytes()
    assert json.loads(files["result"].read_text())["config"]["model"] == card.origin
    again = ["run", "--config", str(files["config"]), "--out", str(tmp_path / "again")]
    assert main(again) == BAD_INPUT
    said = capsys.readouterr().err.splitlines()[-1]
    assert "add --data FOLDER (or a zip), one subfolder per class, and --architecture" in said
    assert main([*again, "--data", str(swin.data), "--architecture", f"{NETWORK}", "--anyway"]) == 0
    assert json.loads((tmp_path / "again" / "config.json").read_text()) == json.loads(files["config"].read_text())
    assert (tmp_path / "again" / "after.safetensors").read_bytes() == files["weights"].read_bytes()


def test_a_network_of_a_thousand_classes_is_opened_and_its_run_compared(
    swin: OwnFiles,
    hub: StubHub,  # noqa: F811
    tmp_path: Path,
) -> None:
    """The least that ImageNet's classes take, at a small size: a page of a million cells would be no page."""
    network = build_network(read_architecture(f"{NETWORK}?size=32"), classes=1000, channels=3)
    save_file(network.state_dict(), hub.repos[SWIN.removeprefix("hub:")].folder / "model.safetensors")
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for i in range(2000):
            buffer = io.BytesIO()
            Image.new("RGB", (32, 32), (i % 256, i // 256, 0)).save(buffer, "PNG")
            archive.writestr(f"c{i // 2:03d}/{i % 2}.png", buffer.getvalue())
    with pytest.raises(AssetError, match="would take more than 5 MiB"):
        open_folder(tmp_path / "many.zip", most_bytes=5 * 2**20)  # 2000 x 32 x 32 x 3 bytes are 5.9 MiB
    assert 2 * 1000 * 224 * 224 * 3 < panel.PICTURE_BYTES < zoo.VISITORS_BYTES
    found = hub_page.look(SWIN)
    wish = ended(hub_page.download(found, panel._with_pictures(found.model, str(tmp_path / "many.zip"), NETWORK)))
    assert wish.state == "done", wish.error
    (card,) = wish.outcomes.values()
    assert len(json.dumps(cards_of(form_cards.class_value(card.id, ["c007"])))) < 100_000
    settings = presets.resolve(card.id, "gradient-ascent", overrides={"epochs": 1, "batch_size": 8})
    job = ran(RunConfig(model=card.id, forget="class:c007", method="gradient-ascent", settings=settings, device="cpu"))
    record = run_record.from_job(job)
    assert len(tables.confusion_tables(record)) < 200_000
    assert "The other 960 share one row" in tables.confusion_tables(record)
    assert "c007" in classifier.confusion_plot(record, "change").data[0].x
    assert tables.classes_table(record).count("<tr>") == 41


def test_some_of_imagenets_classes_are_enough_by_their_names(
    swin: OwnFiles,
    hub: StubHub,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    network = build_network(read_architecture(f"{NETWORK}?size=32"), classes=1000, channels=3)
    save_file(network.state_dict(), hub.repos[SWIN.removeprefix("hub:")].folder / "model.safetensors")
    for colour, name in (("blue", "Tench"), ("green", "great_white_shark"), ("red", "Cardigan 264")):
        (swin.data / colour).rename(swin.data / name)
    card = opened_with(swin, tmp_path)
    data = zoo.open_dataset(card)
    assert (len(data.class_names), data.pictured) == (1000, ("tench", "great white shark", "Cardigan 264"))
    assert sorted(set(data.train.labels)) == [0, 2, 264]
    assert form_cards.model_card(card)["about"][4] == "pictures of 3 of its 1,000 classes"
    assert [item["id"] for item in cards_of(form_cards.class_value(card.id, []))["items"]] == list(data.pictured)
    assert form_values.first_class(card.id) == "tench"
    settings = presets.resolve(card.id, "random-label", overrides={"epochs": 1, "batch_size": 8})
    # Not "auto": half precision, where it happens to be the faster, may diverge on so small a network.
    made = RunConfig(
        model=card.id, forget="class:tench", method="random-label", settings=settings, device="cpu", precision="fp32"
    )
    job = ran(made)
    record = run_record.from_job(job)
    assert "nan" not in tables.classes_table(record)
    assert len(classifier.classes_plot(record).data[0].x) == 3
    assert export.figures_zip(record, "png")
    path = export.Shelf().write("config", record, job)
    again = ["run", "--config", str(path), "--data", str(swin.data), "--architecture", NETWORK, "--anyway"]
    assert main([*again, "--out", str(tmp_path / "again")]) == 0
    assert "pictures: of 3 of its 1,000 classes" in capsys.readouterr().err
    # A class without pictures, and a folder that is no class.
    options = ["run", "--model", SWIN, "--method", "finetune", "--architecture", NETWORK, "--out", str(tmp_path / "no")]
    options.append("--anyway")
    assert main([*options, "--data", str(swin.data), "--forget", "class:tabby"]) == BAD_INPUT
    assert "no pictures of what is to be forgotten" in capsys.readouterr().err
    (swin.data / "Tench").rename(swin.data / "thing")
    assert main([*options, "--data", str(swin.data), "--forget", "class:thing"]) == BAD_INPUT
    said = capsys.readouterr().err.splitlines()[-1]
    assert "The network knows 1,000 classes, and 3 folders were brought" in said
    assert "(for example 'tench'; 'thing' is none)" in said
