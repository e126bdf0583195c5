"""What the parts of the form show: model cards, class cards, training pictures, methods. No layout, no wiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from html import escape
from typing import Any

import gradio as gr
import numpy as np

from demos import controls, copy, live
from sfr_core import methods, presets, zoo
from sfr_core.errors import InputError

PICTURES_PER_CLASS = 4
PICTURES_IN_ALL = 200
"""Pictures on all class cards together, so that many classes keep the page light."""
PAGE = 24
"""Training pictures on one page of the sample picker."""
CARD_PICTURES = 8
FIRST_CHOICE = "Sneaker"
"""What is chosen to be forgotten at first, where a model retrained without it is shipped."""
FORGET_KINDS = {"classifier": ("class", "random", "samples"), "ddpm": ("class",), "dit": ("class",)}
"""What a model of a kind can forget."""


def selected(value: Any) -> list[str]:
    """The chosen ids of a picker's value, whatever a caller sent."""
    chosen = value.get("selected") if isinstance(value, Mapping) else None
    return [item for item in chosen if isinstance(item, str)] if isinstance(chosen, list) else []


def known(model: Any) -> str:
    """The chosen model's id, the first one where a caller sent something else."""
    chosen = selected(model)
    try:
        return zoo.card(chosen[0]).id if chosen else first_model()
    except InputError:
        return first_model()


def first_model() -> str:
    """The model that the page opens on: the first classifier, for it answers within seconds."""
    cards = zoo.cards()
    return next((card.id for card in cards if card.kind == "classifier"), cards[0].id)


def kind_of(model: str) -> str:
    """ModelCard.kind of a model that the page knows."""
    return zoo.card(model).kind


def own_ids(value: Any) -> tuple[str, ...]:
    """The visitor's own models among a model picker's cards, as far as they are still open."""
    items = value.get("items") if isinstance(value, Mapping) else None
    found = []
    for item in items if isinstance(items, list) else []:
        name = item.get("id") if isinstance(item, Mapping) else None
        if isinstance(name, str) and name.startswith(zoo.OWN):
            with suppress(InputError):
                found.append(zoo.card(name).id)
    return tuple(found[: zoo.VISITORS_KEPT])


def model_value(chosen: str, own: Sequence[str] = ()) -> dict[str, Any]:
    """The model cards.

    Args:
        chosen: the selected one.
        own: a visitor's own models, shown after the shipped ones.
    """
    shipped = sorted(zoo.cards(), key=lambda card: card.kind != "classifier")
    items = [_model_card(card) for card in (*shipped, *map(zoo.card, own))]
    return {"items": items, "selected": [chosen], "several": False, "legend": ""}


def _model_card(card: zoo.ModelCard) -> dict[str, Any]:
    data = live.dataset(card.id)
    network = copy.ARCHITECTURES.get(card.architecture["name"], card.architecture["name"])
    detail = [
        f"{copy.KINDS[card.kind]}, {network}, {copy.count(card.parameters)} parameters ({copy.size(card.bytes)})",
        f"{copy.DATA_TITLES.get(card.dataset, card.dataset)}: {len(data.train):,} training, {len(data.test):,} test pictures; "
        f"data {card.data_licence}",
        f"Licence {card.licence}; {copy.SOURCES[card.source]}",
    ]
    images: list[str] = []
    if card.sampling is not None:
        detail.insert(1, copy.SAMPLING.format(steps=card.sampling.steps, guidance=card.sampling.guidance))
        if trained := _trained(card):
            detail.insert(2, trained)
        images = list(live.sample_pictures(card.id, CARD_PICTURES))
    else:
        rows = [
            int(np.flatnonzero(data.train.labels == c)[0]) for c in range(min(CARD_PICTURES, len(data.class_names)))
        ]
        images = [live.picture(card.id, "train", row) for row in rows]
    return {"id": card.id, "label": card.title, "detail": detail, "images": images}


def _trained(card: zoo.ModelCard) -> str:
    """How many pictures a generator and its retrained models saw; empty where the card does not say."""
    if "images_seen" not in card.training:
        return ""
    parts = [copy.TRAINED_ON.format(seen=card.training["images_seen"])]
    for gold in card.retrained:
        if "images_seen" in gold.training and not gold.twin:
            name = gold.spec.partition(":")[2]
            parts.append(copy.TRAINED_GOLD.format(name=name, seen=gold.training["images_seen"]))
    return ", ".join(parts)


def first_class(model: str) -> str:
    """The class that is chosen at first: one whose retrained model is shipped, so that there is something to compare with."""
    card = zoo.card(model)
    names = live.dataset(model).class_names
    gold = [name for name in names if zoo.gold_standard(card, f"class:{name}") is not None]
    if FIRST_CHOICE in (gold or names):
        return FIRST_CHOICE
    return gold[0] if gold else names[0]


def class_value(model: str, chosen: list[str]) -> dict[str, Any]:
    """One card a class with its first training pictures."""
    data = live.dataset(model)
    items = []
    shown = max(1, min(PICTURES_PER_CLASS, PICTURES_IN_ALL // len(data.class_names)))
    for index, name in enumerate(data.class_names):
        rows = np.flatnonzero(data.train.labels == index)[:shown]
        images = [live.picture(model, "train", int(row)) for row in rows]
        items.append({"id": name, "label": name, "images": images})
    return {"items": items, "selected": chosen, "several": True, "legend": copy.CLASS_LEGEND}


def sample_value(model: str, class_name: str, page: int, chosen: list[str]) -> dict[str, Any]:
    """One page of the training pictures of a class."""
    data = live.dataset(model)
    rows = np.flatnonzero(data.train.labels == data.class_names.index(class_name))
    items = [
        {"id": str(row), "label": f"#{row}", "images": [live.picture(model, "train", int(row))]}
        for row in rows[page * PAGE : (page + 1) * PAGE]
    ]
    return {"items": items, "selected": chosen, "several": True, "legend": copy.SAMPLES_LEGEND}


def kind_choices(model: str) -> list[tuple[str, str]]:
    """Titles and ids of what this model can forget."""
    return [(copy.FORGET_KINDS[name], name) for name in FORGET_KINDS[kind_of(model)]]


def kind_update(model: str, kind: str) -> gr.Radio:
    """The choice of what can be forgotten, hidden where there is none."""
    choices = kind_choices(model)
    return gr.Radio(choices=choices, value=kind, visible=len(choices) > 1)


def forget_note(model: str) -> str:
    """Why only some kinds of forget set are offered; "" where all are."""
    return "" if len(kind_choices(model)) > 1 else f'<p class="pg-note">{copy.FORGET_GENERATOR}</p>'


def draws(model: str) -> bool:
    """True for a generator, which can draw the pictures of its run itself."""
    return kind_of(model) != "classifier"


def method_choices(model: str) -> list[tuple[str, str]]:
    """Titles and ids of the methods that this model can do."""
    unable = controls.cannot(kind_of(model))
    return [(spec.title, name) for name, spec in methods.of_kind(kind_of(model)).items() if name not in unable]


def preset_choices(model: str, method: str) -> list[tuple[str, str]]:
    """Titles and ids of the presets."""
    names = presets.preset_names(model, method, kind=kind_of(model))
    return [(copy.PRESETS.get(name, name), name) for name in names]


def method_note(model: str, method: str, preset: str, kind: str = "class") -> str:
    """What the method does, where the preset's numbers come from, and what this model cannot do."""
    model_kind = kind_of(model)
    spec = methods.spec_of(method, model_kind)
    source = copy.SOURCE_OF_VALUES.format(
        source=presets.preset_source(model, method, preset, forget=f"{kind}:", kind=model_kind)
    )
    greyed = "".join(
        f"<li>{escape(copy.CANNOT.format(title=methods.title_of(name), reason=reason))}</li>"
        for name, reason in controls.cannot(model_kind).items()
    )
    return (
        f'<div class="pg-note"><p>{spec.summary} <i>{spec.paper}.</i></p>'
        f"<details><summary>{copy.PRESET_SOURCE}</summary><p>{source}</p></details>"
        + (
            f'<details><summary>{copy.CANNOT_TITLE}</summary><ul class="pg-greyed">{greyed}</ul></details>'
            if greyed
            else ""
        )
        + "</div>"
    )
