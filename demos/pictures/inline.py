"""Pictures of models' data as data URIs."""

from __future__ import annotations

import base64
import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sfr_core.data.datasets import Dataset, Pictures
from sfr_core.zoo import shipped as zoo

OWN_SIDE = 64
"""Visitors' pictures are drawn at most this large here, so that a page of large photographs stays light."""


def dataset(model_id: str) -> Dataset:
    """The pictures of a model, read once per process; the zoo alone keeps those of a visitor's."""
    return zoo.open_dataset(zoo.card(model_id))


def _image(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def data_uri(image: NDArray[np.uint8]) -> str:
    """One picture, uint8 [h, w, c], as a PNG that needs no request."""
    buffer = io.BytesIO()
    _image(image).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def small_uri(image: Image.Image, side: int) -> str:
    """A picture, shrunk to at most `side` pixels a side, as a data URI."""
    image.thumbnail((side, side))
    pixels = np.asarray(image)
    return data_uri(pixels.reshape(*pixels.shape[:2], -1))


def picture(model_id: str, source: str, row: int) -> str:
    """Picture `row` of the training or the test set as a data URI."""
    return _own_picture(model_id, source, row) if model_id.startswith(zoo.OWN) else _picture(model_id, source, row)


def _pixels(model_id: str, source: str, row: int) -> NDArray[np.uint8]:
    pictures: Pictures = getattr(dataset(model_id), source)
    pixels: NDArray[np.uint8] = pictures.images[row]
    return pixels


@lru_cache(maxsize=4096)
def _picture(model_id: str, source: str, row: int) -> str:
    return data_uri(_pixels(model_id, source, row))


@lru_cache(maxsize=256)
def _own_picture(model_id: str, source: str, row: int) -> str:
    return small_uri(_image(_pixels(model_id, source, row)), OWN_SIDE)
