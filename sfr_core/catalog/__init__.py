"""The methods: one torch-free file each, with settings, presets, cost and what it needs. The loops are in methods/.

A file of this folder that has `METHOD`, its rows by kind of model, is in the catalog by being here.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from sfr_core.catalog.base import MethodSpec
from sfr_core.errors import InputError, UnknownName

BY_KIND: dict[str, dict[str, MethodSpec]] = {"classifier": {}, "ddpm": {}, "dit": {}, "text-to-image": {}}
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
    if kind not in BY_KIND:
        raise UnknownName("kind of model", kind, BY_KIND)
    return BY_KIND[kind]


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


def title_of(method_id: str) -> str:
    """The title of a method of whatever kind of model; its identifier where no kind knows it."""
    return next((spec.title for spec in rows_of(method_id)), method_id)


_GENERATES = frozenset({"FisherTask", "Redirectable", "Recallable", "Labelled"})
ABILITIES: dict[str, frozenset[str]] = {
    "classifier": frozenset({"Distillable", "Redirectable", "Evaluable"}),
    "ddpm": _GENERATES | {"Replayable"},
    "dit": _GENERATES | {"Replayable", "ClassEmbedded"},
    "text-to-image": _GENERATES | {"Promptable", "Editable"},
}
"""Protocols (tasks/base.py) that the tasks of a kind of model have, so that what one cannot do is refused before a run begins."""
