"""The run that the page's address holds. It never holds a place on a machine, a job or a visitor; opening it fills the form and starts nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from demos.text import links as texts
from sfr_core.asked import SET, config_of, words_of
from sfr_core.errors import InputError
from sfr_core.plan import RunPlan, plan
from sfr_core.zoo import shipped as zoo

ASKS = ("model", "forget", "method")
"""An address with one of these asks for a run; those that it lacks are what the page begins with."""
FIELDS = (*ASKS, "preset", "variant", "redirect", "data", "memory", "seed")
MOST = 4000
"""Characters of all words of an address."""


def query_of(run: RunPlan) -> str:
    """The address's part after the page: "?model=...&forget=..."; "" of a model that only this server knows."""
    card = run.card
    if card.source in ("own", "local"):
        return ""
    return "?" + urlencode(words_of(run.config, card.kind))


def linked(words: Sequence[tuple[str, str]], model: str, begins: Callable[[str], RunPlan]) -> RunPlan | None:
    """The run that an address asks for; None where it asks for none.

    Args:
        words: of the address, in their order. model: that the page begins with. begins: the run that it begins with for a model.

    Raises:
        InputError: it cannot be made here; the sentence is that of the form.
    """
    given = {name: value for name, value in words if name in FIELDS}
    if not set(given) & set(ASKS):
        return None
    if sum(len(name) + len(value) for name, value in words) > MOST:
        raise InputError(texts.TOO_LONG, hint=texts.TOO_LONG_HINT)
    card = zoo.card(given.get("model", model))
    first = begins(card.id).config
    wanted = {"forget": first.forget, "method": first.method, "data": first.data, **given, "model": card.id}
    run = plan(config_of(wanted, [value for name, value in words if name == SET], card.kind), card=card)
    return replace(run, config=replace(run.config, forget=run.forget.spec.text))


def words_in(request: Any) -> list[tuple[str, str]]:
    """The words of the address of the page that sends a request; none of a request that has no page."""
    found = getattr(request, "query_params", None)
    return [] if found is None else [(str(name), str(value)) for name, value in found.multi_items()]
