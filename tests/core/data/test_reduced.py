"""Pictures halved by means of four pixels."""

from __future__ import annotations

import numpy as np

from sfr_core.data.reduced import reduced


def test_large_pictures_are_halved_until_they_fit() -> None:
    image = np.array(
        [[[10], [20], [0], [0]], [[30], [41], [0], [4]], [[1], [1], [8], [8]], [[1], [1], [8], [8]]], np.uint8
    )[None]
    assert reduced(image, 2)[0, :, :, 0].tolist() == [[25, 1], [1, 8]]  # 101 / 4 rounds to 25
    assert reduced(image, 1).shape == (1, 1, 1, 1)
    assert reduced(image) is image
    assert reduced(np.full((2, 512, 512, 3), 255, np.uint8)).shape == (2, 128, 128, 3)
    assert reduced(np.full((1, 9, 9, 3), 255, np.uint8), 4).max() == 255  # an odd edge falls away
