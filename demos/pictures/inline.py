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


def data_uri(image: NDArray[np.uint8]) -> str:
    """One picture, uint8 [h, w, c], as a PNG that needs no request."""
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def picture(model_id: str, source: str, row: int) -> str:
    """Picture `row` of the training or the test set as a data URI."""
    return _own_picture(model_id, source, row) if model_id.startswith(zoo.OWN) else _picture(model_id, source, row)


@lru_cache(maxsize=4096)
def _picture(model_id: str, source: str, row: int) -> str:
    pictures: Pictures = getattr(dataset(model_id), source)
    return data_uri(pictures.images[row])


@lru_cache(maxsize=256)
def _own_picture(model_id: str, source: str, row: int) -> str:
    pictures: Pictures = getattr(dataset(model_id), source)
    array = pictures.images[row]
    image = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
    image.thumbnail((OWN_SIDE, OWN_SIDE))
    small = np.asarray(image)
    return data_uri(small.reshape(*small.shape[:2], -1))
