"""A run in words, as people ask for it: at the command line, in a link, in a script. Each setting that is not the preset's is one FIELD=VALUE."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from sfr_core.catalog import spec_of
from sfr_core.catalog.base import MethodSpec
from sfr_core.configs import PresetName, RunConfig, parse_value
from sfr_core.errors import ConfigError, UnknownName, quoted
from sfr_core.presets import resolve

SET = "set"
"""Name of the word that changes a setting; it may be said again."""


def config_of(wanted: Mapping[str, Any], settings: Sequence[str], kind: str) -> RunConfig:
    """The run that words ask for; method, preset, variant, fields and seed are checked.

    Args:
        wanted: fields of a RunConfig without `settings`, the numbers as texts; model, forget and method at least.
        settings: FIELD=VALUE, over the preset. kind: of the model.

    Raises:
        ConfigError, UnknownName: names what is wrong.
    """
    given = dict(wanted)
    method = spec_of(given["method"], kind)
    preset, variant = given.get("preset", "quick"), given.get("variant", "official")
    if preset not in get_args(PresetName):
        raise UnknownName("preset", preset, get_args(PresetName))
    overrides = _overrides(method, settings)
    values = resolve(given["model"], method.id, preset, variant, overrides, forget=given["forget"], kind=kind)
    if "seed" in given:
        with contextlib.suppress(ValueError):  # RunConfig says why any other text is refused
            given["seed"] = int(given["seed"])
    return RunConfig(**given, settings=values)


def _overrides(method: MethodSpec, texts: Sequence[str]) -> dict[str, Any]:
    specs = {spec.name: spec for spec in method.config_cls.settings()}
    out = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set {quoted(text)} has no value.", hint="Write --set field=value.")
        if name not in specs:
            raise UnknownName("field", name, specs)
        out[name] = parse_value(specs[name], value)
    return out


def words_of(config: RunConfig, kind: str) -> list[tuple[str, str]]:
    """The words that ask for a run, what is usual left out; `config_of` of them is the same run on any machine.

    Args:
        kind: of the model.

    Returns:
        Pairs of a name (a field of RunConfig, or SET) and a text.
    """
    words = [("model", config.model), ("forget", config.forget), ("method", config.method), ("preset", config.preset)]
    words += [("variant", config.variant)] if config.variant != "official" else []
    usual = resolve(config.model, config.method, config.preset, config.variant, forget=config.forget, kind=kind)
    words += [(SET, f"{name}={_text(value)}") for name, value in config.settings.items() if value != usual[name]]
    words += [("redirect", config.redirect)] if config.redirect else []
    words += [("data", config.data)] if config.data != "shipped" else []
    words += [("memory", config.memory)] if config.memory != "plain" else []
    return [*words, ("seed", str(config.seed))]


def _text(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
