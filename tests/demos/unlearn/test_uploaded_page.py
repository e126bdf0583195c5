"""A visitor's own classifier on the page: what is refused, who reaches it, how long it stays, and a whole run of it."""

from __future__ import annotations

import base64
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from demos.jobs import estimate, openings, warm
from demos.jobs.book import JobBook
from demos.live import payload as live
from demos.panel import SideJobs
from demos.pictures import inline
from demos.records import record as run_record
from demos.result import export
from demos.text import unlearn as copy
from demos.unlearn import cards, layout, reference, uploaded
from demos.unlearn import options as form
from demos.unlearn.reading import Reading
from sfr_core import presets
from sfr_core.cancel import CancelToken, Stopped
from sfr_core.configs import RunConfig
from sfr_core.errors import AssetError, InputError
from sfr_core.events import Finished, Step
from sfr_core.nets.named import read_architecture
from sfr_core.plan import plan
from sfr_core.runs.session import Session
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.uploaded import UploadedModel, open_uploaded
from tests.core.own_files import COLOURS, OwnFiles, write_own
from tests.demos.form_examples import cards_of

SWIN = "torchvision:swin_t?embed_dim=8&depths=1,1&num_heads=1,2&window_size=2,2&patch_size=2,2&size=16"
SMALL = "torchvision:shufflenet_v2_x0_5"


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """No test sees another one's models; one thread, as everywhere in these tests."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    for _, leave in zoo._visitors.values():
        leave()
    zoo._visitors.clear()


@pytest.fixture(scope="module")
def swin(tmp_path_factory: pytest.TempPathFactory) -> OwnFiles:
    return write_own(tmp_path_factory.mktemp("swin"), SWIN)


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A zip and the weights of a network that a name of an architecture builds."""
    folder = tmp_path_factory.mktemp("uploads")
    files = write_own(folder, f"{SMALL}?size=32")
    return shutil.make_archive(str(folder / "my <b>squares"), "zip", files.data), str(files.weights)


def opened(*given: Any) -> zoo.ModelCard:
    """Opens uploads at once, as the page's side job does."""
    return uploaded.reader(*given)(CancelToken(), lambda done, total: None)


def open_swin(files: OwnFiles, name: str) -> UploadedModel:
    return open_uploaded(files.data, files.weights, files.architecture, model_id=f"own:{name * 32}")


def test_the_uploads_become_a_card_that_only_its_id_reaches(uploads: tuple[str, str]) -> None:
    before = zoo.cards()
    first = opened(*uploads, SMALL, 32)
    second = opened(*uploads, f" {SMALL} ", 32.0)
    assert zoo.cards() == before
    assert first.id != second.id
    assert len(first.id) == len("own:") + 32
    assert first.title == f"mine ({SMALL})"
    assert first.dataset == "my _b_squares"
    assert zoo.card(first.id) is first
    data = zoo.open_dataset(first)
    assert data.class_names == tuple(sorted(COLOURS))
    assert data.train.images.shape == (24, 32, 32, 3)
    guess = f"own:{first.sha256[:12]}"  # what the command line would call it
    for other in (guess, "own:", "own:" + "0" * 32):
        with pytest.raises(AssetError, match="not open here"):
            zoo.card(other)
    with pytest.raises(InputError) as known:
        zoo.card("no-such-model")
    assert first.id not in str(known.value)
    assert "3 classes, 24 training and 6 test pictures of 32 × 32" in openings.opened_html(first)


def test_the_copy_outlives_the_upload_and_goes_with_the_model(uploads: tuple[str, str], tmp_path: Path) -> None:
    weights = shutil.copy(uploads[1], tmp_path / "gone.safetensors")
    card = opened(uploads[0], str(weights), SMALL, 32)
    Path(weights).unlink()
    assert card.folder.stat().st_mode & 0o077 == 0
    saved, model = load_file(uploads[1]), zoo.brought(card.id).build_trained()
    assert all(torch.equal(value, saved[name]) for name, value in model.state_dict().items())
    zoo._visitors[card.id][1]()
    assert not card.folder.exists()


def test_the_longest_unused_model_leaves(swin: OwnFiles) -> None:
    model, gone = open_swin(swin, "a"), []
    names = [f"own:{i:032x}" for i in range(zoo.VISITORS_KEPT + 1)]
    for name in names[:-1]:
        zoo.take_in(replace(model, card=replace(model.card, id=name)), leave=lambda name=name: gone.append(name))
    zoo.card(names[0])  # used again, so the second one is the longest unused
    assert gone == []
    zoo.take_in(replace(model, card=replace(model.card, id=names[-1])))
    assert gone == [names[1]]
    assert zoo.card(names[0]).id == names[0]
    with pytest.raises(AssetError, match="any more"):
        zoo.card(names[1])
    for cached in (inline.dataset, lambda name: inline.picture(name, "train", 0)):
        with pytest.raises(AssetError, match="any more"):
            cached(names[1])
    assert run_record.dataset_of(names[1]) is None
    assert run_record.dataset_of(names[0]) is model.dataset
    with pytest.raises(ValueError, match="not a free identifier"):
        zoo.take_in(replace(model, card=replace(model.card, id=names[0])))
    with pytest.raises(ValueError, match="not a free identifier"):
        zoo.take_in(replace(model, card=replace(model.card, id="fashion-mnist-resnet")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        ["torchvision:resnet18"],
        "resnet18",
        "SmallResNet",
        "torchvision:swin_t?embed_dim=8",
        "torchvision:resnet18?weights=DEFAULT",
        "/etc/passwd",
        "../net.json",
        "torchvision:net.json",
        "timm:hf-hub:someone/model",
        "timm:local-dir:/tmp",
        "torchvision:resnet18\n",
        "torchvision:../x",
    ],
)
def test_anything_but_a_plain_name_is_refused_before_a_file_is_read(text: Any) -> None:
    if text == "torchvision:resnet18\n":
        assert uploaded.read_name(text, None) == "torchvision:resnet18"
        return
    with pytest.raises(InputError, match="name of an architecture"):
        opened("/nowhere.zip", "/nowhere.safetensors", text, None)


@pytest.mark.parametrize("size", [7, 225, 32.5, -1, True, "32", float("nan")])
def test_a_size_out_of_range(size: Any) -> None:
    with pytest.raises(InputError, match="whole number from 8 to 224"):
        uploaded.read_name(SMALL, size)


def test_a_size_may_be_left_empty() -> None:
    assert uploaded.read_name(SMALL, None) == uploaded.read_name(SMALL, 0) == SMALL
    assert uploaded.read_name(SMALL, 8) == f"{SMALL}?size=8"


def test_uploads_that_are_missing_or_do_not_fit(uploads: tuple[str, str], tmp_path: Path) -> None:
    data, weights = uploads
    kept = set(Path(uploaded.tempfile.gettempdir()).glob("playground-upload-*"))
    with pytest.raises(InputError, match="No pictures"):
        opened(None, weights, SMALL, 32)
    with pytest.raises(InputError, match="No weights"):
        opened(data, None, SMALL, 32)
    with pytest.raises(InputError, match="No weights"):
        opened(data, data, SMALL, 32)
    with pytest.raises(InputError, match="Unknown torchvision architecture 'nonet'"):
        opened(data, weights, "torchvision:nonet", 32)
    with pytest.raises(AssetError, match="another network"):
        opened(data, weights, "torchvision:shufflenet_v2_x1_0", 32)
    with pytest.raises(AssetError, match=r"another network \(torchvision:vit_b_16 has 85,"):
        opened(data, weights, "torchvision:vit_b_16", 224)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK")
    with pytest.raises(AssetError, match="neither a folder nor a zip"):
        opened(str(broken), weights, SMALL, 32)
    assert set(Path(uploaded.tempfile.gettempdir()).glob("playground-upload-*")) == kept
    assert not zoo._visitors


def test_many_pictures_put_older_ones_out(swin: OwnFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    model, names = open_swin(swin, "a"), [f"own:{i:032x}" for i in range(3)]
    each = model.dataset.train.images.nbytes + model.dataset.test.images.nbytes
    for most, left in ((2 * each, names[1:]), (each - 1, names[2:])):  # the one that was just opened always stays
        monkeypatch.setattr(zoo, "VISITORS_BYTES", most)
        zoo._visitors.clear()
        for name in names:
            zoo.take_in(replace(model, card=replace(model.card, id=name)))
        assert list(zoo._visitors) == left


def test_limits_of_the_page(uploads: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, value, sentence in (
        ("PICTURE_BYTES", 30 * 32 * 32 * 3 - 1, "would take more than"),
        ("CLASSES", 2, "at most 2 classes; these are 3"),
        ("FILE_BYTES", 1000, "is larger than 1.0 kB"),
    ):
        with monkeypatch.context() as change:
            change.setattr(uploaded, limit, value)
            with pytest.raises(AssetError, match=sentence):
                opened(*uploads, SMALL, 32)
    with monkeypatch.context() as change:
        change.setattr(uploaded, "PICTURE_BYTES", 30 * 32 * 32 * 3)
        opened(*uploads, SMALL, 32)


def test_the_pickers_show_it_in_colour_on_its_visitors_page_alone(uploads: tuple[str, str]) -> None:
    card = opened(*uploads, SMALL, 32)
    shipped = [item["id"] for item in cards_of(cards.model_value(zoo.cards()[0].id))["items"]]
    assert sorted(shipped) == [c.id for c in zoo.cards()]
    value = cards.model_value(card.id, [card.id])
    assert [item["id"] for item in cards_of(value)["items"]] == [*shipped, card.id]
    assert value["selected"] == [card.id]
    assert form.opened_ids(value) == (card.id,)
    assert form.opened_ids({"opened": ["own:gone", 3, {}, card.id]}) == (card.id,)
    assert form.opened_ids(None) == ()
    classes = cards.class_value(card.id, ["red"])
    assert [item["label"] for item in cards_of(classes)["items"]] == ["blue", "green", "red"]
    assert all(len(item["images"]) == cards.PICTURES_PER_CARD for item in cards_of(classes)["items"])
    samples = cards.sample_value(card.id, "red", 0, [])
    assert len(cards_of(samples)["items"]) == 8
    data = zoo.open_dataset(card)
    shown = {int(item["id"]): item["label"] for item in cards_of(samples)["items"]}
    assert data.files is not None
    assert shown == {row: data.files[row].removeprefix("red/") for row in shown}
    some = sorted(shown)[:2]
    assert cards.rows_note(data, some) == f"2 chosen: `{shown[some[0]]}`, `{shown[some[1]]}`"
    assert cards.rows_note(replace(data, files=None), [3, 17]) == "2 chosen: #3, #17"
    assert form.preset_choices(card.id, "sfr-on")


def test_large_pictures_travel_small(swin: OwnFiles) -> None:
    model = open_swin(swin, "b")
    wide = np.zeros((24, 100, 200, 3), np.uint8)
    data = replace(model.dataset, train=replace(model.dataset.train, images=wide))
    zoo.take_in(replace(model, dataset=data))
    png = base64.b64decode(inline.picture(model.card.id, "train", 0).partition(",")[2])
    assert Image.open(io.BytesIO(png)).size == (64, 32)


def test_its_time_is_unknown_until_a_run_has_timed_it(swin: OwnFiles) -> None:
    model = open_swin(swin, "c")
    zoo.take_in(model)
    run = plan(tiny_run(model.card.id))
    warm.load(diffusers=False)
    assert estimate.expect(run) is None
    session = Session.of_plan(run)
    found = estimate.opened(session, 1.5)
    assert found is not None
    assert found.opening == 1.5
    assert found == estimate.expect(run)


def tiny_run(model_id: str) -> RunConfig:
    small = {"steps": 3, "batch_size": 4, "fisher_batch_size": 4, "fisher_batches": 2}
    settings = presets.resolve(model_id, "sfr-on", overrides=small)
    return RunConfig(
        model=model_id, forget="class:red", method="sfr-on", settings=settings, device="cpu", precision="fp32"
    )


def test_a_whole_run_of_it_and_what_its_files_call_it(swin: OwnFiles) -> None:
    model = open_swin(swin, "d")
    zoo.take_in(model)
    book = JobBook()
    job = book.submit("a" * 32, plan(tiny_run(model.card.id)))
    end = time.monotonic() + 60
    while job.active:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert job.error is None
    assert isinstance(job.log[-1], Finished)
    assert [event.i for event in job.log if isinstance(event, Step)] == [1, 2, 3]
    assert job.session.dataset is model.dataset
    assert job.session.changed_tensors()
    assert job.result is not None
    assert job.result.retrained is None
    start = load_file(swin.weights)
    assert all(torch.equal(value, start[name]) for name, value in job.session.before.items())
    record = run_record.from_job(job)
    assert set(record.reports) == {"before", "after"}
    value = live.of_job(job, live.bridge.reduce_all(job.log), place=0, now=0.0, machine="")
    assert value["classes"] == ["blue", "green", "red"]
    assert all(uri.startswith("data:image/png") for uri in value["pictures"].values())
    # The page's identifier is a secret of this visitor; the file names the weights as the command line does.
    assert json.loads(export.config_json(record))["model"] == f"own:{model.card.sha256[:12]}"
    for kind in ("config", "result", "events", "weights"):
        path = export.Shelf().write(kind, record, job)
        assert model.card.id.encode() not in path.read_bytes()
    zoo._visitors.clear()
    assert json.loads(export.config_json(record))["model"] == "own:"
    gone = live.of_job(job, live.bridge.View(), place=0, now=0.0, machine="")
    assert "not open here" in gone["title"]
    assert gone["pictures"] == {}
    with pytest.raises(AssetError, match="any more"):
        book.submit("a" * 32, plan(job.config))


@pytest.fixture
def panel() -> tuple[uploaded.UploadPanel, gr.Blocks]:
    """The opened part, and its page."""
    with gr.Blocks() as demo:
        made = uploaded.UploadPanel(layout.build(form.first_model()), SideJobs())
    return made, demo


def test_the_page_hands_out_private_events(
    panel: tuple[uploaded.UploadPanel, gr.Blocks], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = {f.name: f for f in panel[1].fns.values() if f.name in ("_open", "_choose", "_stop")}
    assert all(f.api_visibility == "private" for f in mine.values())
    assert mine["_open"].queue is not False  # or the page would not show the sentence of an error
    assert mine["_open"].concurrency_limit is None  # an opening of one visitor keeps no other's waiting
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    with gr.Blocks() as zero:
        layout.build(form.first_model())
    assert zero.renderables == []  # neither part is ever drawn
    notes = [b.value for b in zero.blocks.values() if getattr(b, "elem_id", None) == "upload-note"]
    assert copy.UPLOAD_ZERO in str(notes)


def click(panel: uploaded.UploadPanel, *given: Any, session: str = "s") -> dict[str, Any]:
    """What a click on Open leaves in each component, by its name; the card's identifier under "opened"."""
    rest = [part.value for part in panel.reading]
    seen: dict[Any, Any] = {}
    for update in panel._open(SimpleNamespace(session_hash=session), *given, *rest):  # type: ignore[arg-type]
        seen |= update
    names = {panel.opened: "opened"}
    return {names.get(part, getattr(part, "elem_id", "")): value for part, value in seen.items()}


def test_a_click_answers_with_the_sentence_or_the_whole_form(
    panel: tuple[uploaded.UploadPanel, gr.Blocks], uploads: tuple[str, str]
) -> None:
    part = panel[0]
    shipped = cards.model_value(zoo.cards()[0].id)
    rest = (shipped, {"method": "sfr-on"}, "class")
    with pytest.raises(gr.Error, match="name of an architecture"):
        click(part, *uploads, "/etc/passwd", 32)
    seen = click(part, *uploads, SMALL, 32)
    assert "3 classes" in seen["upload-note"]
    assert seen["upload-open"].interactive
    updates = {getattr(p, "elem_id", None): value for p, value in part._choose(seen["opened"], *rest).items()}
    assert updates["model-picker"]["selected"] == [seen["opened"]]
    assert seen["opened"].startswith("own:")
    assert updates["class-picker"]["selected"] == ["blue"]
    assert updates["settings"]["offer"]["model"] == seen["opened"]
    second = click(part, *uploads, SMALL, 32)["opened"]
    again = part._choose(second, updates["model-picker"], *rest[1:])
    picker = next(value for p, value in again.items() if getattr(p, "elem_id", None) == "model-picker")
    assert len(form.opened_ids(picker)) == 2
    failed = click(part, *uploads, "torchvision:shufflenet_v2_x1_0", 32)
    assert "mine.safetensors holds weights of another network" in failed["upload-note"]
    assert failed["opened"] == ""
    assert part._choose("", *rest) == {part.opened: ""}


def test_what_it_recognises_stands_in_the_note_and_a_run_of_a_stranger_is_asked_for(uploads: tuple[str, str]) -> None:
    card = opened(*uploads, SMALL, 32)  # untrained: it calls everything by one of three names
    note = openings.opened_html(card)
    assert "It recognises 33 % of its training pictures (24 looked at). That is hardly more than a guess." in note
    assert copy.RECOGNISED_CHECK in note
    run = plan(tiny_run(card.id))
    assert reference.describe(lambda: run)[3] == gr.update(visible=True)
    with pytest.raises(InputError, match="hardly recognises its own training pictures"):
        reference.check_known(run, anyway=False)
    reference.check_known(run, anyway=True)
    known = plan(replace(tiny_run(card.id), model="fashion-mnist-resnet", forget="class:Sneaker"))
    assert reference.describe(lambda: known)[3] == gr.update(visible=False, value=False)
    reference.check_known(known, anyway=False)


def test_how_pictures_are_read_is_chosen_beside_the_name() -> None:
    how = Reading("natural", "0.485, 0.456,0.406", " 0.25 ", 0.875, "#102030")
    text = uploaded.read_name(SMALL, 32, how)
    assert (
        text == f"{SMALL}?size=32&class_order=natural&mean=0.485,0.456,0.406&std=0.25&crop=0.875&background=%23102030"
    )
    found = read_architecture(text)
    assert (found.mean, found.std, found.crop) == ((0.485, 0.456, 0.406), (0.25,), 0.875)
    assert (found.class_order, found.background, found.size) == ("natural", "#102030", (32, 32))
    assert uploaded.read_name(SMALL, None, Reading(crop=0)) == SMALL


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (Reading(order="random"), "alphabetical or natural"),
        (Reading(mean="0.5&weights=x"), "Mean takes one number, or three"),
        (Reading(std="0.1, 0.2"), "Standard deviation takes one number, or three"),
        (Reading(crop=1.5), "must be above 0 and at most 1, or 0 for none"),
        (Reading(crop=True), "must be above 0 and at most 1, or 0 for none"),
        (Reading(background="no colour"), "There is no colour"),
    ],
)
def test_a_way_to_read_that_cannot_be_has_its_sentence(how: Reading, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        uploaded.read_name(SMALL, 32, how)


def test_an_opening_is_stopped_or_late_and_leaves_nothing(
    uploads: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = set(Path(uploaded.tempfile.gettempdir()).glob("playground-upload-*"))

    def slow(cancel: CancelToken, progress: openings.Progress) -> zoo.ModelCard:
        progress(3, 10)
        while True:
            cancel.check()
            time.sleep(0.01)

    job = openings.opening(slow)
    until(lambda: job.done == 300)
    assert "Reading the pictures" in openings.progress_html(job)
    job.cancel.cancel()
    until(lambda: not job.active)
    assert copy.UPLOAD_STOPPED in openings.ended_html(job)
    monkeypatch.setattr(openings, "DEADLINE", 0.3)
    job = openings.opening(slow)
    until(lambda: not job.active)
    assert job.state == "late"
    assert "was stopped. Use fewer or smaller pictures" in openings.ended_html(job)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Stopped):
        uploaded.reader(*uploads, SMALL, 32)(token, lambda done, total: None)
    assert set(Path(uploaded.tempfile.gettempdir()).glob("playground-upload-*")) == kept


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_wrong_weights_say_so_in_one_sentence(swin: OwnFiles, tmp_path: Path) -> None:
    tensors = load_file(swin.weights)
    tensors["head.weight"] = torch.zeros(7, 16)
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(AssetError, match=r"another network.*head\.weight"):
        open_uploaded(swin.data, tmp_path / "w.safetensors", SWIN)
