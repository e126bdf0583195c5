"""The settings of a run from the catalog: the method's defaults, its preset, the variant and what somebody changed. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from sfr_core.catalog import able, spec_of
from sfr_core.catalog.base import ANY, CLASS, SCATTERED, Preset
from sfr_core.configs import Variant
from sfr_core.errors import UnknownName
from sfr_core.kinds import KINDS
from sfr_core.zoo.shipped import cards, origin


def resolve(
    model_id: str,
    method: str,
    preset: str = "quick",
    variant: str = "official",
    overrides: Mapping[str, Any] | None = None,
    *,
    forget: str = CLASS,
    kind: str | None = None,
) -> dict[str, Any]:
    """Every field of the method's config: its defaults, then the preset, then the variant, then `overrides`.

    Args:
        forget: the forget specification, or its kind ("class:"): whole classes, scattered samples and some single classes want other values.
        kind: kind of model (ModelCard.kind); needed only where `model_id` names no model that this program ships.

    Raises:
        UnknownName: no such method, preset, variant or field. ConfigError: a value that the field does not accept.
        InputError: the method works on other kinds of models only.
    """
    if variant not in get_args(Variant):
        raise UnknownName("variant", variant, get_args(Variant))
    kind = kind or kind_of(model_id)
    spec, found = spec_of(method, kind), _find(model_id, method, preset, forget, kind).values
    changes = spec.as_written(found) if variant == "paper" else {}
    return spec.config_cls.from_dict({**found, **changes, **(overrides or {})}).to_dict()


def kind_of(model_id: str) -> str:
    """The kind of a shipped model; of what is not shipped the first kind."""
    return next((card.kind for card in cards() if card.id == model_id), next(iter(KINDS)))


def default_method(model_id: str, *, kind: str | None = None) -> str:
    """What is offered first: the kind's default where it has presets of this model's own, else the first method of the kind.

    So a method that was tuned until it met its targets on the shipped models is no model's default where nobody has tried it.
    """
    kind = kind or kind_of(model_id)
    method = KINDS[kind].default_method
    tuned = origin(model_id).partition("@")[0] in spec_of(method, kind).presets
    return method if tuned else next(iter(able(kind)))


def preset_names(model_id: str, method: str, *, kind: str | None = None) -> tuple[str, ...]:
    """The presets that exist, cheapest first.

    Raises:
        UnknownName: no such method. InputError: it works on other kinds of models only.
    """
    return tuple(_rows(model_id, method, CLASS, kind or kind_of(model_id)))


def preset_source(model_id: str, method: str, preset: str, *, forget: str = CLASS, kind: str | None = None) -> str:
    """Where the preset's values come from, in a sentence for people.

    Raises:
        UnknownName: no such method or preset. InputError: it works on other kinds of models only.
    """
    return _find(model_id, method, preset, forget, kind or kind_of(model_id)).source


def forget_scope(model_id: str, method: str, forget: str, *, kind: str | None = None) -> str:
    """How much of a forget specification the presets tell apart: all of it ("class:Bag") where it has rows of its own, else its kind ("class:").

    Raises:
        UnknownName: no such method. InputError: it works on other kinds of models only.
    """
    own = _own_rows(model_id, method, forget, kind or kind_of(model_id))
    return _spelled(forget) if own else forget.partition(":")[0].strip() + ":"


def _spelled(forget: str) -> str:
    kind, _, body = forget.partition(":")
    return f"{kind.strip()}:{body.strip()}"


def _own_rows(model_id: str, method: str, forget: str, kind: str) -> Mapping[str, Preset]:
    """The rows of one class, however it is written; names are compared as parse_forget does."""
    wanted = f"{model_id} {_spelled(forget)}".casefold()
    return next((rows for key, rows in spec_of(method, kind).presets.items() if key.casefold() == wanted), {})


def _rows(model_id: str, method: str, forget: str, kind: str) -> dict[str, Preset]:
    table = spec_of(method, kind).presets
    model = origin(model_id).partition("@")[0]  # of a model of the Hub, whatever its revision
    rows = {**table[ANY], **table.get(model, {})}
    if not forget.startswith(CLASS):
        rows.update(table.get(model + SCATTERED, {}))
    return {**rows, **_own_rows(model_id, method, forget, kind)}


def _find(model_id: str, method: str, preset: str, forget: str, kind: str) -> Preset:
    rows = _rows(model_id, method, forget, kind)
    if preset not in rows:
        raise UnknownName("preset", preset, rows)
    return rows[preset]
