"""What configs share: the metadata of a field, its check, and the fields of an optimiser."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self, cast, get_args, get_type_hints

from sfr_core.errors import ConfigError, UnknownName

Group = Literal["main", "advanced", "ablation"]
Optimizer = Literal["sgd", "adam", "adamw", "adam8bit", "adamw8bit"]
OPTIMIZER_HELP = "Rule that turns gradients into weight changes; the 8-bit ones need bitsandbytes."


@dataclass(frozen=True, slots=True)
class Setting:
    """What a form or a help text needs to know of one field.

    Attributes:
        name: field name, also the key of `--set`.
        label: short name for people.
        help: one sentence.
        symbol: symbol in the paper, or "".
        kind: "int", "float", "bool" or "choice".
        default: default value.
        low, high: inclusive range of a number; both None for bool and choice.
        choices: allowed values of a choice.
        optional: None is allowed and means "off".
        group: where a form puts it.
    """

    name: str
    label: str
    help: str
    symbol: str
    kind: Literal["int", "float", "bool", "choice"]
    default: Any
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    optional: bool
    group: Group


def setting(
    default: Any,
    label: str,
    help: str,
    *,
    symbol: str = "",
    low: float | None = None,
    high: float | None = None,
    group: Group = "advanced",
) -> Any:
    """A dataclass field with the metadata of a Setting (its kind and choices follow from the annotation)."""
    return field(
        default=default,
        metadata={"label": label, "help": help, "symbol": symbol, "low": low, "high": high, "group": group},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodConfig:
    """Base of all: validation, dict round trip and the list of settings."""

    def __post_init__(self) -> None:
        for spec in self.settings():
            check_value(spec, getattr(self, spec.name))

    @classmethod
    def settings(cls) -> tuple[Setting, ...]:
        """All settings, in the order in which a form shows them."""
        hints = get_type_hints(cls)
        return tuple(_describe(f.name, hints[f.name], f.default, f.metadata) for f in fields(cls))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Builds a config from a plain dict; fields left out take their defaults.

        Raises:
            UnknownName: a key that is no field. ConfigError: a value of the wrong type or out of its range.
        """
        known = {f.name for f in fields(cls)}
        for key in values:
            if key not in known:
                raise UnknownName("field", key, known)
        numbers = {s.name for s in cls.settings() if s.kind == "float"}
        clean: dict[str, Any] = {k: float(v) if k in numbers and type(v) is int else v for k, v in values.items()}
        return cls(**clean)

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON-ready values."""
        return asdict(self)


def _describe(name: str, hint: Any, default: Any, meta: Mapping[str, Any]) -> Setting:
    args = [a for a in get_args(hint) if a is not type(None)]
    optional = type(None) in get_args(hint)
    bare = args[0] if optional and len(args) == 1 else hint
    choices = tuple(str(a) for a in get_args(bare)) if get_args(bare) else ()
    kind = "choice" if choices else {bool: "bool", int: "int", float: "float"}[bare]
    return Setting(
        name=name,
        label=meta["label"],
        help=meta["help"],
        symbol=meta["symbol"],
        kind=cast(Literal["int", "float", "bool", "choice"], kind),
        default=default,
        low=meta["low"],
        high=meta["high"],
        choices=choices,
        optional=optional,
        group=meta["group"],
    )


def check_value(spec: Setting, value: Any) -> None:
    """Raises ConfigError, naming the field and what it accepts, unless `value` suits `spec`."""
    if value is None and spec.optional:
        return
    span = "" if spec.low is None or spec.high is None else f" from {spec.low:g} to {spec.high:g}"
    wanted = {
        "bool": "true or false",
        "int": f"a whole number{span}",
        "float": f"a number{span}",
        "choice": "one of " + ", ".join(spec.choices),
    }[spec.kind]
    if spec.kind == "bool":
        good = isinstance(value, bool)
    elif spec.kind == "choice":
        good = value in spec.choices
    else:
        types = (int,) if spec.kind == "int" else (int, float)
        good = (
            isinstance(value, types)
            and not isinstance(value, bool)
            and math.isfinite(value)
            and (spec.low is None or value >= spec.low)
            and (spec.high is None or value <= spec.high)
        )
    if not good:
        empty = ", or none" if spec.optional else ""
        raise ConfigError(f"{spec.label} ({spec.name}) cannot be {value!r}.", hint=f"Give {wanted}{empty}.")


def parse_value(spec: Setting, text: str) -> Any:
    """Turns the text after `--set field=` into a value for `spec` (still to be checked by the config)."""
    if spec.optional and text.casefold() in {"none", "off", ""}:
        return None
    if spec.kind == "bool":
        return {
            "true": True,
            "1": True,
            "on": True,
            "yes": True,
            "false": False,
            "0": False,
            "off": False,
            "no": False,
        }.get(text.casefold(), text)
    if spec.kind in {"int", "float"}:
        try:
            return int(text) if spec.kind == "int" else float(text)
        except ValueError:
            return text
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerConfig(MethodConfig):
    """Base of the methods that descend or climb step by step: all but those that solve for the weights at once."""

    optimizer: Optimizer = setting("sgd", "Optimiser", OPTIMIZER_HELP)
    lr: float = setting(
        0.01, "Learning rate", "Size of one optimiser step.", symbol="η", low=0.0, high=1.0, group="main"
    )
    momentum: float = setting(
        0.9, "Momentum", "Share of the last SGD step that is kept; Adam ignores it.", low=0.0, high=0.999
    )
    weight_decay: float = setting(5e-4, "Weight decay", "Pull of every weight towards zero.", low=0.0, high=0.5)
    batch_size: int = setting(128, "Batch size", "Pictures per optimiser step.", low=1, high=1024)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochConfig(OptimizerConfig):
    """Base of the baselines that train in epochs."""

    epochs: int = setting(10, "Epochs", "Passes over the data.", low=1, high=500, group="main")
    lr_schedule: Literal["cosine", "constant"] = setting(
        "cosine", "Learning-rate schedule", "Cosine over epochs, lr·(1+cos(πe/E))/2, or constant."
    )


@dataclass(frozen=True, slots=True)
class Preset:
    """Fields that differ from the defaults of the method's config, and where their values come from."""

    values: Mapping[str, Any]
    source: str
