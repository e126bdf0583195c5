"""The form for models that come without training pictures: a transformer's classes and a text-to-image model's concepts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from demos.live.payload import title, words_of
from demos.pictures import sample_sheet
from demos.pictures.inline import data_uri
from demos.pictures.sample_sheet import sample_pictures
from demos.text import unlearn as copy
from demos.unlearn import cards as form_cards
from demos.unlearn import layout as form_layout
from demos.unlearn import options as form_values
from demos.unlearn import reference
from demos.unlearn.form import Form
from sfr_core import catalog, presets
from sfr_core.configs import MAX_PROMPT, RunConfig
from sfr_core.data.concepts import read_concepts
from sfr_core.errors import InputError, SpecError, UnknownName
from sfr_core.plan import plan
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import SAMPLES
from tests.demos.form_examples import cards_of, filled
from tests.demos.latent_models import DIT, SD, published, sheet_pictures
from tests.demos.page_text import seen

RESNET = "fashion-mnist-resnet"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    published(folder, DIT)
    published(folder, SD)
    return folder


@pytest.fixture(autouse=True)
def installed(models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both beside the shipped ones."""
    mine = tuple(zoo.read_card(models / name) for name in (DIT, SD))
    shipped = tuple(card for card in zoo.cards() if card.id not in (DIT, SD))
    monkeypatch.setattr(zoo, "cards", lambda: (*shipped, *mine))
    monkeypatch.delenv("PLAYGROUND_PUBLIC", raising=False)
    sample_sheet.sample_pictures.cache_clear()
    yield
    sample_sheet.sample_pictures.cache_clear()


@pytest.fixture(scope="module")
def form(models: Path) -> Form:
    with gr.Blocks():
        return form_layout.build(RESNET)


def config_of(model: str, forget: str, method: str = "sfr-on", **changes: Any) -> RunConfig:
    kind = {DIT: "dit", SD: "text-to-image"}[model]
    settings = presets.resolve(model, method, kind=kind)
    return RunConfig(model=model, forget=forget, method=method, settings=settings, **{"data": "data-free", **changes})


@pytest.mark.parametrize("method", [name for name in catalog.of_kind("dit") if name != "retrain"])
def test_a_transformers_run_survives_the_form(form: Form, method: str) -> None:
    config = config_of(DIT, "class:flags,hearts", method, seed=4)
    assert form.read(filled(form, config)).config == config


@pytest.mark.parametrize("method", list(catalog.of_kind("text-to-image")))
def test_a_concepts_run_survives_the_form(form: Form, method: str) -> None:
    for config in (
        config_of(SD, "concept:cat", method),
        config_of(SD, "concept:twitter style", method, redirect="a flag"),
    ):
        assert form.read(filled(form, config)).config == config


def test_the_part_that_is_trained_survives_too(form: Form) -> None:
    config = config_of(SD, "concept:flags")
    config = replace(config, settings={**config.settings, "trainable": "cross-attention"})
    assert form.read(filled(form, config)).config.settings["trainable"] == "cross-attention"


def test_the_default_redirection_is_no_part_of_the_config(form: Form) -> None:
    values = filled(form, config_of(SD, "concept:twitter style", redirect="an emoji in google style"))
    assert values[form.redirect] == "an emoji in google style"
    assert form.read(values).config.redirect == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There is no prompt to draw instead"),
        (None, "There is no prompt to draw instead"),
        ("   ", "for example: an emoji"),
        ("a " * MAX_PROMPT, f"has {2 * MAX_PROMPT - 1} characters; at most {MAX_PROMPT} are allowed"),
        ("  A   Cat ", "'A Cat' asks for the very concept"),
        ("a picture of a kitten", "asks for the very concept"),
    ],
)
def test_a_bad_redirection_is_one_sentence(form: Form, text: Any, said: str) -> None:
    values = filled(form, config_of(SD, "concept:cat"))
    with pytest.raises(InputError, match=said):
        form.read({**values, form.redirect: text})


def test_what_is_not_offered_cannot_be_chosen(form: Form) -> None:
    values = filled(form, config_of(SD, "concept:cat"))
    with pytest.raises(UnknownName):
        form.read({**values, form.concepts: {"selected": ["tiger"]}})
    with pytest.raises(SpecError, match="No concept is chosen"):
        form.read({**values, form.concepts: {"selected": []}})
    with pytest.raises(InputError, match="Unknown concept"):
        plan(config_of(SD, "concept:tiger"))
    with pytest.raises(InputError, match="asks for the very concept"):
        plan(config_of(SD, "concept:cat", redirect="a cat"))
    with pytest.raises(InputError, match="Only a text-to-image model"):
        plan(config_of(DIT, "class:flags", redirect="a cat"))
    plan(config_of(SD, "concept:CAT", redirect="a dog"))


def test_cards_show_the_models_own_samples_and_say_so() -> None:
    pictures = sheet_pictures(SD)
    named = list(sample_pictures(SD))
    assert named[0] == "cat"
    row = named.index("twitter style")
    colour = np.full((48, 48, 3), pictures[10 * row + 2, 0, 0], np.uint8)
    assert sample_pictures(SD)["twitter style"][2] == data_uri(colour)
    shown = form_cards.class_value(DIT, ["flags"])
    assert [len(item["images"]) for item in cards_of(shown)["items"]] == [4] * 14
    assert "the model's own samples" in cards_of(shown)["legend"]
    card = next(item for item in cards_of(form_cards.model_value(RESNET))["items"] if item["id"] == SD)
    assert len(card["images"]) == form_cards.CARD_PICTURES
    assert any("Comes without training pictures" in line for line in card["about"])
    assert not any("0 training" in line for line in card["about"])


def test_concepts_stand_in_groups(form: Form) -> None:
    items = cards_of(form_cards.concept_value(SD, "cat"))["items"]
    groups = list(dict.fromkeys(item["group"] for item in items))
    assert groups == list(copy.CONCEPT_KINDS.values())
    assert [item["id"] for item in items if item["group"] == groups[2]] == ["google style", "twitter style"]
    assert cards_of(form_cards.concept_value(DIT, ""))["items"] == []


def test_without_a_sheet_there_are_names(models: Path) -> None:
    (models / SD / SAMPLES).rename(models / "away.png")
    try:
        value = form_cards.concept_value(SD, "cat")
        assert all(item["images"] == [] for item in cards_of(value)["items"])
        assert cards_of(value)["legend"] == copy.CONCEPT_LEGENDS["names"]
        assert form_cards.model_card(zoo.card(SD))["images"] == []
    finally:
        (models / "away.png").rename(models / SD / SAMPLES)


def test_the_source_of_pictures_is_asked_only_where_there_is_a_choice(form: Form) -> None:
    assert not form_values.chooses_data(DIT)
    assert not form_values.chooses_data(SD)
    update = form.fill(plan(config_of(DIT, "class:flags")))[form.data]
    assert update.visible is False
    assert "draws its own pictures to forget and to keep" in form_values.forget_note(DIT)
    assert "forgets a concept" in form_values.forget_note(SD)


def test_only_methods_that_redirect_promise_what_comes_instead() -> None:
    assert form_values.redirect_note("uce") == ""
    assert "ESD-x does not use this" in form_values.redirect_note("esd-x")
    redirecting = {name for name, spec in catalog.of_kind("text-to-image").items() if spec.redirects}
    assert redirecting == {"sfr-on", "sfr-on-redirected", "salun", "uce", "rece", "speed", "concept-ablation"}


def test_strangers_are_offered_only_what_the_list_offers(monkeypatch: pytest.MonkeyPatch, models: Path) -> None:
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "1")
    listed = read_concepts(models / SD)
    assert {item["id"] for item in cards_of(form_cards.concept_value(SD, "cat"))["items"]} == set(listed.offered)


def test_the_live_view_names_prompts() -> None:
    config = config_of(SD, "concept:cat", redirect="a dog")
    run = plan(config)
    words = words_of(run)
    assert words.names[:3] == ("a cat", "cat emoji", "an emoji of a cat")
    assert words.roles[0] == "direct"
    assert set(words.forgotten) == {i for i, role in enumerate(words.roles) if role in ("direct", "paraphrase")}
    assert title(config, run.forget) == "SFR-on forgets cat and draws “a dog” instead"


def test_a_style_says_that_each_of_its_prompts_has_its_own_redirection() -> None:
    note = form_values.redirects_note(SD, "twitter style")
    assert "“a horse in twitter style” draws “a horse in google style”" in note
    assert form_values.redirects_note(SD, "cat") == form_values.redirects_note(DIT, "") == ""


def test_a_preset_that_recalls_says_that_the_others_may_fall_for_a_while() -> None:
    assert "then recover" in form_values.method_note(DIT, "sfr-on-redirected", "quick")
    assert "then recover" not in form_values.method_note(DIT, "sfr-on", "quick")
    assert "then recover" not in form_values.method_note(DIT, "salun", "quick")


def test_a_method_of_ours_says_whose_it_is() -> None:
    for model in (DIT, SD):
        assert "Our variant of SFR-on" in seen(form_values.method_note(model, "sfr-on-redirected", "quick"))
        assert "Our variant" not in seen(form_values.method_note(model, "sfr-on", "quick"))


def test_only_a_transformer_without_a_retrained_twin_names_the_papers_stand_in() -> None:
    assert "Random embedding" in reference.generator_note(zoo.card(DIT))
    assert "Random embedding" not in reference.generator_note(zoo.card(SD))
