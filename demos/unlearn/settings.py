"""Config metadata -> what the page draws -> config. A field of the form exists because one of the config does; nothing is listed twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, get_args

from demos.text import unlearn as copy
from sfr_core import catalog
from sfr_core.configs import Setting
from sfr_core.configs.base import Group, must_be
from sfr_core.configs.run import whole
from sfr_core.errors import ConfigError, SpecError, quoted
from sfr_core.kinds import KINDS

MAX_SAMPLES = 2000
"""Single pictures that one run may name."""


def settings_of(method: str, kind: str = "classifier") -> tuple[Setting, ...]:
    """The settings of a method on models of a kind, the main ones first."""
    order = get_args(Group)
    return tuple(sorted(catalog.spec_of(method, kind).config_cls.settings(), key=lambda s: order.index(s.group)))


def field(setting: Setting, value: Any) -> dict[str, Any]:
    """One setting as static/settings.js draws it, `value` being what it starts from; its label bears the paper's symbol."""
    return {
        "name": setting.name,
        "label": f"{setting.label} ({setting.symbol})" if setting.symbol else setting.label,
        "info": info(setting),
        "kind": setting.kind,
        "group": setting.group,
        "value": value,
        "low": setting.low,
        "high": setting.high,
        "choices": [[name, name] for name in setting.choices],
        "optional": setting.optional,
        "slider": is_slider(setting),
        "wanted": must_be(setting),
    }


def info(setting: Setting) -> str:
    """Help with the range."""
    if setting.kind not in {"int", "float"}:
        return setting.help
    text = copy.RANGE_OPTIONAL if setting.optional else copy.RANGE
    return f"{setting.help} {text.format(low=_plain(setting.low), high=_plain(setting.high))}"


def is_slider(setting: Setting) -> bool:
    """A slider suits a short range without "off" whose default is not crowded against its lower end."""
    if setting.kind not in {"int", "float"} or setting.optional or setting.low is None or setting.high is None:
        return False
    return setting.high - setting.low <= 5 and setting.default >= 0.05 * setting.high


def clean(setting: Setting, value: Any) -> Any:
    """What the page sent, in the type that the config expects; checked there."""
    if value is None or value == "":
        if setting.optional:
            return None
        raise ConfigError(f"{setting.label} ({setting.name}) is empty.", hint=f"Give a value. {info(setting)}")
    if setting.kind == "int" and isinstance(value, float) and value.is_integer():
        return int(value)
    if setting.kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        with suppress(OverflowError):
            return float(value)
    return value


def forget_text(kind: str, classes: Sequence[str], share_percent: Any, share_seed: Any, rows: Iterable[int]) -> str:
    """The forget specification (docs/contracts.md) of the form; `classes` holds the chosen names, of a concept the one.

    Raises:
        SpecError: nothing is chosen, or no share. ConfigError: no seed.
    """
    if kind == "class":
        if not classes:
            raise SpecError(copy.CHOOSE_CLASS)
        return "class:" + ",".join(classes)
    if kind == "concept":
        if not classes:
            raise SpecError(copy.CHOOSE_CONCEPT)
        return f"concept:{classes[0]}"
    if kind == "random":
        if share_percent is None or share_seed is None:
            raise SpecError("The share or its seed is empty.", hint="Give both as numbers.")
        if type(share_percent) not in (int, float) or not 0 < share_percent < 100:
            raise SpecError(
                f"A share of {quoted(share_percent)} % cannot be forgotten.", hint="Choose one from 1 to 50 %."
            )
        return f"random:{share_percent / 100:g}@{whole('seed of the draw', share_seed)}"
    chosen = sorted(set(rows))
    if not chosen:
        raise SpecError(copy.CHOOSE_SAMPLES)
    if len(chosen) > MAX_SAMPLES:
        raise SpecError(
            f"{len(chosen)} pictures are too many.", hint=f"Choose at most {MAX_SAMPLES}, or a random share."
        )
    return "samples:" + ",".join(map(str, chosen))


def cannot(kind: str) -> dict[str, str]:
    """Methods that a model of this kind cannot do -> the reason in words; those of other kinds only come last."""
    mine, reasons = catalog.of_kind(kind), {}
    for name, spec in mine.items():
        missing = catalog.lacks(spec, kind)
        if "Restartable" in missing:
            reasons[name] = copy.CANNOT_RETRAIN
        elif missing:
            reasons[name] = copy.CANNOT_REASON.format(what=copy.ABILITIES[missing[0]])
    for other, table in catalog.BY_KIND.items():
        for name in table:
            if name not in mine:
                reasons.setdefault(name, KINDS[other].only)
    return reasons


def _plain(number: float | None) -> str:
    return f"{number:g}" if number is not None else ""
