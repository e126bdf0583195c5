"""The kinds of model: one torch-free file each, with its words, what it can forget, what it can do, and how much it draws.

A file of this folder that has `KIND` is known by being here.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from sfr_core.errors import UnknownName
from sfr_core.kinds.base import Kind, Pipeline


def _found() -> list[Kind]:
    modules = (import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__))
    found: list[Kind] = [module.KIND for module in modules if hasattr(module, "KIND")]
    return sorted(found, key=lambda kind: kind.order)


KINDS: dict[str, Kind] = {kind.id: kind for kind in _found()}
"""In the order in which they are shown."""


def pipeline_of(kind: str) -> Pipeline:
    """What a kind of model comes as.

    Raises:
        KeyError: it comes as a lone network, or there is no such kind.
    """
    pipeline = KINDS[kind].pipeline
    if pipeline is None:
        raise KeyError(kind)
    return pipeline


def kind_named(name: str) -> Kind:
    """The kind of this identifier.

    Raises:
        UnknownName: no such kind.
    """
    if name not in KINDS:
        raise UnknownName("kind of model", name, KINDS)
    return KINDS[name]
