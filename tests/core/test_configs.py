"""Configs: complete metadata, enforced ranges, text to values, round trips."""

from __future__ import annotations

import json
import math
from typing import Any, get_args

import pytest

from sfr_core.catalog import BY_KIND
from sfr_core.catalog.salun import SalUnConfig
from sfr_core.catalog.sfron import AS_WRITTEN, SFRonConfig
from sfr_core.catalog.uce import UceConfig
from sfr_core.configs import MAX_SEED, MethodConfig, OptimizerConfig, RunConfig, Setting, parse_value
from sfr_core.configs.base import Group
from sfr_core.configs.renamed import SWITCHED_OFF
from sfr_core.errors import ConfigError, UnknownName

CONFIGS = list(dict.fromkeys(spec.config_cls for table in BY_KIND.values() for spec in table.values()))
FIELDS = [pytest.param(c, s, id=f"{c.__name__}.{s.name}") for c in CONFIGS for s in c.settings()]
NUMBERS = [p for p in FIELDS if p.values[1].kind in ("int", "float")]  # type: ignore[union-attr]
every_field = pytest.mark.parametrize(("config_cls", "spec"), FIELDS)
every_number = pytest.mark.parametrize(("config_cls", "spec"), NUMBERS)


def test_all_configs_are_found() -> None:
    assert {c.__name__ for c in CONFIGS} >= {"SFRonConfig", "RetrainConfig", "ScrubConfig", "SalUnJointConfig"}
    assert {c.__name__ for c in CONFIGS} >= {"SelectiveAmnesiaConfig", "JointConfig", "RetrainStepsConfig"}


@every_field
def test_metadata_is_complete(config_cls: type[MethodConfig], spec: Setting) -> None:
    assert spec.label
    assert spec.label[0].isupper()
    assert not spec.label.endswith(".")
    assert spec.help.endswith(".")
    assert spec.group in get_args(Group)
    assert (spec.kind == "choice") == bool(spec.choices)
    if spec.kind in ("int", "float"):
        assert spec.low is not None
        assert spec.high is not None
        assert spec.low < spec.high
    else:
        assert spec.low is spec.high is None
    if spec.default is None:
        assert spec.optional


@every_field
def test_default_is_accepted(config_cls: type[MethodConfig], spec: Setting) -> None:
    assert getattr(config_cls.from_dict({spec.name: spec.default}), spec.name) == spec.default


@every_number
def test_both_ends_are_in_and_beyond_is_out(config_cls: type[MethodConfig], spec: Setting) -> None:
    kind = int if spec.kind == "int" else float
    assert spec.low is not None
    assert spec.high is not None
    for value in (kind(spec.low), kind(spec.high)):
        assert getattr(config_cls.from_dict({spec.name: value}), spec.name) == value
    below, above = (spec.low - 1, spec.high + 1)
    if spec.kind == "float":
        below, above = math.nextafter(spec.low, -math.inf), math.nextafter(spec.high, math.inf)
    for wrong in (kind(below), kind(above)):
        with pytest.raises(ConfigError, match=rf"You gave {spec.name} = ") as caught:
            config_cls.from_dict({spec.name: wrong})
        assert f"{spec.label} must be " in caught.value.message
        ends = [f"{end:,.0f}" if end >= 1000 else f"{end:g}" for end in (spec.low, spec.high)]
        assert f"between {ends[0]} and {ends[1]}" in caught.value.message


@every_number
def test_what_is_no_number_is_refused(config_cls: type[MethodConfig], spec: Setting) -> None:
    for wrong in (math.nan, math.inf, -math.inf, True, "1", [1]):
        with pytest.raises(ConfigError, match=rf"You gave {spec.name} = "):
            config_cls.from_dict({spec.name: wrong})


@every_field
def test_none_only_where_it_means_off(config_cls: type[MethodConfig], spec: Setting) -> None:
    if spec.optional:
        assert getattr(config_cls.from_dict({spec.name: None}), spec.name) is None
    else:
        with pytest.raises(ConfigError):
            config_cls.from_dict({spec.name: None})


@every_field
def test_choices_and_switches_refuse_the_rest(config_cls: type[MethodConfig], spec: Setting) -> None:
    if spec.kind == "choice":
        for choice in spec.choices:
            assert getattr(config_cls.from_dict({spec.name: choice}), spec.name) == choice
        with pytest.raises(ConfigError, match=spec.choices[0]):
            config_cls.from_dict({spec.name: "something else"})
    if spec.kind == "bool":
        for wrong in (1, "true"):
            with pytest.raises(ConfigError, match="true or false"):
                config_cls.from_dict({spec.name: wrong})


@pytest.mark.parametrize("config_cls", [c for c in CONFIGS if issubclass(c, OptimizerConfig)])
def test_round_trip_through_json(config_cls: type[MethodConfig]) -> None:
    config = config_cls.from_dict({"batch_size": 7, "lr": 0.125})
    again = config_cls.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert (again.batch_size, again.lr) == (7, 0.125)


def test_a_method_in_closed_form_has_no_optimiser() -> None:
    config = UceConfig.from_dict({"lam": 2, "tokens": "last"})
    assert UceConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(UnknownName, match="lr"):
        UceConfig.from_dict({"lr": 0.1})


def test_whole_numbers_are_taken_for_floats_but_not_the_reverse() -> None:
    alpha = SFRonConfig.from_dict({"alpha": 3}).alpha
    assert (alpha, type(alpha)) == (3.0, float)
    with pytest.raises(ConfigError, match="whole number"):
        SFRonConfig.from_dict({"steps": 3.0})


def test_unknown_field_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"Unknown field 'gama'.*Did you mean 'gamma'"):
        SFRonConfig.from_dict({"gama": 1.0})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("steps", "12", 12), ("alpha", "2.5", 2.5), ("alpha", "3", 3.0), ("alpha", "1e-3", 1e-3), ("mask", "off", False),
        ("mask", "Yes", True), ("mask", "0", False), ("clip_forget", "none", None), ("clip_forget", "off", None),
        ("fisher_batches", "", None), ("clip_remain", "4", 4.0), ("alpha_schedule", "linear", "linear"),
    ],
)  # fmt: skip
def test_text_becomes_a_value(name: str, text: str, value: Any) -> None:
    spec = next(s for s in SFRonConfig.settings() if s.name == name)
    parsed = parse_value(spec, text)
    assert (parsed, type(parsed)) == (value, type(value))
    assert getattr(SFRonConfig.from_dict({name: parsed}), name) == value


@pytest.mark.parametrize(("name", "text"), [("steps", "many"), ("steps", "1.5"), ("alpha", "nan"), ("mask", "perhaps"),
                                            ("alpha", "none"), ("alpha_schedule", "steep")])  # fmt: skip
def test_text_that_is_no_value_is_refused_by_the_config(name: str, text: str) -> None:
    spec = next(s for s in SFRonConfig.settings() if s.name == name)
    with pytest.raises(ConfigError, match=name):
        SFRonConfig.from_dict({name: parse_value(spec, text)})


def test_the_method_as_written_changes_known_fields_to_accepted_values() -> None:
    changed = SFRonConfig.from_dict(AS_WRITTEN).to_dict()
    assert all(changed[name] != SFRonConfig().to_dict()[name] for name in AS_WRITTEN)


RUN: dict[str, Any] = {"model": "m", "forget": "class:Sneaker", "method": "salun", "settings": SalUnConfig().to_dict()}


def test_run_config_round_trip() -> None:
    config = RunConfig(**RUN, seed=MAX_SEED, device="cpu", precision="fp32", preset="thorough", variant="paper")
    assert RunConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert RunConfig.from_json(RUN) == RunConfig(**RUN)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": -1}, {"seed": MAX_SEED + 1}, {"seed": True}, {"seed": 0.5}, {"model": ""}, {"forget": "  "}, {"method": 3},
        {"settings": [1]}, {"device": "tpu"}, {"precision": "fp8"}, {"preset": "slow"}, {"variant": "mine"},
        {"schema": 2}, {"colour": "red"},
    ],
)  # fmt: skip
def test_run_config_refuses(change: dict[str, Any]) -> None:
    with pytest.raises((ConfigError, UnknownName)) as caught:
        RunConfig.from_json({**RUN, **change})
    assert caught.value.hint


@pytest.mark.parametrize("name", list(RUN))
def test_run_config_needs_its_fields(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        RunConfig.from_json({k: v for k, v in RUN.items() if k != name})


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_run_config_is_a_table(data: Any) -> None:
    with pytest.raises(ConfigError, match="not a run configuration"):
        RunConfig.from_json(data)


def test_a_redirection_is_written_only_where_it_is_set() -> None:
    plain = RunConfig(model="m", forget="class:a", method="sfr-on", settings={})
    assert "redirect" not in plain.to_json()
    redirected = RunConfig(model="m", forget="concept:cat", method="sfr-on", settings={}, redirect="a tree")
    assert RunConfig.from_json(json.loads(json.dumps(redirected.to_json()))) == redirected
    for wrong in (3, "x" * 301):
        with pytest.raises(ConfigError, match="redirect"):
            RunConfig(model="m", forget="concept:cat", method="sfr-on", settings={}, redirect=wrong)  # type: ignore[arg-type]


OLD = {**RUN, "model": "emoji-dit", "method": "sfr-on"}
NEUTRAL = dict(SWITCHED_OFF)


@pytest.mark.parametrize(
    ("settings", "method", "kept"),
    [
        # The paper's losses: what SFR-on no longer names goes, everything else stays.
        ({"lr": 0.5, "forget_loss": "ascent", **NEUTRAL}, "sfr-on", {"lr": 0.5, "forget_loss": "ascent"}),
        ({"lr": 0.5}, "sfr-on", {"lr": 0.5}),
        ({"forget_loss": "redirect", "adaptive": False}, "sfr-on", {"forget_loss": "redirect", "adaptive": False}),
        # Ours, one by one: the values stay, and what a file of that time did not name is not added.
        ({"forget_loss": "relative"}, "sfr-on-redirected", {"forget_loss": "relative"}),
        *(
            ({**NEUTRAL, name: value}, "sfr-on-redirected", {**NEUTRAL, name: value})
            for name, value in {
                "other": "farthest", "remain_loss": "recall", "recall_weights": "noise", "forget_until": 0.3, "forget_steps": 4,
                "forget_down_to": 0.1, "lr_warmup": 10,
            }.items()
        ),
    ],
)  # fmt: skip
def test_a_file_of_before_sfron_redirected_is_read_by_its_settings(
    settings: dict[str, Any], method: str, kept: dict[str, Any]
) -> None:
    found = RunConfig.from_json({**OLD, "settings": settings})
    assert (found.method, found.settings) == (method, kept)
    assert RunConfig.from_json(found.to_json()) == found  # what is written today is read as it is
    other = RunConfig.from_json({**OLD, "method": "salun", "settings": settings})
    assert (other.method, other.settings) == ("salun", settings)
