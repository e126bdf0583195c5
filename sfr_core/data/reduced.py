"""Pictures made smaller for a page that gets many of them. No torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHOWN_SIDE = 128
"""Pixels of a picture's side on a page at most, where it stands among others."""


def reduced(images: NDArray[np.uint8], side: int = SHOWN_SIDE) -> NDArray[np.uint8]:
    """Pictures [n, h, w, c], halved by means of four pixels until they are at most `side` high; smaller ones as they are."""
    while images.shape[1] > side:
        n, h, w, c = images.shape
        quarters = images[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c)
        images = ((quarters.sum((2, 4), dtype=np.uint16) + 2) // 4).astype(np.uint8)
    return images
