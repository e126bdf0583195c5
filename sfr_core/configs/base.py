"""What configs share: the metadata of a field, its check, and the fields of an optimiser."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import Any, Literal, Self, TypeVar, cast, dataclass_transform, get_args, get_type_hints

import pydantic
from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator

from sfr_core.errors import ConfigError, UnknownName, given
from sfr_core.reading import EXACT

Group = Literal["main", "forgetting", "repair", "mask", "optimiser", "ablation"]
"""Where a form puts a setting, in this order; `ablation` are the switches of the method's parts."""
Up = Literal["", "forgets", "keeps", "both"]
"""What a higher value does: forget more, keep more of the rest, both (more steps of either part), or nothing that a rule may use."""
Optimizer = Literal["sgd", "adam", "adamw", "adam8bit", "adamw8bit"]
Trainable = Literal["full", "cross-attention", "keys-values", "without-cross-attention"]
"""Slices of a U-Net: all of it; the cross-attention layers (ESD-x); only their projections of the text (concept ablation, UCE);
all but cross-attention, time embedding and output layer (ESD-u)."""
C = TypeVar("C")


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
        up: what turning it up does, for who suggests another value.
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
    up: Up


def setting(
    default: Any,
    label: str,
    help: str,
    *,
    symbol: str = "",
    low: float | None = None,
    high: float | None = None,
    group: Group = "optimiser",
    up: Up = "",
) -> Any:
    """A dataclass field with the metadata of a Setting (its kind and choices follow from the annotation)."""
    shown = {"label": label, "help": help, "symbol": symbol, "low": low, "high": high, "group": group, "up": up}
    return field(default=default, metadata={"ge": low, "le": high, "shown": shown})


main_setting = partial(setting, group="main")
forgetting_setting = partial(setting, group="forgetting")
repair_setting = partial(setting, group="repair")
mask_setting = partial(setting, group="mask")
ablation_setting = partial(setting, group="ablation")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def checked(cls: type[C]) -> type[C]:
    """Makes a frozen dataclass whose constructor has Pydantic check every field, in subclasses too where they are `checked`."""
    return cast(type[C], pydantic.dataclasses.dataclass(cls, frozen=True, slots=True, kw_only=True, config=EXACT))


@checked
class MethodConfig:
    """Base of all: validation, dict round trip and the list of settings."""

    @model_validator(mode="wrap")
    @classmethod
    def _in_one_sentence(cls, values: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return check(values)
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]
        name = str(wrong["loc"][0])
        known = {spec.name: spec for spec in cls.settings()}
        if name not in known:
            raise UnknownName("field", name, known)
        raise ConfigError(must_be(known[name]), hint=f"You gave {name} = {given(wrong['input'])}.")

    def check_abilities(self, have: Collection[str]) -> None:
        """Refuses values that ask for what a task cannot do.

        Args:
            have: abilities of the task's kind (Kind.abilities).

        Raises:
            InputError: a value that needs another one.
        """

    @classmethod
    def settings(cls) -> tuple[Setting, ...]:
        """All settings, in the order in which a form shows them."""
        hints = get_type_hints(cls)
        return tuple(_describe(f.name, hints[f.name], f.default, f.metadata["shown"]) for f in fields(cls))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Builds a config from a plain dict; fields left out take their defaults.

        Raises:
            UnknownName: a key that is no field. ConfigError: a value of the wrong type or out of its range.
        """
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON-ready values."""
        return asdict(self)


def _describe(name: str, hint: Any, default: Any, shown: Mapping[str, Any]) -> Setting:
    args = [a for a in get_args(hint) if a is not type(None)]
    optional = type(None) in get_args(hint)
    bare = args[0] if optional and len(args) == 1 else hint
    choices = tuple(str(a) for a in get_args(bare))
    kind: Any = "choice" if choices else bare.__name__
    return Setting(name=name, kind=kind, default=default, choices=choices, optional=optional, **shown)


def must_be(spec: Setting) -> str:
    """What a setting accepts, as a sentence: "Steps must be a whole number between 1 and 64, or empty (none)."."""
    span = "" if spec.low is None or spec.high is None else f"between {_number(spec.low)} and {_number(spec.high)}"
    accepted = {
        "bool": "true or false",
        "int": f"a whole number {span}",
        "float": span or "a number",
        "choice": "one of " + ", ".join(spec.choices),
    }[spec.kind].strip()
    return f"{spec.label} must be {accepted}{', or empty (none)' if spec.optional else ''}."


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


SWITCHES = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}


def parse_value(spec: Setting, text: str) -> Any:
    """Turns the text after `--set field=` into a value for `spec` (still to be checked by the config)."""
    if spec.optional and text.casefold() in {"none", "off", ""}:
        return None
    if spec.kind == "bool":
        return SWITCHES.get(text.casefold(), text)
    if spec.kind in {"int", "float"}:
        try:
            return int(text) if spec.kind == "int" else float(text)
        except ValueError:
            return text
    return text


# Fields that several methods have, each with a default of its own.


def optimizer_field(default: Optimizer) -> Any:
    return setting(
        default,
        "Optimiser",
        "The rule that turns gradients into changes of the weights. The 8-bit ones save memory and need the package bitsandbytes.",
    )


def lr_field(default: float) -> Any:
    return main_setting(
        default,
        "Learning rate",
        "How large each step is. Larger steps forget more and harm more.",
        symbol="η",
        low=0.0,
        high=1.0,
        up="forgets",
    )


def decay_field(default: float) -> Any:
    return setting(
        default, "Weight decay", "Pulls every weight towards zero in each step. Higher pulls harder.", low=0.0, high=0.5
    )


def batch_field(default: int) -> Any:
    return setting(
        default,
        "Batch size",
        "Pictures in one step. More make steadier steps and need more time and memory.",
        low=1,
        high=1024,
    )


def steps_field(default: int) -> Any:
    return main_setting(
        default,
        "Steps",
        "How many steps the run takes. More change more and take longer.",
        low=1,
        high=1000000,
        up="both",
    )


def clip_field(default: float | None) -> Any:
    return setting(
        default,
        "Clip",
        "Longest gradient that is used; longer ones are shortened to it. Higher allows larger steps. Empty: no limit.",
        low=1e-9,
        high=1e9,
    )


def temperature_field(default: float) -> Any:
    return forgetting_setting(
        default,
        "Temperature",
        "How evenly all classes count when a prediction is imitated. Higher: unlikely classes count more.",
        low=0.01,
        high=100.0,
    )


def mask_field(default: float) -> Any:
    return main_setting(
        default,
        "Mask share",
        "Share of the weights that may change: those that matter most for the forget set. Higher lets more change.",
        low=0.0,
        high=1.0,
        up="forgets",
    )


def part_field(default: Trainable) -> Any:
    return main_setting(
        default,
        "Trained part",
        "Which weights may change: all of the U-Net, only the layers that read the prompt (cross-attention), only their keys and values, or all other layers.",
    )


@checked
class OptimizerConfig(MethodConfig):
    """Base of the methods that descend or climb step by step: all but those that solve for the weights at once."""

    optimizer: Optimizer = optimizer_field("sgd")
    lr: float = lr_field(0.01)
    momentum: float = setting(
        0.9, "Momentum", "How much of the last steps each new one keeps. Adam ignores it.", low=0.0, high=0.999
    )
    weight_decay: float = decay_field(5e-4)
    batch_size: int = batch_field(128)


@checked
class EpochConfig(OptimizerConfig):
    """Base of the baselines that train in epochs."""

    epochs: int = main_setting(
        10,
        "Epochs",
        "How often the run goes through the pictures. More change more and take longer.",
        low=1,
        high=500,
        up="both",
    )
    lr_schedule: Literal["cosine", "constant"] = setting(
        "cosine",
        "Learning-rate schedule",
        "Cosine: the learning rate falls from epoch to epoch. Constant: it stays.",
    )

    def passes(self, pictures: int) -> int:
        """Pictures that all epochs over a set of so many see."""
        return self.epochs * pictures


@checked
class StepConfig(OptimizerConfig):
    """Base of the methods that train in steps; their optimiser is Adam without decay, as published for DDPM."""

    optimizer: Optimizer = optimizer_field("adam")
    lr: float = lr_field(1e-4)
    weight_decay: float = decay_field(0.0)
    steps: int = steps_field(1000)
    clip: float | None = clip_field(1.0)

    def passes(self, pictures: int) -> int:
        """Pictures that all steps see, whatever the size of the set."""
        return self.steps * self.batch_size


@checked
class PartStepConfig(StepConfig):
    """Base of those that train a part of a text-to-image model."""

    trainable: Trainable = part_field("full")
