"""Hyper-parameters: one frozen dataclass per method. Each field carries what sliders, `--set` and the docs are made from.

Symbols are the paper's (arXiv 2409.19732); where the published code differs from it, the field says so and the two
variants `official` and `paper` (VARIANTS) choose. Values with their sources: presets.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self, cast, get_args, get_type_hints

from sfr_core.errors import ConfigError, UnknownName

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "bf16"]
PresetName = Literal["quick", "thorough", "published"]
Variant = Literal["official", "paper"]
Group = Literal["main", "advanced", "ablation"]
MAX_SEED = 2**31 - 1


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
    """Base of all: validation, dict round trip and the list of settings. Fields every optimiser-based method has."""

    optimizer: Literal["sgd", "adam", "adamw"] = setting(
        "sgd", "Optimiser", "Rule that turns gradients into weight changes."
    )
    lr: float = setting(
        0.01, "Learning rate", "Size of one optimiser step.", symbol="η", low=0.0, high=1.0, group="main"
    )
    momentum: float = setting(
        0.9, "Momentum", "Share of the last SGD step that is kept; Adam ignores it.", low=0.0, high=0.999
    )
    weight_decay: float = setting(5e-4, "Weight decay", "Pull of every weight towards zero.", low=0.0, high=0.5)
    batch_size: int = setting(128, "Batch size", "Pictures per optimiser step.", low=1, high=1024)

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
    wanted = {
        "bool": "true or false",
        "int": f"a whole number from {spec.low} to {spec.high}",
        "float": f"a number from {spec.low} to {spec.high}",
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
        raise ConfigError(f"Field '{spec.name}' cannot be {value!r}.", hint=f"Give {wanted}{empty}.")


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
class SFRonConfig(MethodConfig):
    """SFR-on (paper, sections 3 and 4; official variant: as the authors coded it)."""

    steps: int = setting(
        100, "Steps", "Outer steps; each has one remain step.", symbol="T", low=1, high=20000, group="main"
    )
    forget_every: int = setting(
        1,
        "Forget every",
        "One forgetting step in every so many remain steps; more remain steps protect more and forget less.",
        symbol="K",
        low=1,
        high=1000,
        group="main",
    )
    alpha: float = setting(
        10.0,
        "Forgetting strength",
        "Multiplies the forget loss; raise it if too little is forgotten.",
        symbol="α",
        low=0.0,
        high=10000.0,
        group="main",
    )
    alpha_schedule: Literal["cosine", "linear", "quadratic", "constant"] = setting(
        "cosine",
        "Fading of forgetting",
        "How the strength falls over the run (paper: linear, published code: cosine).",
    )
    forget_loss: Literal["ascent", "redirect"] = setting(
        "ascent",
        "Forget loss",
        "Climb the loss of the forget set, or descend towards a wrong answer.",
    )
    adaptive: bool = setting(
        True, "Adaptive weights", "Best-remembered samples get the largest push (F).", symbol="ε̃", group="ablation"
    )
    lam: float = setting(
        0.5, "Temperature of the weights", "0 weighs all samples equally.", symbol="λ", low=0.0, high=5.0
    )
    weight_eps: float = setting(1e-15, "Floor in the weights", "Added to loss^λ.", symbol="e", low=0.0, high=1.0)
    loss_floor: float = setting(
        0.0,
        "Loss floor",
        "Losses below count as this in the weights, so that one exact zero cannot silence a batch.",
        low=0.0,
        high=10.0,
    )
    weight_scope: Literal["batch", "forget-set"] = setting(
        "batch",
        "Weights sum to one over",
        "The mini-batch (published code) or the whole forget set (paper).",
    )
    mask: bool = setting(
        True, "Saliency mask", "Forget only where the forget set matters more (S).", symbol="m", group="ablation"
    )
    gamma: float = setting(
        1.0, "Mask threshold", "Higher keeps fewer weights.", symbol="γ", low=0.0, high=1e6, group="main"
    )
    mask_eps: float = setting(1e-15, "Floor in the ratio", "Added to both Fishers.", low=0.0, high=1.0)
    masked_weights: Literal["drift", "hold"] = setting(
        "drift",
        "Masked weights",
        "In a forgetting step they drift by momentum and decay (published code) or are held (paper).",
    )
    fisher_batches: int | None = setting(
        None, "Fisher batches", "Batches per set for the mask; none takes one whole pass.", low=1, high=100000
    )
    fisher_batch_size: int = setting(128, "Fisher batch size", "Pictures per Fisher batch.", low=1, high=1024)
    fisher_last_batch: Literal["keep", "drop"] = setting(
        "keep",
        "Short last Fisher batch",
        "It weighs as much as a full one (published code), or is left out.",
    )
    fisher_clip: float | None = setting(
        None, "Fisher clip", "Norm to which each batch gradient is cut before squaring.", low=1e-9, high=1e9
    )
    clip_forget: float | None = setting(
        7.0,
        "Clip, forget step",
        "Largest gradient norm of a forgetting step, after the mask.",
        symbol="c",
        low=1e-9,
        high=1e9,
    )
    clip_remain: float | None = setting(
        None, "Clip, remain step", "Largest gradient norm of a remain step.", low=1e-9, high=1e9
    )
    alternate: bool = setting(
        True, "Alternating steps", "Forget and repair in turn (R-on); off: one joint step (R).", group="ablation"
    )
    optimizer_state: Literal["shared", "separate"] = setting(
        "shared", "Optimiser state", "One for both kinds of steps (published), or one each (DualOptim's idea)."
    )
    slow_beta: float = setting(
        1.0,
        "Slow weights",
        "Share of the way from the slow to the fast weights; 1 follows the fast ones.",
        symbol="β",
        low=0.0,
        high=1.0,
    )
    slow_scope: Literal["step", "outer"] = setting(
        "step", "Slow weights move after", "Every step (published code) or every forget-and-repair cycle (paper)."
    )
    lr_schedule: Literal["cosine", "constant"] = setting(
        "cosine", "Learning-rate schedule", "Cosine to zero over the run, or constant."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochConfig(MethodConfig):
    """Base of the baselines that train in epochs."""

    epochs: int = setting(10, "Epochs", "Passes over the data.", low=1, high=500, group="main")
    lr_schedule: Literal["cosine", "constant"] = setting(
        "cosine", "Learning-rate schedule", "Cosine over epochs, lr·(1+cos(πe/E))/2, or constant."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainConfig(EpochConfig):
    """Retrain (RT): a new model on the remain set, by the recipe that trained the original."""

    lr_schedule: Literal["one-cycle", "cosine", "constant"] = setting(  # type: ignore[assignment]
        "one-cycle",
        "Learning-rate schedule",
        "One-cycle: linear rise, then cosine to zero, step by step; cosine over epochs; or constant.",
    )
    warmup: float = setting(
        0.2, "Warm-up", "Share of the steps in which a one-cycle learning rate rises.", low=0.0, high=0.9
    )
    nesterov: bool = setting(True, "Nesterov momentum", "SGD looks one momentum step ahead.")
    shift: int = setting(1, "Shift", "Pixels by which training pictures are moved at most, each way.", low=0, high=8)
    shift_share: float = setting(
        0.7,
        "Shifted share",
        "Share of the epochs with shifted pictures; the rest trains on them as they are.",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneConfig(EpochConfig):
    """Fine-tuning (FT): cross-entropy on the remain set only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientAscentConfig(EpochConfig):
    """Gradient ascent (GA): minus the cross-entropy on the forget set only, BatchNorm frozen."""

    clip: float | None = setting(0.1, "Clip", "Largest gradient norm.", low=1e-9, high=1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomLabelConfig(EpochConfig):
    """Random label (RL): forget rows get one fixed wrong label each, then everything is trained on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SalUnConfig(EpochConfig):
    """SalUn: random label, with every gradient multiplied by a saliency mask."""

    mask_fraction: float = setting(
        0.2,
        "Mask share",
        "Share of all weights, by size of the forget gradient, that may move.",
        low=0.0,
        high=1.0,
        group="main",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SalUnJointConfig(MethodConfig):
    """SalUn for generators: redirection and remain loss in one step, behind a saliency mask (reference section 3.2)."""

    optimizer: Literal["sgd", "adam", "adamw"] = setting(
        "adam", "Optimiser", "Rule that turns gradients into weight changes."
    )
    lr: float = setting(
        1e-5, "Learning rate", "Size of one optimiser step.", symbol="η", low=0.0, high=1.0, group="main"
    )
    weight_decay: float = setting(0.0, "Weight decay", "Pull of every weight towards zero.", low=0.0, high=0.5)
    steps: int = setting(1000, "Steps", "Optimiser steps.", low=1, high=100000, group="main")
    forget_weight: float = setting(
        1.0, "Weight of redirection", "Multiplies the forget loss.", low=0.0, high=1e4, group="main"
    )
    remain_weight: float = setting(
        1e-3, "Weight of remaining", "Multiplies the remain loss.", low=0.0, high=1e4, group="main"
    )
    mask_fraction: float = setting(
        0.5,
        "Mask share",
        "Share of all weights, by size of the forget gradient, that may move.",
        low=0.0,
        high=1.0,
        group="main",
    )
    saliency_clip: float | None = setting(
        1.0, "Saliency clip", "Norm to which each batch gradient is cut before they are added up.", low=1e-9, high=1e9
    )
    clip: float | None = setting(1.0, "Clip", "Largest gradient norm, before the mask.", low=1e-9, high=1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadTeacherConfig(EpochConfig):
    """Bad Teacher (BT): imitate a random network on the forget set and the original on the remain set."""

    temperature: float = setting(1.0, "Temperature", "Softens teacher and student.", low=0.01, high=100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrubConfig(EpochConfig):
    """SCRUB: push away from the original on the forget set, stay near it on the remain set."""

    forget_epochs: int = setting(
        2, "Forget epochs", "The first so many epochs begin with a pass that pushes away.", low=0, high=500
    )
    temperature: float = setting(4.0, "Temperature", "Softens teacher and student.", low=0.01, high=100.0)
    ce_weight: float = setting(0.99, "Weight of cross-entropy", "In the remain pass.", symbol="γ", low=0.0, high=100.0)
    kl_weight: float = setting(0.001, "Weight of imitation", "In the remain pass.", symbol="α", low=0.0, high=100.0)


VARIANTS: dict[Variant, dict[str, dict[str, Any]]] = {
    "official": {},
    "paper": {
        "sfr-on": {
            "alpha_schedule": "linear",
            "weight_scope": "forget-set",
            "masked_weights": "hold",
            "fisher_last_batch": "drop",
            "slow_scope": "outer",
            "loss_floor": 1e-4,
        }
    },
}
"""What the method as written changes in the preset, by method; `official` is the preset itself (reference 2.7 and 6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """One run, whole: the object that the page, the command line, a link and a file all hold.

    Attributes:
        model: identifier in the zoo.
        forget: forget specification (contracts.md), for example ``class:Sneaker``.
        method: key of METHODS.
        preset, variant: where `settings` came from; kept for people, `settings` alone decide.
        settings: every field of the method's config.
        seed: of the run's own draws (batches, augmentation, labels).
        device, precision: as asked for; what was used stands in the result.
    """

    model: str
    forget: str
    method: str
    preset: PresetName = "quick"
    variant: Variant = "official"
    settings: dict[str, Any]
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "auto"
    schema: int = 1

    def __post_init__(self) -> None:
        for name, kind in (("device", Device), ("precision", Precision), ("preset", PresetName), ("variant", Variant)):
            if getattr(self, name) not in get_args(kind):
                raise UnknownName(name, str(getattr(self, name)), get_args(kind))
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed <= MAX_SEED:
            raise ConfigError(f"The seed cannot be {self.seed!r}.", hint=f"Give a whole number from 0 to {MAX_SEED}.")
        for name in ("model", "forget", "method"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name).strip():
                raise ConfigError(f"The run names no {name}.", hint=f"Give {name} as text.")
        if not isinstance(self.settings, dict):
            raise ConfigError("The run's settings are not a table of fields.", hint="Give settings as {field: value}.")

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict, fields in the order above."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> RunConfig:
        """Reads what `to_json` wrote.

        Raises:
            ConfigError: not a table, a field missing, or another schema. UnknownName: an unknown field.
        """
        if not isinstance(data, dict):
            raise ConfigError("This is not a run configuration.", hint="Choose a config.json written by this program.")
        known = {f.name for f in fields(cls)}
        for key in data:
            if key not in known:
                raise UnknownName("field", str(key), known)
        missing = {"model", "forget", "method", "settings"} - set(data)
        if missing:
            raise ConfigError(
                f"The run configuration lacks {', '.join(sorted(missing))}.", hint="Choose a whole config.json."
            )
        if data.get("schema", 1) != 1:
            raise ConfigError(
                f"This configuration has schema {data['schema']}, this program reads 1.", hint="Update the program."
            )
        return cls(**data)
