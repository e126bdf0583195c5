"""Config metadata -> components -> config. A form field exists because a config field does; nothing is listed twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import gradio as gr

from demos import copy
from sfr_core import catalog
from sfr_core.configs import MAX_SEED, RunConfig, Setting
from sfr_core.errors import ConfigError, SpecError

MAX_SAMPLES = 2000
"""Single pictures that one run may name."""


def settings_of(method: str, kind: str = "classifier") -> tuple[Setting, ...]:
    """The settings of a method on models of a kind, the main ones first."""
    order = {"main": 0, "advanced": 1, "ablation": 2}
    return tuple(sorted(catalog.spec_of(method, kind).config_cls.settings(), key=lambda s: order[s.group]))


def label(setting: Setting) -> str:
    """Name with the paper's symbol: "Forgetting strength α"."""
    return f"{setting.label} ({setting.symbol})" if setting.symbol else setting.label


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


def component(setting: Setting, value: Any, elem_id: str, *, render: bool = True) -> gr.components.Component:
    """The component for one setting, holding `value`."""
    common: dict[str, Any] = {"label": label(setting), "info": info(setting), "value": value, "elem_id": elem_id}
    common |= {"render": render, "min_width": 150}
    if setting.kind == "bool":
        return gr.Checkbox(**common)
    if setting.kind == "choice":
        return gr.Dropdown(choices=list(setting.choices), filterable=False, **common)
    if is_slider(setting):
        step = 0.001 if setting.kind == "float" else 1
        return unchecked(gr.Slider(setting.low, setting.high, step=step, **common))
    # No minimum and maximum here: the config checks them and names the field in its error.
    # No precision either: it would round a fraction in silence.
    number = gr.Number(**common)
    return empty_from_the_start(number) if setting.optional else number


def unchecked(slider: gr.Slider) -> gr.Slider:
    """A slider whose number box may hold any number: what reads it says in a sentence what is wrong.

    Gradio itself raises an error beyond its ends, which then stands as the word "Error" in whatever the event would have filled.
    """
    vars(slider).update(preprocess=lambda payload: payload)
    return slider


def empty_from_the_start(number: gr.Number) -> gr.Number:
    """A number that is drawn empty where its value is None.

    Gradio leaves a value of None out of the page, where a number without a value begins as 0; an empty text stays empty. No subclass, for
    which Gradio would write a file beside this one (gradio 6.31).
    """
    config_of, read = number.get_config, number.preprocess

    def get_config(*args: Any) -> dict[str, Any]:
        found = config_of(*args)
        return {**found, "value": "" if found.get("value") is None else found["value"]}

    def preprocess(payload: Any) -> float | int | None:
        return read(None if payload == "" else payload)

    vars(number).update(get_config=get_config, preprocess=preprocess)
    return number


def clean(setting: Setting, value: Any) -> Any:
    """What a component (or an API caller) sent, in the type that the config expects; checked there."""
    if value is None or value == "":
        if setting.optional:
            return None
        raise ConfigError(f"{setting.label} ({setting.name}) is empty.", hint=f"Give a value. {info(setting)}")
    if setting.kind == "int" and isinstance(value, float) and value.is_integer():
        return int(value)
    if setting.kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def forget_text(
    kind: str, classes: Sequence[str], share_percent: float | None, share_seed: float | None, rows: Iterable[int]
) -> str:
    """The forget specification (docs/contracts.md) of the form; `classes` holds the chosen names, of a concept the one.

    Raises:
        SpecError: nothing is chosen.
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
        if not 0 < share_percent < 100:
            raise SpecError(f"A share of {share_percent:g} % cannot be forgotten.", hint="Choose one from 1 to 50 %.")
        return f"random:{share_percent / 100:g}@{whole('seed of the draw', share_seed)}"
    chosen = sorted(set(rows))
    if not chosen:
        raise SpecError(copy.CHOOSE_SAMPLES)
    if len(chosen) > MAX_SAMPLES:
        raise SpecError(
            f"{len(chosen)} pictures are too many.", hint=f"Choose at most {MAX_SAMPLES}, or a random share."
        )
    return "samples:" + ",".join(map(str, chosen))


def whole(name: str, value: float | None) -> int:
    """A number box's value as a whole number of seed size.

    Raises:
        ConfigError: empty, with a fraction, or out of range.
    """
    if value is None or not float(value).is_integer() or not 0 <= value <= MAX_SEED:
        raise ConfigError(f"The {name} cannot be {value!r}.", hint=f"Give a whole number from 0 to {MAX_SEED}.")
    return int(value)


def to_config(
    *,
    model: str,
    forget: str,
    method: str,
    preset: str,
    variant: str,
    values: Mapping[str, Any],
    seed: float | None,
    device: str,
    precision: str,
    model_kind: str = "classifier",
    data: str = "shipped",
    redirect: str = "",
    memory: str = "plain",
) -> RunConfig:
    """The run of a filled form. `values`: field -> what its component holds; `model_kind`: ModelCard.kind.

    Raises:
        InputError: a value that the config does not accept, or a method that this kind of model cannot do.
    """
    spec = catalog.spec_of(method, model_kind)
    cleaned = {s.name: clean(s, values[s.name]) for s in settings_of(method, model_kind) if s.name in values}
    settings = spec.config_cls.from_dict(cleaned).to_dict()
    return RunConfig(
        model=model,
        forget=forget,
        method=method,
        preset=preset,  # type: ignore[arg-type]
        variant=variant,  # type: ignore[arg-type]
        settings=settings,
        seed=whole("seed of the run", seed),
        device=device,  # type: ignore[arg-type]
        precision=precision,  # type: ignore[arg-type]
        data=data,  # type: ignore[arg-type]
        redirect=redirect,
        memory=memory,  # type: ignore[arg-type]
    )


def cannot(kind: str) -> dict[str, str]:
    """Methods that a model of this kind cannot do -> the reason in words; those of other kinds only come last."""
    have = catalog.ABILITIES.get(kind, frozenset())
    mine = catalog.BY_KIND.get(kind, catalog.BY_KIND["classifier"])
    reasons = {}
    for name, spec in mine.items():
        missing = [need for need in spec.requires if need not in have]
        if missing:
            reasons[name] = (
                copy.CANNOT_RETRAIN
                if missing[0] == "Restartable"
                else copy.CANNOT_REASON.format(what=copy.ABILITIES[missing[0]])
            )
    for other, table in catalog.BY_KIND.items():
        for name in table:
            if name not in mine:
                reasons.setdefault(name, copy.CANNOT_KIND[other])
    return reasons


def _plain(number: float | None) -> str:
    return f"{number:g}" if number is not None else ""
