"""A folder (or zip) of pictures as a data set: one subfolder per class, optionally under folders to train and to test on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sfr_core.cancel import CancelToken
from sfr_core.configs.pictures import ClassOrder
from sfr_core.data.datasets import Dataset, Pictures
from sfr_core.data.layout import classes_of, composed, find, same_name
from sfr_core.data.pictures import DEPTHS, Header, Shape, colour_of, decode, is_picture, probe
from sfr_core.data.sources import LAYOUT, Source, open_source
from sfr_core.errors import AssetError, ConfigError

__all__ = ["MAX_ARRAY_BYTES", "MAX_SIDE", "Progress", "open_folder", "same_name"]

MAX_ARRAY_BYTES = 2 * 2**30
MAX_SIDE = 224
TEST_SHARE = 0.2
Progress = Callable[[int, int], None]
"""Told what is done and of how much."""
T = TypeVar("T")
Rows = list[tuple[str, int]]
"""File and label of each picture."""


def open_folder(
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    class_names: tuple[str, ...] | None = None,
    known: tuple[str, ...] = (),
    order: ClassOrder = "alphabetical",
    crop: float | None = None,
    background: str = "white",
    seed: int = 0,
    most_bytes: int = MAX_ARRAY_BYTES,
    cancel: CancelToken | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Reads a folder or a zip of pictures.

    Args:
        path: the folder or the .zip file.
        size: (height, width) in pixels to which every picture is resized; None keeps the common
            size, or where sizes differ takes squares as wide as the median shorter side, at most 224.
        channels: 1 (grey) or 3 (RGB); None takes 1 when every picture is grey.
        class_names: the classes in the order of the classifier's outputs; None sorts the subfolders as `order` says.
        known: what the classifier's outputs are called, in their order. Where every subfolder is called so (`same_name`), these are the
            classes whatever `class_names` says, and those without a subfolder have no pictures.
        order: "alphabetical", or "natural", which compares the numbers in names as numbers.
        crop: share of the largest centred part of the wanted shape that is kept, above 0 and at most 1: 0.875 is ImageNet's usual "resize to
            256, crop 224" (the same pixels as torchvision's), 1 cuts only what does not fit the shape. None stretches the whole picture.
        background: what stands behind transparency, a name or a #rrggbb of CSS.
        seed: of the split into 80 % training and 20 % test rows of each class, where there are no train/ and test/.
        most_bytes: of all pictures in memory; more are refused before any of them is unpacked.
        cancel: asked before every picture. progress: told after each; every picture counts twice, once for its header.

    Returns:
        Pictures as uint8 with the mean and standard deviation of the training pixels, never mirrored in training.

    Raises:
        AssetError: no such path, not a zip, a picture that cannot be read, fewer than two classes, an empty class, too
            many or too large files, or names inside a zip that leave it. Stopped: `cancel` was set or is past its deadline.
    """
    if crop is not None and not 0 < crop <= 1:
        raise ConfigError(
            f"The crop {crop:g} is not a share.", hint="Give a number above 0 and at most 1, such as 0.875."
        )
    behind = colour_of(background)
    with open_source(path) as source:
        layout = find(source.names(), lambda name: _is_picture(source, name, cancel))
        names, folders = classes_of(layout.parts, class_names, known, order)
        parts = {
            part: [(f, label) for folder, label in folders.items() for f in sorted(found.get(folder, ()))]
            for part, found in layout.parts.items()
        }
        step = _Steps(2 * sum(map(len, parts.values())), cancel, progress)
        headers = [step.after(probe(source, file)) for rows in parts.values() for file, _ in rows]
        bits, unit, notes = _depth(headers)
        height, width = size or _common_size([(one.height, one.width) for one in headers])
        depth = channels or (1 if all(one.grey for one in headers) else 3)
        shape = Shape(height, width, depth, crop=crop, background=behind, bits=bits, unit=unit)
        _check_sizes(headers, shape, source, most_bytes)
        made = {part: _pictures(source, rows, shape, step) for part, rows in parts.items()}
    files = {part: tuple(composed(file) for file, _ in rows) for part, rows in parts.items()}
    if "test" not in made:
        rows = _held_out(made["train"].labels, names, seed)
        every, told = made["train"], np.asarray(files["train"], dtype=object)
        made = {"train": every.rows(np.flatnonzero(~rows)), "test": every.rows(np.flatnonzero(rows))}
        files = {"train": tuple(told[~rows]), "test": tuple(told[rows])}
    _check_counts(made["train"], made["test"], names, sorted(folders.values()))
    mean, std = _statistics(made["train"].images)
    return Dataset(
        name=path.stem,
        class_names=names,
        train=made["train"],
        test=made["test"],
        mean=mean,
        std=std,
        mirror=False,
        notes=(*layout.notes, *notes),
        files=files["train"],
        test_files=files["test"],
    )


def _is_picture(source: Source, name: str, cancel: CancelToken | None) -> bool:
    if cancel is not None:
        cancel.check()
    return is_picture(source, name)


@dataclass(slots=True)
class _Steps:
    """Tells how far the reading is, and ends it where somebody asked for that."""

    total: int
    cancel: CancelToken | None
    progress: Progress | None
    done: int = 0

    def after(self, made: T) -> T:
        """What was made of one more picture."""
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)
        if self.cancel is not None:
            self.cancel.check()
        return made


def _check_sizes(headers: list[Header], shape: Shape, source: Source, most_bytes: int) -> None:
    """Refuses what would take too much memory or time, before any of it is decoded."""
    if len(headers) * shape.height * shape.width * shape.channels > most_bytes:
        raise AssetError(
            f"{len(headers):,} pictures of {shape.height} x {shape.width} pixels would take more than {most_bytes / 2**20:,.0f} MiB of memory.",
            hint="Give fewer, or a smaller size where the network takes it.",
        )
    pixels = sum(shape.pixels_of(one) for one in headers)
    if pixels > source.most_pixels:
        raise AssetError(
            f"The pictures have {pixels / 1e9:,.1f} gigapixels together; at most {source.most_pixels / 1e9:,.0f} are read.",
            hint="Give fewer or smaller pictures.",
        )


def _depth(headers: list[Header]) -> tuple[int, bool, tuple[str, ...]]:
    """Bits of the deep pictures, whether those of floating-point numbers go from 0 to 1, and sentences on it.

    A camera of 12 bits writes files of 16: the fewest bits that hold the highest value of all are taken.
    """
    fractions = [one.peak for one in headers if one.peak is not None and one.fractions]
    unit = bool(fractions) and max(fractions) <= 1
    deep = [one.peak for one in headers if one.peak is not None and not (one.fractions and unit)]
    notes = []
    if unit:
        notes.append("Pictures of floating-point numbers were read as going from 0 to 1.")
    bits = next(bits for bits in DEPTHS if max(deep, default=0) < 2**bits) if deep else DEPTHS[-1]
    if deep:
        notes.append(f"Deep grey pictures were read as of {bits} bits: their highest value is {max(deep):,.0f}.")
    if coloured := sum(one.deep_colour for one in headers):
        notes.append(f"Of the 16 bits a colour of {coloured:,} pictures the upper 8 were read.")
    return bits, unit, tuple(notes)


def _pictures(source: Source, rows: Rows, shape: Shape, step: _Steps) -> Pictures:
    images = np.empty((len(rows), shape.height, shape.width, shape.channels), dtype=np.uint8)
    for row, (name, _) in enumerate(rows):
        images[row] = step.after(decode(source, name, shape))
    return Pictures(images, np.asarray([label for _, label in rows], dtype=np.int64))


def _statistics(images: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation by channel, pixels scaled to 0..1; one picture at a time, as numpy's own would make floats of all."""
    sums = np.zeros((2, images.shape[3]), dtype=np.uint64)
    for image in images:
        pixels = image.reshape(-1, images.shape[3]).astype(np.uint64)
        sums += np.stack([pixels.sum(0), np.square(pixels).sum(0)])
    mean, square = sums / (images[..., 0].size or 1)
    std = np.sqrt(np.maximum(square - mean**2, 0.0)) / 255
    # A flat picture must not divide by zero.
    return tuple(float(m) for m in mean / 255), tuple(float(s) for s in np.maximum(std, 1e-3))


def _common_size(sizes: list[tuple[int, int]]) -> tuple[int, int]:
    if len(set(sizes)) == 1 and max(sizes[0]) <= MAX_SIDE:
        return sizes[0]
    side = min(MAX_SIDE, int(np.median([min(size) for size in sizes])))
    return side, side


def _held_out(labels: NDArray[np.int64], names: tuple[str, ...], seed: int) -> NDArray[np.bool_]:
    """The test rows: 20 % of each class, at least one picture, and at least one remains."""
    rng = np.random.default_rng(seed)
    test = np.zeros(len(labels), dtype=bool)
    for label, name in enumerate(names):
        rows = np.flatnonzero(labels == label)
        if not len(rows):
            continue  # one of a known network's classes that nobody brought
        if len(rows) < 2:
            raise AssetError(
                f"The class '{name}' has fewer than two pictures.", hint="One is needed to train on and one to test on."
            )
        test[rng.permutation(rows)[: max(1, round(TEST_SHARE * len(rows)))]] = True
    return test


def _check_counts(train: Pictures, test: Pictures, names: tuple[str, ...], labels: list[int]) -> None:
    for part, pictures in (("training", train), ("test", test)):
        counts = np.bincount(pictures.labels, minlength=len(names))[labels]
        if not counts.all():
            raise AssetError(f"The class '{names[labels[int(counts.argmin())]]}' has no {part} pictures.", hint=LAYOUT)
