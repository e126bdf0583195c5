"""Settings -> what the page draws and sends -> config, for every method and preset; and what the server refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from demos.unlearn import settings as controls
from demos.unlearn.form_settings import RUN_FIELDS, Chosen, offered
from sfr_core import catalog, presets
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.configs import RunConfig
from sfr_core.errors import ConfigError, InputError, SpecError, UnknownName
from sfr_core.kinds import KINDS

MODEL = "fashion-mnist-resnet"
CASES = [
    (method, preset, variant)
    for method in catalog.BY_KIND["classifier"]
    for preset in presets.preset_names(MODEL, method)
    for variant in (("official", "paper") if method == "sfr-on" else ("official",))
]


def run_of(chosen: Chosen) -> RunConfig:
    """The run of what the page sends, as JSON carries it."""
    sent = json.loads(json.dumps(chosen.value()))
    return Chosen.of(sent, chosen.model).config(forget="class:Bag", data="shipped", redirect="")


@pytest.mark.parametrize(("method", "preset", "variant"), CASES)
def test_every_preset_survives_the_form(method: str, preset: str, variant: str) -> None:
    values = presets.resolve(MODEL, method, preset, variant)
    for changed in ({}, values):  # as numbers of a browser, which knows no other: 3.0 is 3
        sent = {n: float(v) if type(v) is int else v for n, v in changed.items()}
        config = run_of(Chosen(MODEL, method, preset, variant, sent, {"seed": 3.0, "precision": "fp32"}))
        assert config.settings == values
        assert {k: type(v) for k, v in config.settings.items()} == {k: type(v) for k, v in values.items()}
        assert (config.seed, config.device, config.precision, config.memory) == (3, "auto", "fp32", "plain")
        assert type(config.seed) is int


def test_the_page_is_told_of_every_setting_with_its_symbol_range_and_start() -> None:
    settings = {s.name: s for s in SFRonConfig.settings()}
    offer = Chosen(MODEL).offer("class:")
    fields = {field["name"]: field for field in offer["fields"]}
    values = presets.resolve(MODEL, "sfr-on")
    assert {name: fields[name]["value"] for name in settings} == values
    assert [name for name in fields if name not in settings] == list(RUN_FIELDS)
    assert fields["alpha"]["label"] == "Forgetting strength (α)"
    assert fields["alpha"]["info"].startswith(settings["alpha"].help)
    assert "From 0 to 10000" in fields["alpha"]["info"]
    assert "or empty." in fields["clip_forget"]["info"]
    assert fields["momentum"]["slider"]
    assert [fields[name]["kind"] for name in ("alpha", "steps", "mask", "seed")] == ["float", "int", "bool", "int"]
    assert [name for name, _ in fields["alpha_schedule"]["choices"]] == list(settings["alpha_schedule"].choices)
    assert fields["steps"]["wanted"] == "Steps must be a whole number between 1 and 20,000."
    assert (fields["fisher_clip"]["value"], fields["fisher_clip"]["optional"]) == (None, True)
    json.dumps(offer)


def test_another_models_method_goes_as_far_as_it_can_and_its_settings_do_not() -> None:
    """A run that is started before the page has told what another model starts from."""
    chosen = Chosen(MODEL, "salun", "thorough", changed={"alpha": 3.0}, run={"seed": 7})
    sent = {**chosen.value(), "model": "another"}
    taken = Chosen.of(sent, MODEL)
    assert (taken.model, taken.method, taken.preset, dict(taken.changed), taken.run["seed"]) == (
        MODEL, "salun", "thorough", {}, 7,
    )  # fmt: skip
    assert Chosen.of({**sent, "method": "esd-x"}, MODEL).method == "sfr-on"
    for nothing in (None, "x", {}, {"changed": [], "run": 3, "model": MODEL}):
        assert Chosen.of(nothing, MODEL) == Chosen(MODEL)
    assert Chosen.of({**sent, "preset": "no such"}, MODEL).preset == "quick"


def test_a_model_begins_with_its_own_method_where_the_one_before_did() -> None:
    generator = "fashion-mnist-ddpm"
    assert Chosen.of(Chosen(MODEL).value(), generator).method == "sfr-on-redirected"
    assert Chosen.of(Chosen(generator, "sfr-on-redirected").value(), MODEL).method == "sfr-on"
    # A method that was chosen stays, as far as the model can do it.
    assert Chosen.of(Chosen(MODEL, "salun").value(), generator).method == "salun"
    assert Chosen.of(Chosen(generator, "sfr-on").value(), "emoji-dit").method == "sfr-on"
    assert Chosen(generator).offer("class:")["first"] == "sfr-on-redirected"


def test_only_another_choice_is_offered_anew() -> None:
    chosen = Chosen(MODEL)
    update = offered(chosen, "class:")
    assert update["offer"]["key"] == chosen.key("class:")
    assert "value" not in update
    same = replace(chosen, shown=chosen.key("class:"))
    assert offered(same, "class:") == gr.skip()
    for other in (replace(same, preset="thorough"), replace(same, variant="paper"), replace(same, method="salun")):
        assert offered(other, "class:")["offer"]["key"] == other.key("class:")
    assert offered(same, "random:")["offer"]["key"] == chosen.key("random:")


def test_no_slider_hides_its_default_at_its_end() -> None:
    for method in catalog.BY_KIND["classifier"].values():
        for setting in method.config_cls.settings():
            if controls.is_slider(setting):
                assert setting.low is not None
                assert setting.high is not None
                assert setting.low <= setting.default <= setting.high
                assert not setting.optional


@pytest.mark.parametrize(
    ("changed", "run", "said"),
    [
        (
            {"fisher_batches": 0},
            {},
            r"Fisher batches must be a whole number between 1 and 100,000, or empty \(none\). You gave fisher_batches = 0.",
        ),
        ({"alpha": None}, {}, "is empty"),
        ({"alpha": -1}, {}, "alpha"),
        ({"alpha": "no number"}, {}, "Forgetting strength must be between 0 and 10,000. You gave alpha = 'no number'."),
        ({"steps": 2.5}, {}, "steps"),
        ({"momentum": 7.5}, {}, "Momentum must be between 0 and 0.999. You gave momentum = 7.5."),
        ({"magic": 1}, {}, "magic"),
        ({}, {"seed": None}, "seed"),
        ({}, {"seed": 1.5}, "seed"),
        ({}, {"device": "tpu"}, "device"),
    ],
)
def test_what_the_config_does_not_accept_is_refused_in_words(
    changed: dict[str, Any], run: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        run_of(Chosen(MODEL, changed=changed, run=run))


def test_an_emptied_box_means_off_and_names_are_checked() -> None:
    assert run_of(Chosen(MODEL, changed={"clip_forget": None})).settings["clip_forget"] is None
    with pytest.raises(UnknownName, match="method"):
        run_of(Chosen(MODEL, "magic"))


def test_a_share_that_cannot_be_is_refused_in_words() -> None:
    with pytest.raises(SpecError, match=r"A share of 150 % cannot be forgotten. Choose one from 1 to 50 %"):
        controls.forget_text("random", (), 150, 0, ())
    with pytest.raises(ConfigError, match=r"seed of the draw must be a whole number between 0 and .*You gave 1\.7"):
        controls.forget_text("random", (), 10, 1.7, ())


def test_forget_texts() -> None:
    text = controls.forget_text
    assert text("class", ["Sneaker", "Bag"], 10, 0, []) == "class:Sneaker,Bag"
    assert text("random", [], 12.5, 3.0, []) == "random:0.125@3"
    assert text("samples", [], 10, 0, [17, 3, 17]) == "samples:3,17"
    for kind in ("class", "samples"):
        with pytest.raises(SpecError, match="chosen"):
            text(kind, [], 10, 0, [])
    with pytest.raises(SpecError, match="too many"):
        text("samples", [], 10, 0, range(5000))
    with pytest.raises(ConfigError, match="seed"):
        text("random", [], 10, 0.5, [])


def test_methods_that_a_model_cannot_do_have_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name for table in catalog.BY_KIND.values() for name in table}
    for kind, able in (
        ("classifier", {"sfr-on", "retrain", "scrub", "delete"}),
        ("ddpm", {"sfr-on", "sfr-on-redirected", "joint", "selective-amnesia"}),
        ("text-to-image", {"sfr-on", "uce", "esd-x", "concept-ablation"}),
    ):
        assert able <= set(catalog.of_kind(kind))
        assert set(controls.cannot(kind)) == known - set(catalog.able(kind))
    assert "hours" in controls.cannot("ddpm")["retrain"]
    monkeypatch.setitem(KINDS, "losses", replace(KINDS["classifier"], id="losses", abilities=frozenset()))
    monkeypatch.setitem(catalog.BY_KIND, "losses", catalog.BY_KIND["classifier"])
    unable = controls.cannot("losses")
    assert {"sfr-on", "finetune", "gradient-ascent"}.isdisjoint(unable)
    assert {"salun", "scrub", "bad-teacher", "random-label"} <= set(unable)
    assert "does not have" in unable["salun"]
    assert catalog.title_of("selective-amnesia") == "Selective Amnesia"
    assert catalog.title_of("magic") == "magic"
