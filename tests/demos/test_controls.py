"""Settings -> components -> config and back, for every method and preset; and what the server refuses."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from demos import controls
from sfr_core import catalog, presets
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.errors import ConfigError, InputError, SpecError, UnknownName

MODEL = "fashion-mnist-resnet"
CASES = [
    (method, preset, variant)
    for method in catalog.BY_KIND["classifier"]
    for preset in presets.preset_names(MODEL, method)
    for variant in (("official", "paper") if method == "sfr-on" else ("official",))
]


def round_trip(component: Any, value: Any) -> Any:
    """What the server gets back when the page holds `value`: as JSON would carry it."""
    sent = component.postprocess(value)
    return component.preprocess(sent)


@pytest.mark.parametrize(("method", "preset", "variant"), CASES)
def test_every_preset_survives_the_form(method: str, preset: str, variant: str) -> None:
    values = presets.resolve(MODEL, method, preset, variant)
    shown = {
        s.name: round_trip(controls.component(s, values[s.name], s.name), values[s.name])
        for s in controls.settings_of(method)
    }
    config = controls.to_config(
        model=MODEL, forget="class:Bag", method=method, preset=preset, variant=variant, values=shown,
        seed=3.0, device="auto", precision="fp32",
    )  # fmt: skip
    assert config.settings == values
    assert {k: type(v) for k, v in config.settings.items()} == {k: type(v) for k, v in values.items()}
    assert config.seed == 3
    assert type(config.seed) is int


@pytest.mark.parametrize("method", [m for m in catalog.of_kind("ddpm") if m != "retrain"])
def test_every_preset_of_a_generator_survives_the_form(method: str) -> None:
    for preset in presets.preset_names("", method, kind="ddpm"):
        values = presets.resolve("", method, preset, kind="ddpm")
        settings = controls.settings_of(method, "ddpm")
        shown = {s.name: round_trip(controls.component(s, values[s.name], s.name), values[s.name]) for s in settings}
        config = controls.to_config(
            model="any", forget="class:Bag", method=method, preset=preset, variant="official", values=shown,
            seed=3.0, device="auto", precision="fp32", model_kind="ddpm",
        )  # fmt: skip
        assert config.settings == values


def test_a_method_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="SCRUB cannot work on this kind of model"):
        controls.to_config(
            model="any", forget="class:Bag", method="scrub", preset="quick", variant="official", values={},
            seed=0, device="auto", precision="auto", model_kind="ddpm",
        )  # fmt: skip


def test_labels_carry_the_symbol_and_help_the_range() -> None:
    settings = {s.name: s for s in SFRonConfig.settings()}
    alpha = controls.component(settings["alpha"], 10.0, "alpha")
    clip = controls.component(settings["clip_forget"], None, "clip")
    momentum = controls.component(settings["momentum"], 0.9, "momentum")
    mask = controls.component(settings["mask"], True, "mask")
    schedule = controls.component(settings["alpha_schedule"], "cosine", "schedule")
    assert alpha.label == "Forgetting strength (α)"
    assert alpha.info.startswith(settings["alpha"].help)
    assert "From 0 to 10000" in alpha.info
    assert "or empty." in clip.info
    assert isinstance(momentum, gr.Slider)
    assert isinstance(mask, gr.Checkbox)
    assert [value for _, value in schedule.choices] == list(settings["alpha_schedule"].choices)


def test_no_slider_hides_its_default_at_its_end() -> None:
    for method in catalog.BY_KIND["classifier"].values():
        for setting in method.config_cls.settings():
            if controls.is_slider(setting):
                assert setting.low is not None
                assert setting.high is not None
                assert setting.low <= setting.default <= setting.high
                assert not setting.optional


def test_a_number_that_may_be_empty_begins_so_and_takes_no_zero() -> None:
    settings = {s.name: s for s in SFRonConfig.settings()}
    with gr.Blocks() as page:
        empty = controls.component(settings["fisher_batches"], None, "empty")
        full = controls.component(settings["clip_forget"], 7.0, "full")
        controls.component(settings["alpha"], 10.0, "alpha")
    sent = [part["props"]["value"] for part in page.get_config_file()["components"] if part["type"] == "number"]
    assert sent == ["", 7.0, 10.0]
    assert [empty.preprocess(""), empty.preprocess(3), full.preprocess(None)] == [None, 3, None]
    values = {**presets.resolve(MODEL, "sfr-on"), "fisher_batches": 0}
    with pytest.raises(ConfigError, match=r"Fisher batches \(fisher_batches\) cannot be 0"):
        controls.to_config(
            model=MODEL, forget="class:Bag", method="sfr-on", preset="quick", variant="official", values=values, seed=0,
            device="auto", precision="auto",
        )  # fmt: skip


def test_an_emptied_box_means_off_or_is_refused() -> None:
    base = presets.resolve(MODEL, "sfr-on")
    common: dict[str, Any] = {
        "model": MODEL,
        "forget": "class:Bag",
        "method": "sfr-on",
        "preset": "quick",
        "variant": "official",
        "device": "auto",
        "precision": "auto",
    }
    config = controls.to_config(values={**base, "clip_forget": None}, seed=0, **common)
    assert config.settings["clip_forget"] is None
    with pytest.raises(ConfigError, match="is empty"):
        controls.to_config(values={**base, "alpha": None}, seed=0, **common)
    with pytest.raises(ConfigError, match="alpha"):
        controls.to_config(values={**base, "alpha": -1}, seed=0, **common)
    with pytest.raises(ConfigError, match="steps"):
        controls.to_config(values={**base, "steps": 2.5}, seed=0, **common)
    with pytest.raises(ConfigError, match="seed"):
        controls.to_config(values=base, seed=None, **common)
    with pytest.raises(InputError, match="device"):
        controls.to_config(values=base, seed=0, **{**common, "device": "tpu"})
    with pytest.raises(UnknownName, match="method"):
        controls.to_config(values={}, seed=0, **{**common, "method": "magic"})


def test_a_box_beside_a_slider_is_read_as_it_is_and_refused_in_words() -> None:
    momentum = controls.component({s.name: s for s in SFRonConfig.settings()}["momentum"], 0.9, "momentum")
    assert momentum.preprocess(7.5) == 7.5
    with pytest.raises(SpecError, match=r"A share of 150 % cannot be forgotten. Choose one from 1 to 50 %"):
        controls.forget_text("random", (), 150, 0, ())
    with pytest.raises(ConfigError, match=r"seed of the draw cannot be 1\.7"):
        controls.forget_text("random", (), 10, 1.7, ())
    steps = controls.component({s.name: s for s in SFRonConfig.settings()}["steps"], 100, "steps")
    assert steps.preprocess(1.5) == 1.5  # to be refused by the config, not rounded


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


def test_methods_that_a_model_cannot_do_have_a_reason() -> None:
    prompts = {"esd-x", "esd-u", "uce", "concept-ablation", "random-embedding"}
    assert set(controls.cannot("classifier")) == {"joint", "selective-amnesia", *prompts}  # made for generators
    assert set(controls.cannot("ddpm")) == {"retrain", "random-label", "bad-teacher", "scrub", *prompts}
    assert set(controls.cannot("text-to-image")) == {
        "retrain", "random-label", "bad-teacher", "scrub", "joint", "selective-amnesia", "random-embedding",
    }  # fmt: skip
    assert "hours" in controls.cannot("ddpm")["retrain"]
    unable = controls.cannot("something that only has losses")
    assert {"sfr-on", "finetune", "gradient-ascent"}.isdisjoint(unable)
    assert {"salun", "scrub", "bad-teacher", "random-label"} <= set(unable)
    assert "does not have" in unable["salun"]
    assert catalog.title_of("selective-amnesia") == "Selective Amnesia"
    assert catalog.title_of("magic") == "magic"
