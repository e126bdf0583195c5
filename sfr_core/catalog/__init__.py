"""The methods: one torch-free file each, with settings, presets, cost and what it needs. The loops are in methods/.

A file of this folder that has `METHOD`, its rows by kind of model, is in the catalog by being here.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from sfr_core.catalog.base import MethodSpec
from sfr_core.errors import InputError, UnknownName
from sfr_core.kinds import KINDS, kind_named

BY_KIND: dict[str, dict[str, MethodSpec]] = {kind: {} for kind in KINDS}
"""The methods by kind of model (ModelCard.kind), in the order in which they are shown."""


def _found() -> list[Mapping[str, MethodSpec]]:
    modules = (import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__))
    rows: list[Mapping[str, MethodSpec]] = [module.METHOD for module in modules if hasattr(module, "METHOD")]
    return sorted(rows, key=lambda method: next(iter(method.values())).order)


for _rows in _found():
    for _kind, _spec in _rows.items():
        BY_KIND[_kind][_spec.id] = _spec


def of_kind(kind: str) -> Mapping[str, MethodSpec]:
    """The methods that work on models of a kind, in the order in which they are shown.

    Raises:
        UnknownName: no such kind of model.
    """
    return BY_KIND[kind_named(kind).id]


def spec_of(method_id: str, kind: str) -> MethodSpec:
    """The method as it works on models of a kind.

    Raises:
        UnknownName: no such kind, or no method of this name for any kind. InputError: a method for other kinds only.
    """
    table = of_kind(kind)
    if method_id in table:
        return table[method_id]
    elsewhere = rows_of(method_id)
    if not elsewhere:
        raise UnknownName("method", method_id, table)
    raise InputError(
        f"{elsewhere[0].title} cannot work on this kind of model.", hint=f"Choose one of {', '.join(table)}."
    )


def rows_of(method_id: str) -> list[MethodSpec]:
    """The method on every kind of model that it works on; empty where there is no such method."""
    return [table[method_id] for table in BY_KIND.values() if method_id in table]


def lacks(spec: MethodSpec, kind: str) -> list[str]:
    """Abilities that a method needs and models of a kind have not; empty where they can do it."""
    return [need for need in spec.requires if need not in KINDS[kind].abilities]


def able(kind: str) -> dict[str, MethodSpec]:
    """The methods that models of a kind can do: `of_kind` without those that need what they lack."""
    return {name: spec for name, spec in of_kind(kind).items() if not lacks(spec, kind)}


def title_of(method_id: str) -> str:
    """The title of a method of whatever kind of model; its identifier where no kind knows it."""
    return next((spec.title for spec in rows_of(method_id)), method_id)
