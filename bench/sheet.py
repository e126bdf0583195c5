"""The sheet of bench.diffusion: what the model draws after each class was forgotten in turn, the forgotten row marked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from sfr_core.runs.sampling import Drawn

TILES = 6
"""Samples of each class in a panel."""
SCALE = 2
GAP, TITLE, ACROSS = 12, 16, 4
PAPER, INK, MARK = (255, 255, 255), (40, 40, 40), (214, 40, 40)


def save_tiles(drawn: Drawn, path: Path) -> None:
    """Writes the first TILES samples of each class as one grey PNG, a row for each class in the order of their numbers."""
    rows = []
    for label in np.unique(drawn.labels):
        few = drawn.images[drawn.labels == label][:TILES, :, :, 0]
        blank = np.zeros((TILES - len(few), *few.shape[1:]), np.uint8)
        rows.append(np.concatenate([*few, *blank], axis=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(path, optimize=True)


def sheet(panels: Sequence[tuple[str, int | None, Image.Image]]) -> Image.Image:
    """Panels side by side, ACROSS in a row, each under its title; the row of the forgotten class is framed.

    Args:
        panels: title, number of the forgotten class (None: nothing was), and the tiles of `save_tiles`.

    Raises:
        ValueError: no panel.
    """
    if not panels:
        raise ValueError("no cell has samples yet")
    width, height = (SCALE * side for side in panels[0][2].size)
    across = min(ACROSS, len(panels))
    down = -(-len(panels) // across)
    whole = Image.new("RGB", (GAP + across * (width + GAP), GAP + down * (height + TITLE + GAP)), PAPER)
    pen = ImageDraw.Draw(whole)
    for number, (title, forgotten, tiles) in enumerate(panels):
        left = GAP + number % across * (width + GAP)
        top = GAP + number // across * (height + TITLE + GAP)
        pen.text((left, top), title, fill=INK)
        whole.paste(tiles.resize((width, height), Image.Resampling.NEAREST), (left, top + TITLE))
        if forgotten is not None:
            side = width // TILES
            first = top + TITLE + forgotten * side
            pen.rectangle((left - 2, first - 2, left + width + 1, first + side + 1), outline=MARK, width=3)
    return whole
