"""A generator's own samples from its folder, for the cards that people choose from: no network is opened for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache

from PIL import Image

from demos.pictures.inline import small_uri
from sfr_core.kinds import KINDS
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import SAMPLES, SHEET_ROWS

COLUMNS = 4
"""Samples of a row that are shown."""
LARGEST = 48
"""Pixels of the side of a shown sample: cards draw them at about 30, on sharp screens twice that."""


@lru_cache(maxsize=16)
def sample_pictures(model_id: str) -> Mapping[str, tuple[str, ...]]:
    """The first COLUMNS samples of every row as data URIs, by its name; empty where the folder has no readable sheet."""
    card = zoo.card(model_id)
    try:
        with Image.open(card.folder / SAMPLES) as image:
            said = image.info.get(SHEET_ROWS)
            classes = () if KINDS[card.kind].prompts else zoo.open_dataset(card).class_names
            names = classes if said is None else json.loads(said)
            sheet = image.convert("L" if image.mode == "L" else "RGB")
    except (OSError, ValueError):
        return {}
    if not isinstance(names, Sequence) or not names or sheet.height % len(names):
        return {}
    side = sheet.height // len(names)
    found = {}
    for row, name in enumerate(names):
        corners = [(column * side, row * side) for column in range(min(COLUMNS, sheet.width // side))]
        found[str(name)] = tuple(small_uri(sheet.crop((x, y, x + side, y + side)), LARGEST) for x, y in corners)
    return found
