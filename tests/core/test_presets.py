"""Presets: complete, valid, sourced, and overridden in the right order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sfr_core.configs import VARIANTS
from sfr_core.errors import ConfigError, UnknownName
from sfr_core.methods import METHODS
from sfr_core.presets import ANY, PRESETS, preset_names, preset_source, resolve

MODEL = "fashion-mnist-resnet"
ALL = [(method, preset) for method in METHODS for preset in ("quick", "thorough", "published")]


def test_every_method_has_presets_and_no_other() -> None:
    assert set(PRESETS) == set(METHODS)
    assert all(ANY in rows for rows in PRESETS.values())


@pytest.mark.parametrize("method", list(METHODS))
def test_presets_come_cheapest_first(method: str) -> None:
    assert preset_names(MODEL, method) == ("quick", "thorough", "published")
    assert preset_names("a model of one's own", method) == ("quick", "thorough", "published")


@pytest.mark.parametrize(("method", "preset"), ALL)
@pytest.mark.parametrize("variant", list(VARIANTS))
def test_every_preset_gives_every_field_and_survives_json(method: str, preset: str, variant: str) -> None:
    values = resolve(MODEL, method, preset, variant)
    config_cls = METHODS[method].config_cls
    assert list(values) == [s.name for s in config_cls.settings()]
    assert config_cls.from_dict(json.loads(json.dumps(values, allow_nan=False))).to_dict() == values


@pytest.mark.parametrize(("method", "preset"), ALL)
def test_every_preset_names_its_source(method: str, preset: str) -> None:
    source = preset_source(MODEL, method, preset)
    assert source.endswith(".")
    assert len(source) > 20
    assert ("CIFAR-10" in source) == (preset == "published")


# Sections 2.1 and 3.1 of the specification, CIFAR-10 with ResNet-18.
PUBLISHED: dict[str, dict[str, Any]] = {
    "sfr-on": {
        "lr": 0.01, "steps": 1500, "forget_every": 5, "alpha": 25.0, "alpha_schedule": "cosine", "lam": 0.5,
        "weight_eps": 1e-15, "gamma": 1.0, "clip_forget": 7.0, "clip_remain": None, "slow_beta": 1.0, "adaptive": True,
        "mask": True, "alternate": True, "optimizer_state": "shared", "masked_weights": "drift", "weight_scope": "batch",
        "lr_schedule": "cosine", "fisher_last_batch": "keep", "fisher_batches": None, "loss_floor": 0.0,
    },
    "retrain": {"lr": 0.1, "epochs": 200, "lr_schedule": "cosine", "nesterov": False},
    "finetune": {"lr": 0.01, "epochs": 10, "lr_schedule": "cosine"},
    "gradient-ascent": {"lr": 1e-4, "epochs": 9, "lr_schedule": "constant", "clip": 0.1},
    "random-label": {"lr": 0.003, "epochs": 10, "lr_schedule": "cosine"},
    "salun": {"lr": 0.007, "epochs": 10, "lr_schedule": "cosine", "mask_fraction": 0.2},
    "bad-teacher": {"lr": 0.02, "epochs": 10, "lr_schedule": "cosine", "temperature": 1.0},
    "scrub": {
        "lr": 8e-5, "epochs": 6, "lr_schedule": "cosine", "forget_epochs": 2, "temperature": 4.0, "ce_weight": 0.99,
        "kl_weight": 0.001,
    },
}  # fmt: skip


@pytest.mark.parametrize("method", list(METHODS))
def test_published_values(method: str) -> None:
    values = resolve(MODEL, method, "published")
    common = {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 5e-4, "batch_size": 128}
    wanted = {**common, **PUBLISHED[method]}
    assert {name: values[name] for name in wanted} == wanted


def test_shorter_presets_spend_less() -> None:
    assert resolve(MODEL, "sfr-on", "quick")["steps"] <= resolve(MODEL, "sfr-on", "thorough")["steps"]
    for method in set(METHODS) - {"sfr-on"}:
        assert resolve(MODEL, method, "quick")["epochs"] <= resolve(MODEL, method, "thorough")["epochs"]


def test_retraining_is_the_recipe_of_the_shipped_model() -> None:
    from recipes.classifier import CONFIG

    assert resolve(MODEL, "retrain", "quick") == CONFIG.to_dict()
    assert resolve(MODEL, "retrain", "thorough") == CONFIG.to_dict()


def test_variant_changes_the_preset_and_overrides_change_both() -> None:
    official, paper = resolve(MODEL, "sfr-on"), resolve(MODEL, "sfr-on", variant="paper")
    assert official["alpha_schedule"] == "cosine"
    assert {k: v for k, v in paper.items() if official[k] != v} == VARIANTS["paper"]["sfr-on"]
    chosen = resolve(MODEL, "sfr-on", "quick", "paper", {"alpha_schedule": "constant", "steps": 7})
    assert (chosen["alpha_schedule"], chosen["steps"]) == ("constant", 7)
    assert chosen["weight_scope"] == "forget-set"
    assert resolve(MODEL, "finetune", variant="paper") == resolve(MODEL, "finetune")


def test_result_is_a_copy() -> None:
    resolve(MODEL, "sfr-on")["steps"] = 1
    assert resolve(MODEL, "sfr-on")["steps"] > 1


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (("sfron",), "sfr-on"),
        (("sfr-on", "quik"), "quick"),
        (("sfr-on", "quick", "papers"), "paper"),
        (("sfr-on", "quick", "paper", {"alhpa": 1.0}), "alpha"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(arguments: tuple[Any, ...], near: str) -> None:
    with pytest.raises(UnknownName, match=f"Did you mean '{near}'"):
        resolve(MODEL, *arguments)


def test_other_lookups_refuse_unknown_names_too() -> None:
    with pytest.raises(UnknownName, match="'salun'"):
        preset_names(MODEL, "saluns")
    with pytest.raises(UnknownName, match="'published'"):
        preset_source(MODEL, "salun", "publish")


@pytest.mark.parametrize("values", [{"steps": 0}, {"alpha": -1.0}, {"alpha": "much"}, {"mask": 1}, {"steps": 2.5}])
def test_overrides_out_of_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(values))) as caught:
        resolve(MODEL, "sfr-on", overrides=values)
    assert caught.value.hint.startswith("Give ")
