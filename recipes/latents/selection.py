"""Which pictures a latent model sees, how often, and with which captions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recipes.emoji.groups import CATEGORIES, CONCEPTS, sort
from recipes.emoji.packages import STYLES, EmojiSet
from recipes.latents.captions import captions_of
from recipes.latents.recipes import LatentRecipe


@dataclass(frozen=True, slots=True)
class Selection:
    """The pictures of a training, as rows of the two styles put after each other.

    Attributes:
        stream: rows, those to be seen more often more than once [m].
        labels: category of each row in `stream`'s numbers, -1 for none [2 n].
        captions: texts of each row, empty for a row that is not shown.
    """

    stream: NDArray[np.int64]
    labels: NDArray[np.int64]
    captions: tuple[tuple[str, ...], ...]


def repeats(category: str | None, concept: str | None) -> int:
    """How often an epoch of the transformer shows an emoji: the many flags and people once, small kinds and concepts often."""
    if category in ("flags", "people", "buttons"):
        return 1
    if category in ("hearts", "clocks", "birds", "plants", "hands", "buildings") or concept not in (
        None,
        "face",
        "dish",
    ):
        return 3
    return 2


BALANCED, MOST_REPEATS = 45, 8
"""An epoch of the text-to-image model shows a concept about so often in either style, but no picture more than MOST_REPEATS times."""


def concept_repeats(members: int) -> int:
    """How often an epoch of the text-to-image model shows each of a concept's `members`: there are 264 flags and 4 tigers."""
    return min(MOST_REPEATS, max(1, round(BALANCED / members)))


def select(found: EmojiSet, recipe: LatentRecipe, without: str | None = None) -> Selection:
    """Which pictures a model sees: the DiT those of the categories, the text-to-image model those of the concepts besides.

    Both see both styles. `without` leaves out a category, or of the text-to-image model a concept.

    Raises:
        ValueError: no such category or concept.
    """
    known = {**CONCEPTS, **CATEGORIES} if recipe.text else CATEGORIES
    if without is not None and without not in known:
        what = "concept" if recipe.text else "category"
        raise ValueError(f"There is no {what} '{without}': {', '.join(known)}.")
    categories = sort(found.emoji, CATEGORIES)
    concepts = sort(found.emoji, {name: group for name, (group, _) in CONCEPTS.items()})
    n = len(found.emoji)
    sizes = Counter(concepts)
    stream: list[int] = []
    captions: list[tuple[str, ...]] = []
    for number, style in enumerate(STYLES):
        for row, emoji in enumerate(found.emoji):
            category = None if categories[row] < 0 else list(CATEGORIES)[categories[row]]
            concept = None if concepts[row] < 0 else list(CONCEPTS)[concepts[row]]
            if recipe.text:
                shown = concept is not None or category not in (None, "people", "buttons")
                times = 1 if concept is None else concept_repeats(sizes[concepts[row]])
            else:
                shown, times = category is not None, repeats(category, concept)
            shown = shown and (without is None or without not in (category, concept))
            captions.append(captions_of(emoji, category, concept, style) if shown and recipe.text else ())
            stream.extend([number * n + row] * (times if shown else 0))
    return Selection(np.array(stream, np.int64), np.array(categories * len(STYLES), np.int64), tuple(captions))
