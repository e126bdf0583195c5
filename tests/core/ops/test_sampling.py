"""Batches of samples: progress, rounding, noise by class, and the sheet that a browser shows."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from sfr_core.errors import Diverged, InputError
from sfr_core.ops.sampling import SAMPLE_BATCH, levels, sample_batch, sample_pictures, sampler_steps, sheet_png
from sfr_core.ops.stepwise import drained


def zero(x: torch.Tensor, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(x)


def all_of(work):  # type: ignore[no-untyped-def]
    said: list[int] = []
    images = drained(work, said.append)
    return said, images


def draw(labels: list[int], **changes):  # type: ignore[no-untyped-def]
    options = {"null": 3, "seed": 5, "steps": 4, "guidance": 2.0, "device": torch.device("cpu")}
    return sample_pictures(zero, np.array(labels), (1, 2, 2), **{**options, **changes})


def test_progress_counts_over_all_batches() -> None:
    n = SAMPLE_BATCH + 1
    said, images = all_of(draw([0] * n))
    assert said == list(range(1, 9))
    assert sampler_steps(n, 4, (1, 2, 2)) == 8
    assert images.shape == (n, 2, 2, 1)
    assert images.dtype == np.uint8


def test_large_latents_are_drawn_fewer_at_a_time() -> None:
    assert [sample_batch(shape) for shape in ((1, 28, 28), (4, 16, 16), (4, 32, 32), (4, 64, 64), (4, 512, 512))] == [
        100, 100, 25, 6, 1,
    ]  # fmt: skip
    assert sampler_steps(7, 10, (4, 64, 64)) == 20


def test_pictures_of_a_class_do_not_depend_on_what_is_drawn_beside_them() -> None:
    _, alone = all_of(draw([2, 2]))
    _, among = all_of(draw([0, 2, 1, 2, 2]))
    assert np.array_equal(alone, among[[1, 3]])
    assert not np.array_equal(among[1], among[3])
    _, other = all_of(draw([2, 2], seed=6))
    assert not np.array_equal(alone, other)


def test_rounding_to_levels() -> None:
    found = levels(torch.tensor([-1.0, -0.996, 0.0, 0.999, 1.0, 1.3]))
    assert found.tolist() == [0, 1, 128, 255, 255, 255]  # -0.996: 0.51; 0: 127.5 to even; 0.999: 254.87


def test_pictures_that_are_no_numbers_have_their_sentence() -> None:
    with pytest.raises(Diverged, match="no longer numbers"):
        levels(torch.tensor([0.0, float("nan")]))


def test_steps_that_do_not_divide_the_schedule_are_refused() -> None:
    with pytest.raises(InputError, match="7 sampling steps"):
        next(draw([0], steps=7))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_has_its_tiles_in_rows(channels: int) -> None:
    tiles = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, channels), np.uint8)
    picture = Image.open(io.BytesIO(base64.b64decode(sheet_png(tiles, 3))))
    assert picture.size == (6, 4)
    assert picture.mode == {1: "L", 3: "RGB"}[channels]
    grey = np.asarray(picture).reshape(4, 6, channels)[..., 0]
    assert grey.tolist() == [[0, 0, 1, 1, 2, 2]] * 2 + [[3, 3, 4, 4, 5, 5]] * 2
