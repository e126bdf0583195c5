"""Unlearning methods: one small file each, and one table for each kind of model. Importing the tables imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

from sfr_core.errors import InputError, UnknownName
from sfr_core.methods.classifiers import METHODS
from sfr_core.methods.concepts import CONCEPT_METHODS
from sfr_core.methods.generators import DIT_METHODS, GENERATOR_METHODS
from sfr_core.methods.spec import Method, MethodSpec

__all__ = ["ABILITIES", "BY_KIND", "METHODS", "Method", "MethodSpec", "of_kind", "spec_of", "title_of"]

BY_KIND: dict[str, Mapping[str, MethodSpec]] = {
    "classifier": METHODS,
    "ddpm": GENERATOR_METHODS,
    "dit": DIT_METHODS,
    "text-to-image": CONCEPT_METHODS,
}
"""The methods by kind of model (ModelCard.kind); one id may stand for another config and function in another kind."""


_GENERATES = frozenset({"FisherTask", "Redirectable", "Recallable", "Labelled"})
ABILITIES: dict[str, frozenset[str]] = {
    "classifier": frozenset({"Distillable", "Redirectable", "Evaluable"}),
    "ddpm": _GENERATES | {"Replayable"},
    "dit": _GENERATES | {"Replayable", "ClassEmbedded"},
    "text-to-image": _GENERATES | {"Promptable", "Editable"},
}
"""Protocols (tasks/base.py) that the tasks of a kind of model have, so that what one cannot do is refused before a run begins."""


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
    everywhere = {name: spec for methods in BY_KIND.values() for name, spec in methods.items()}
    if method_id not in everywhere:
        raise UnknownName("method", method_id, table)
    raise InputError(
        f"{everywhere[method_id].title} cannot work on this kind of model.", hint=f"Choose one of {', '.join(table)}."
    )


def title_of(method_id: str) -> str:
    """The title of a method of whatever kind of model; its identifier where no kind knows it."""
    return next((table[method_id].title for table in BY_KIND.values() if method_id in table), method_id)
