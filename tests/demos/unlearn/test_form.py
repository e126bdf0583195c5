"""The form for either kind of model: what is offered, what it reads, and what a generator may not do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from demos.jobs import estimate
from demos.jobs.book import JobBook
from demos.jobs.local import check_here, run_here
from demos.pictures import inline, sample_sheet
from demos.text import unlearn as copy
from demos.unlearn import (
    cards as form_cards,
)
from demos.unlearn import (
    layout as form_layout,
)
from demos.unlearn import (
    options as form_values,
)
from demos.unlearn import (
    recorded,
    reference,
)
from demos.unlearn.form import Form
from sfr_core import catalog, presets
from sfr_core.configs import RunConfig
from sfr_core.data.splits import ForgetSpec, parse_forget
from sfr_core.errors import InputError
from sfr_core.plan import plan
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import SAMPLES, ModelCard, RetrainedModel, Sampling
from tests.demos.form_examples import cards_of, filled

RESNET = "fashion-mnist-resnet"


def generator_card(folder: Path) -> ModelCard:
    retrained_trouser = RetrainedModel(
        spec="class:Trouser", second=False, file="x", bytes=1, sha256="", seed=0, wall_seconds=None, cpu_seconds=1.0, metrics={}
    )  # fmt: skip
    return ModelCard(
        id="fashion-mnist-ddpm", title="Fashion DDPM", kind="ddpm", summary="", dataset="fashion-mnist", data_licence="MIT",
        licence="MIT", source="bundled", architecture={"name": "UNet2DModel"}, parameters=2_000_000, file="x", bytes=4_000_000,
        sha256="", seed=0, recipe="", machine="", threads=2, precision="bf16", wall_seconds=None, cpu_seconds=20_000.0,
        retrain_seconds=14_400.0, retrain_threads=2, metrics={}, retrained=(retrained_trouser,), folder=folder, judge="j",
        sampling=Sampling(steps=50, guidance=2.0),
    )  # fmt: skip


@pytest.fixture
def generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelCard]:
    """A second installed model; its sheet's tile in row r and column k has the gray value 10 r + k."""
    rows = np.add.outer(10 * np.arange(10), np.arange(3)).astype(np.uint8)
    Image.fromarray(rows.repeat(28, axis=0).repeat(28, axis=1)).save(tmp_path / SAMPLES)
    card = generator_card(tmp_path)
    shipped = tuple(c for c in zoo.cards() if c.id != card.id)
    monkeypatch.setattr(zoo, "cards", lambda: (card, *shipped))
    sample_sheet.sample_pictures.cache_clear()
    yield card
    sample_sheet.sample_pictures.cache_clear()


def build() -> Form:
    with gr.Blocks():
        return form_layout.build(form_values.first_model())


def test_the_page_opens_on_the_classifier_and_shows_both(generator: ModelCard) -> None:
    assert form_values.first_model() == RESNET
    items = cards_of(form_cards.model_value(RESNET))["items"]
    assert items[0]["id"] == RESNET
    (drawing,) = (item for item in items if item["id"] == generator.id)
    assert len(drawing["images"]) == form_cards.CARD_PICTURES
    assert any("50 sampler steps" in line and "guidance 2" in line for line in drawing["about"])
    assert drawing["about"][1].startswith("Generator")


def test_the_card_shows_the_first_sample_of_each_class(generator: ModelCard) -> None:
    picture = np.full((28, 28, 1), 30, np.uint8)
    assert sample_sheet.sample_pictures(generator.id)["Dress"][0] == inline.data_uri(picture)


def test_a_generator_forgets_classes_only_and_says_why(generator: ModelCard) -> None:
    assert form_values.kinds_of(RESNET) == ("class", "random", "samples")
    assert form_values.kinds_of(generator.id) == ("class",)
    assert "whole classes" in form_values.forget_note(generator.id)
    assert form_values.forget_note(RESNET) == ""
    assert form_values.first_class(generator.id) == "Trouser"
    assert form_values.first_class(RESNET) == "Sneaker"


def test_a_run_has_the_settings_of_the_last_choice_whatever_the_page_shows(generator: ModelCard) -> None:
    form = build()
    values = filled(
        form, RunConfig(model=RESNET, forget="class:Bag", method="sfr-on", settings=presets.resolve(RESNET, "sfr-on"))
    )
    asked = {**values[form.settings], "changed": {}}
    for change, wanted in (
        ({"preset": "thorough"}, presets.resolve(RESNET, "sfr-on", "thorough")),
        ({"method": "salun"}, presets.resolve(RESNET, "salun")),
        ({"variant": "paper"}, presets.resolve(RESNET, "sfr-on", variant="paper")),
    ):
        assert form.read({**values, form.settings: {**asked, **change}}).config.settings == wanted
    random = form.read({**values, form.kind: "random"})
    assert random.config.settings == presets.resolve(RESNET, "sfr-on", forget="random:")
    drawn = form.read(
        {
            **values,
            form.model: form_cards.model_value(generator.id),
            form.settings: {**asked, "changed": {"alpha": 3.0}},
        }
    )
    # What a classifier begins with gives way to what the generator begins with.
    assert drawn.config.method == "sfr-on-redirected"
    assert drawn.config.settings == presets.resolve(generator.id, "sfr-on-redirected", forget="class:Bag", kind="ddpm")


def test_a_class_with_a_preset_of_its_own_brings_its_settings(generator: ModelCard) -> None:
    form = build()
    bag, trouser = (
        filled(
            form,
            RunConfig(
                model=generator.id,
                forget=f,
                method="sfr-on-redirected",
                settings=presets.resolve(generator.id, "sfr-on-redirected", forget=f),
            ),
        )
        for f in ("class:Bag", "class:Trouser")
    )
    bag[form.settings] = {**bag[form.settings], "changed": {"alpha": 2.0}}
    read = form.read({**bag, form.classes: trouser[form.classes]}).config
    assert read.settings == presets.resolve(
        generator.id, "sfr-on-redirected", overrides={"alpha": 2.0}, forget="class:Trouser"
    )
    assert read.settings["lr_warmup"] != form.read(bag).config.settings["lr_warmup"]
    offer = form.offered({**bag, form.classes: trouser[form.classes]})[form.settings]["offer"]
    assert {field["name"]: field["value"] for field in offer["fields"]}["lr_warmup"] == read.settings["lr_warmup"]


def test_methods_are_those_of_the_kind(generator: ModelCard) -> None:
    offered = [name for _, name in form_values.method_choices(generator.id)]
    assert offered == [name for name in catalog.of_kind("ddpm") if name != "retrain"]
    note = form_values.method_note(generator.id, "selective-amnesia", "quick")
    assert "SCRUB" in note
    assert "takes hours here" in note
    assert "retrain" in [name for _, name in form_values.method_choices(RESNET)]


@pytest.mark.parametrize("method", [name for name in catalog.of_kind("ddpm") if name != "retrain"])
def test_a_generators_run_survives_the_form(generator: ModelCard, method: str) -> None:
    form = build()
    for preset in presets.preset_names(generator.id, method, kind="ddpm"):
        settings = presets.resolve(generator.id, method, preset, kind="ddpm")
        config = RunConfig(
            model=generator.id, forget="class:Bag", method=method, preset=preset, settings=settings, seed=5, data="data-free",
        )  # fmt: skip
        assert form.read(filled(form, config)).config == config


def test_the_kind_of_forget_set_of_a_classifier_is_not_carried_over(generator: ModelCard) -> None:
    form = build()
    settings = presets.resolve(generator.id, "sfr-on", kind="ddpm")
    values = filled(form, RunConfig(model=generator.id, forget="class:Bag", method="sfr-on", settings=settings))
    assert form.read({**values, form.kind: "random"}).config.forget == "class:Bag"
    assert form.read({**values, form.data: "data-free"}).config.data == "data-free"
    usual = presets.resolve(RESNET, "sfr-on")
    classifier = filled(form, RunConfig(model=RESNET, forget="class:Bag", method="sfr-on", settings=usual))
    assert form.read({**classifier, form.data: "data-free"}).config.data == "shipped"  # a classifier cannot draw any
    with pytest.raises(InputError, match="cannot work on this kind of model"):
        form.read({**values, form.settings: {**values[form.settings], "method": "scrub"}})


def test_no_retrained_model_says_so_and_why_none_is_made_here(generator: ModelCard) -> None:
    note = reference.generator_note(generator)
    assert "only for: Trouser" in note
    assert "takes hours" in note


def test_the_pictures_that_both_saw_are_said_where_the_retrained_model_saw_fewer(generator: ModelCard) -> None:
    (trouser,) = generator.retrained
    fewer, equal = (replace(trouser, training={"images_seen": n}) for n in (151_488, 384_000))
    card = replace(generator, training={"images_seen": 384_000}, retrained=(fewer,))
    assert "trained on 151,488 pictures, the original on 384,000" in reference.there_note(card, fewer)
    there = "Compared with a model retrained without this class."
    assert reference.there_note(card, equal) == reference.there_note(generator, trouser) == there
    (cat,) = zoo.card("emoji-sd").retrained
    assert reference.there_note(card, cat).startswith("Compared with a model retrained without this concept.")
    more = form_cards.model_card(card)["about"]
    assert "Trained on 384,000 pictures, with repeats, the model retrained without Trouser on 151,488" in more
    assert not any("Trained on" in line for line in form_cards.model_card(generator)["about"])


@pytest.mark.parametrize(
    ("forget", "method", "sentence"),
    [
        ("random:0.1@0", "sfr-on", "cannot forget a random share: it forgets whole classes"),
        ("class:Bag", "retrain", "takes hours"),
        ("class:Bag", "scrub", "cannot work on this kind of model"),
    ],
)
def test_the_server_refuses_what_the_form_does_not_offer(
    generator: ModelCard, forget: str, method: str, sentence: str
) -> None:
    kind = "classifier" if method == "scrub" else "ddpm"
    settings = presets.resolve("", method, kind=kind)
    with pytest.raises(InputError, match=sentence):
        check_here(plan(RunConfig(model=generator.id, forget=forget, method=method, settings=settings)))


def test_a_click_is_planned_once_until_its_run_has_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    form, parsed = build(), []
    settings = presets.resolve(RESNET, "finetune")
    values = filled(form, RunConfig(model=RESNET, forget="class:Bag", method="finetune", settings=settings))

    def counted(text: str, names: tuple[str, ...], **more: Any) -> ForgetSpec:
        parsed.append(text)
        return parse_forget(text, names, **more)

    monkeypatch.setattr("sfr_core.plan.parse_forget", counted)
    run = form.read(values)
    estimate.expect(run)
    job = JobBook(lambda job: iter(())).submit("a" * 32, run)
    next(run_here(job))
    assert job.session.plan is job.plan is run
    assert parsed == ["class:Bag"]
    parsed.clear()
    assert reference.retraining(run).forget is run.forget
    assert parsed == []


def test_every_recorded_run_can_be_run_from_the_form() -> None:
    form = build()
    recordings = recorded.read(RESNET)
    for one in recordings.every:
        config = one.run.config
        read = form.read(filled(form, config)).config
        whole = catalog.spec_of(config.method, one.run.card.kind).config_cls.from_dict(config.settings).to_dict()
        assert read == replace(config, settings=whole)  # also one that was recorded before a setting existed
    config = recordings.models["fashion-mnist-ddpm"].config
    old = replace(config, settings={k: v for k, v in config.settings.items() if k != "other"})
    assert form.read(filled(form, old)).config.settings["other"] == "next"


@pytest.mark.parametrize("setting", [{"forget_until": 0.5}, {"remain_loss": "recall"}, {"forget_loss": "relative"}])
def test_what_only_generators_can_is_refused_before_a_classifiers_run(setting: dict[str, Any]) -> None:
    settings = presets.resolve(RESNET, "sfr-on") | setting
    old = {"model": RESNET, "forget": "class:Bag", "method": "sfr-on", "settings": settings}
    with pytest.raises(InputError, match="SFR-on redirected cannot work on this kind of model"):
        plan(RunConfig.from_json(old))
    with pytest.raises(InputError, match=next(iter(setting))):
        plan(RunConfig(**old))


def test_an_event_of_a_moment_ago_still_says_what_was_to_be_forgotten(generator: ModelCard) -> None:
    """Gradio makes the radio anew from what an answer says of it, and refuses what this one does not offer."""
    for model in (RESNET, generator.id):
        answered = form_values.kind_update(model, "class")
        assert [answered.preprocess(kind) for kind in copy.FORGET_KINDS] == list(copy.FORGET_KINDS)
