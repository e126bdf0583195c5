"""The cards that the form lets people choose from: models, classes, training pictures and concepts, each with its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from demos import page_data
from demos.jobs import estimate
from demos.pictures import inline
from demos.pictures.sample_sheet import sample_pictures
from demos.text import unlearn as copy
from demos.unlearn import options
from demos.unlearn.form_settings import default_run
from sfr_core.data.concepts import ConceptKind, read_concepts
from sfr_core.data.datasets import Dataset
from sfr_core.errors import PlaygroundError
from sfr_core.hub.names import read_name
from sfr_core.kinds import KINDS
from sfr_core.zoo import shipped as zoo

PICTURES_PER_CARD = 4
PICTURES_IN_ALL = 200
"""Pictures on all class cards together, so that many classes keep the page light; more classes than this have none."""
PAGE = 24
"""Training pictures on one page of the sample picker."""
ROWS_NAMED = 12
"""Chosen pictures whose names are said."""
CARD_PICTURES = 8
GROUPS: tuple[ConceptKind, ...] = ("object", "category", "style")
"""Of concepts, in the order in which they are shown."""


def model_value(chosen: str, opened: Sequence[str] = ()) -> dict[str, Any]:
    """The model cards.

    Args:
        chosen: the selected one.
        opened: models that are no shipped ones, shown after those.
    """
    items = [model_card(zoo.card(model)) for model in (*options.shipped_models(), *opened)]
    cards = {"items": items, "several": False, "legend": "", "more": copy.CARD_MORE}
    return sent(cards, selected=[chosen], opened=list(opened), times=times(tuple(item["id"] for item in items)))


def with_times(value: Any) -> dict[str, Any]:
    """The expected times of now for the model cards of a page; which cards it shows by now and which one is chosen, the browser knows."""
    cards = value if isinstance(value, Mapping) else model_value(options.first_model())
    opened = options.opened_ids(cards)
    shown = (*(card.id for card in zoo.cards()), *opened)
    return {"cards": cards.get("cards"), "opened": list(opened), "times": times(shown), "brings": "times"}


def times(models: Sequence[str]) -> dict[str, str]:
    """The expected time of each model's default run on this machine; "" where it is not known."""
    found = {}
    for model in models:
        expected = None
        with suppress(PlaygroundError):  # one that was removed meanwhile
            expected = estimate.expect(default_run(model))
        found[model] = "" if expected is None else copy.EXPECT.format(time=copy.about(expected.seconds))
    return found


def model_card(card: zoo.ModelCard) -> dict[str, Any]:
    """One model with its pictures: of a generator one sample of each of its first classes or concepts."""
    data = inline.dataset(card.id)
    network = copy.ARCHITECTURES.get(card.architecture["name"], card.architecture["name"])
    size = copy.size(card.bytes).replace(" ", "\N{NO-BREAK SPACE}")
    about = [
        copy.CARD_ABOUT.format(network=network, parameters=copy.count(card.parameters), size=size),
        KINDS[card.kind].title,
        copy.CARD_FROM.format(
            data=copy.DATA_TITLES.get(card.dataset, card.dataset),
            licence=card.licence,
            source=copy.SOURCES[card.source],
        ),
    ]
    pictures = copy.CARD_PICTURES if len(data.train) else copy.CARD_NO_PICTURES
    come = pictures.format(train=len(data.train), test=len(data.test), licence=card.data_licence)
    shown = {"id": card.id, "label": card.title}
    about += _on_the_hub(card)
    if card.sampling is None:
        rows = [
            int(np.flatnonzero(data.train.labels == data.class_names.index(name))[0])
            for name in data.pictured[:CARD_PICTURES]
        ]
        if len(data.pictured) < len(data.class_names):
            about.append(copy.CARD_SOME_CLASSES.format(some=len(data.pictured), all=len(data.class_names)))
        return {**shown, "about": [*about, come], "images": [inline.picture(card.id, "train", row) for row in rows]}
    found = sample_pictures(card.id)
    images = [found[name][0] for name in data.class_names if found.get(name)][:CARD_PICTURES]
    said = (copy.SAMPLING if images else copy.SAMPLING_UNSEEN).format(
        steps=card.sampling.steps, guidance=card.sampling.guidance
    )
    return {**shown, "about": [line for line in (*about, said, _trained(card), come) if line], "images": images}


def _on_the_hub(card: zoo.ModelCard) -> list[str]:
    """Where on the Hub a model lies and at which revision; nothing of any other."""
    if card.source != "hub":
        return []
    name = read_name(card.origin or card.id)
    file = f"#{name.file}" if name.file else ""
    return [copy.CARD_HUB.format(repo=name.repo + file, revision=name.revision[:12])]


def _trained(card: zoo.ModelCard) -> str:
    """How many pictures a generator and its retrained models saw; empty where the card does not say."""
    if "images_seen" not in card.training:
        return ""
    parts = [copy.TRAINED_ON.format(seen=card.training["images_seen"])]
    for reference in card.retrained:
        if "images_seen" in reference.training and not reference.second:
            name = reference.spec.partition(":")[2]
            parts.append(copy.TRAINED_REFERENCE.format(name=name, seen=reference.training["images_seen"]))
    return ", ".join(parts)


def class_value(model: str, chosen: list[str]) -> dict[str, Any]:
    """One card a class with its first training pictures; of a model that has none, with samples of its own where its folder holds some."""
    data = inline.dataset(model)
    shown = min(PICTURES_PER_CARD, PICTURES_IN_ALL // max(1, len(data.pictured)))
    found = {} if len(data.train) else sample_pictures(model)
    items = []
    for name in data.pictured:
        rows = np.flatnonzero(data.train.labels == data.class_names.index(name))[:shown]
        images = [inline.picture(model, "train", int(row)) for row in rows] or list(found.get(name, ())[:shown])
        items.append({"id": name, "label": name, "images": images})
    pictured = "train" if len(data.train) else "samples" if found else "names"
    legend = copy.CLASS_LEGENDS[pictured if shown else "names"]
    return sent({"items": items, "several": True, "legend": legend, "find": copy.FIND_CLASS}, selected=chosen)


def row_name(data: Dataset, row: int) -> str:
    """What a training picture is called: by its file where it came from one, else by its row."""
    return f"#{row}" if data.files is None else PurePosixPath(data.files[row]).name


def rows_note(data: Dataset, rows: list[int]) -> str:
    """How many training pictures are chosen and which, in Markdown."""
    if not rows:
        return copy.SAMPLES_NONE
    names = [row_name(data, row) for row in rows[:ROWS_NAMED]]
    if data.files is not None:
        names = [f"`{name.replace('`', '_')}`" for name in names]  # a file's name may look like Markdown
    return copy.SAMPLES_COUNT.format(n=len(rows), rows=", ".join(names) + (" …" if len(rows) > len(names) else ""))


def sample_value(model: str, class_name: str, page: int, chosen: list[str] | None = None) -> dict[str, Any]:
    """One page of the training pictures of a class, by their files where they came from any; without `chosen` what the visitor has chosen by then stays so."""
    data = inline.dataset(model)
    rows = np.flatnonzero(data.train.labels == data.class_names.index(class_name))
    items = [
        {
            "id": str(row),
            "label": row_name(data, int(row)),
            "images": [inline.picture(model, "train", int(row))],
        }
        for row in rows[page * PAGE : (page + 1) * PAGE]
    ]
    shown = {"items": items, "several": True, "legend": copy.SAMPLES_LEGEND}
    return sent(shown, **({} if chosen is None else {"selected": chosen}))


def concept_value(model: str, chosen: str) -> dict[str, Any]:
    """One card a concept that can be forgotten, grouped by what it is; none for a model that reads no prompts."""
    items: list[dict[str, Any]] = []
    prompts = KINDS[zoo.card(model).kind].prompts
    found = sample_pictures(model) if prompts else {}
    for kind in GROUPS if prompts else ():
        for concept in read_concepts(zoo.card(model).folder).concepts:
            if concept.offered and concept.kind == kind:
                images = list(found.get(concept.name, ())[:PICTURES_PER_CARD])
                group = copy.CONCEPT_KINDS[kind]
                items.append({"id": concept.name, "label": concept.name, "images": images, "group": group})
    legend = copy.CONCEPT_LEGENDS["samples" if found else "names"]
    return sent({"items": items, "several": False, "legend": legend}, selected=[chosen] if chosen else [])


def sent(cards: dict[str, Any], **chosen: Any) -> dict[str, Any]:
    """The value of a picker: where its cards can be fetched, and what is chosen."""
    return {"cards": page_data.address(cards), **chosen}
