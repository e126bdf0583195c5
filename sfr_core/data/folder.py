"""A folder (or zip) of pictures as a data set: one subfolder per class, optionally under train/ and test/.

Nothing is ever unpacked to disk: a zip is read member by member, so a name inside it cannot reach another place.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from sfr_core.data.datasets import Dataset, Pictures
from sfr_core.errors import AssetError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"})
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
LAYOUT = (
    "Make one subfolder per class with PNG or JPEG pictures in it, or the folders train and test with such subfolders."
)
MAX_PICTURES = 100_000
MAX_FILE_BYTES = 32 * 2**20
MAX_UNPACKED_BYTES = 2 * 2**30
MAX_SOURCE_PIXELS = 40_000_000
MAX_ARRAY_BYTES = 2 * 2**30
MAX_RATIO = 200
MAX_SIDE = 224
TEST_SHARE = 0.2


class Source(Protocol):
    """Where the files come from: names relative to the top with forward slashes, and their bytes."""

    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _FolderSource:
    root: Path

    def names(self) -> list[str]:
        return [p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if p.is_file()]

    def read(self, name: str) -> bytes:
        path = self.root / name
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _too_large(name)
        return path.read_bytes()


@dataclass(frozen=True, slots=True)
class _ZipSource:
    archive: zipfile.ZipFile

    def names(self) -> list[str]:
        """Checks every entry before one byte is unpacked."""
        hint = "Zip the folder of pictures again, with nothing else in it."
        total = 0
        for entry in self.archive.infolist():
            path = PurePosixPath(entry.filename.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", entry.filename):
                raise AssetError(f"The zip holds the path '{entry.filename[:80]}', which leaves its folder.", hint=hint)
            if entry.flag_bits & 1:
                raise AssetError("The zip is encrypted.", hint="Zip the folder again without a password.")
            if (entry.external_attr >> 16) & 0o170000 == 0o120000:
                raise AssetError(f"The zip holds the link '{entry.filename[:80]}'.", hint=hint)
            total += entry.file_size
            if entry.file_size > MAX_FILE_BYTES:
                raise _too_large(entry.filename)
            if total > MAX_UNPACKED_BYTES or entry.file_size > MAX_RATIO * max(entry.compress_size, 1024):
                raise AssetError("The zip would unpack to far more than it holds.", hint=hint)
        return [e.filename for e in self.archive.infolist() if not e.is_dir()]

    def read(self, name: str) -> bytes:
        # A header may lie about the size, so no more than the limit is ever unpacked.
        with self.archive.open(name) as member:
            data = member.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise _too_large(name)
        return data


def open_folder(
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    class_names: tuple[str, ...] | None = None,
    known: tuple[str, ...] = (),
    seed: int = 0,
    most_bytes: int = MAX_ARRAY_BYTES,
) -> Dataset:
    """Reads a folder or a zip of pictures.

    Args:
        path: the folder or the .zip file.
        size: (height, width) in pixels to which every picture is resized (without cropping); None keeps the common
            size, or where sizes differ takes squares as wide as the median shorter side, at most 224.
        channels: 1 (grey) or 3 (RGB); None takes 1 when every picture is grey.
        class_names: the classes in the order of the classifier's outputs; None sorts the subfolders by name.
        known: what the classifier's outputs are called, in their order. Where every subfolder is called so (`same_name`), these are the
            classes whatever `class_names` says, and those without a subfolder have no pictures.
        seed: of the split into 80 % training and 20 % test rows of each class, where there are no train/ and test/.
        most_bytes: of all pictures in memory; more are refused before any of them is unpacked.

    Returns:
        Pictures as uint8 with the mean and standard deviation of the training pixels, never mirrored in training.

    Raises:
        AssetError: no such path, not a zip, a picture that cannot be read, fewer than two classes, an empty class, too
            many or too large files, or names inside a zip that leave it.
    """
    try:
        with _open_source(path) as source:
            return _read(source, path.stem, size, channels, class_names, known, seed, most_bytes)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise AssetError(f"{path.name} cannot be read ({error}).", hint=LAYOUT) from None


@contextmanager
def _open_source(path: Path) -> Iterator[Source]:
    if path.is_dir():
        yield _FolderSource(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield _ZipSource(archive)
    elif path.exists():
        raise AssetError(f"{path.name} is neither a folder nor a zip file.", hint=LAYOUT)
    else:
        raise AssetError(f"There is no folder or zip file {path}.", hint=LAYOUT)


def _read(
    source: Source,
    name: str,
    size: tuple[int, int] | None,
    channels: int | None,
    class_names: tuple[str, ...] | None,
    known: tuple[str, ...],
    seed: int,
    most_bytes: int,
) -> Dataset:
    parts = _find(source.names())
    names, folders = _classes(parts, class_names, known)
    files = {
        part: [(f, label) for folder, label in folders.items() for f in sorted(found.get(folder, ()))]
        for part, found in parts.items()
    }
    probes = [_probe(source, f) for rows in files.values() for f, _ in rows]
    height, width = size or _common_size([(h, w) for h, w, _ in probes])
    depth = channels or (1 if all(grey for _, _, grey in probes) else 3)
    if len(probes) * height * width * depth > most_bytes:
        raise AssetError(
            f"{len(probes):,} pictures of {height} x {width} pixels would take more than {most_bytes / 2**20:,.0f} MiB of memory.",
            hint="Give fewer, or a smaller size where the network takes it.",
        )
    made = {part: _pictures(source, rows, height, width, depth) for part, rows in files.items()}
    train, test = (made["train"], made["test"]) if "test" in made else _split(made["train"], names, seed)
    _check_counts(train, test, names, sorted(folders.values()))
    mean, std = _statistics(train.images)
    return Dataset(
        name=name,
        class_names=names,
        train=train,
        test=test,
        mean=mean,
        std=std,
        mirror=False,
    )


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


def _find(names: list[str]) -> dict[str, dict[str, list[str]]]:
    """Picture files by part ("train", and "test" where there is one) and class."""
    found = [(name, PurePosixPath(name.replace("\\", "/")).parts) for name in names]
    pictures = [
        (name, parts)
        for name, parts in found
        if PurePosixPath(parts[-1]).suffix.lower() in SUFFIXES
        and not any(p.startswith((".", "__MACOSX")) for p in parts)
    ]
    if not pictures:
        raise AssetError("There are no pictures in it.", hint=LAYOUT)
    if len(pictures) > MAX_PICTURES:
        raise AssetError(f"There are {len(pictures)} pictures in it.", hint=f"Give at most {MAX_PICTURES}.")
    # A zip of one folder, or a folder in a folder: the classes lie below.
    while len(tops := {parts[0] for _, parts in pictures}) == 1 and all(len(parts) > 2 for _, parts in pictures):
        if tops == {"train"}:
            break
        pictures = [(name, parts[1:]) for name, parts in pictures]
    tops = {parts[0] for _, parts in pictures}
    split = tops == {"train", "test"} and all(len(parts) > 2 for _, parts in pictures)
    if "train" in tops and not split:
        raise AssetError("A folder 'train' needs a folder 'test' beside it, and nothing else.", hint=LAYOUT)
    parts_found: dict[str, dict[str, list[str]]] = {}
    for name, parts in pictures:
        part, inside = (parts[0], parts[1:]) if split else ("train", parts)
        if len(inside) < 2:
            raise AssetError(f"The picture '{name[:80]}' lies in no class folder.", hint=LAYOUT)
        parts_found.setdefault(part, {}).setdefault(inside[0], []).append(name)
    return parts_found


def same_name(text: str) -> str:
    """What two names of a class have in common: case and underscores make no difference."""
    return " ".join(text.replace("_", " ").casefold().split())


def _classes(
    parts: dict[str, dict[str, list[str]]], wanted: tuple[str, ...] | None, known: tuple[str, ...]
) -> tuple[tuple[str, ...], dict[str, int]]:
    """The classes, and the label of every subfolder in the order of labels."""
    place = {same_name(name): label for label, name in enumerate(known)}
    labels = {folder: place.get(same_name(folder), -1) for folder in parts["train"]}
    if -1 in labels.values():
        names = _class_names(parts, wanted)
        return names, {name: label for label, name in enumerate(names)}
    _class_names(parts, None)  # for what it refuses
    if len(set(labels.values())) < len(labels):
        raise AssetError("Two folders are of the same class.", hint="Put their pictures into one of them.")
    return known, dict(sorted(labels.items(), key=lambda item: item[1]))


def _class_names(parts: dict[str, dict[str, list[str]]], wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    names = sorted(parts["train"])
    if len(names) < 2:
        raise AssetError(f"There is only one class ('{names[0]}').", hint=LAYOUT)
    extra = sorted(set(parts.get("test", {})) - set(names))
    if extra:
        raise AssetError(f"The class '{extra[0]}' is in test but not in train.", hint=LAYOUT)
    if wanted is not None and sorted(wanted) != names:
        odd = sorted(set(wanted) ^ set(names)) or ["twice the same"]
        raise AssetError(
            f"The {len(names):,} folders are not the {len(wanted):,} classes that were named ({', '.join(odd[:5])}).",
            hint=LAYOUT,
        )
    if len({name.casefold() for name in names}) < len(names):
        raise AssetError("Two classes differ only in upper and lower case.", hint="Rename one of the folders.")
    bad = [name for name in names if "," in name or name != name.strip()]
    if bad:
        raise AssetError(
            f"The class name '{bad[0]}' has a comma or a blank at its end.",
            hint="Rename that folder: commas separate classes.",
        )
    return wanted or tuple(names)


@contextmanager
def _opened(source: Source, name: str) -> Iterator[Image.Image]:
    """The picture, its header read and its size checked; whatever goes wrong inside becomes one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is stricter
            image = Image.open(io.BytesIO(source.read(name)), formats=FORMATS)
        if image.width * image.height > MAX_SOURCE_PIXELS:
            raise AssetError(f"The picture '{name[:80]}' is too large.", hint="Give at most 40 megapixels each.")
        yield image
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        hint = "Remove it or save it again as PNG."
        raise AssetError(f"The picture '{name[:80]}' cannot be read.", hint=hint) from None


def _probe(source: Source, name: str) -> tuple[int, int, bool]:
    """Height, width (upright) and whether it is grey, without decoding."""
    with _opened(source, name) as image:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
        size = (image.width, image.height) if turned else (image.height, image.width)
        return *size, image.mode in {"1", "L", "I", "I;16"}


def _pictures(source: Source, rows: list[tuple[str, int]], height: int, width: int, depth: int) -> Pictures:
    images = np.empty((len(rows), height, width, depth), dtype=np.uint8)
    for row, (name, _) in enumerate(rows):
        with _opened(source, name) as image:
            flat = _flat(ImageOps.exif_transpose(image)).convert("L" if depth == 1 else "RGB")
            if flat.size != (width, height):
                flat = flat.resize((width, height), Image.Resampling.BILINEAR)
            images[row] = np.asarray(flat).reshape(height, width, depth)
    return Pictures(images, np.asarray([label for _, label in rows], dtype=np.int64))


def _flat(image: Image.Image) -> Image.Image:
    """8 bits a channel, transparency on white."""
    if image.mode.startswith("I"):  # 16-bit grey: convert() would cut everything above 255
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image


def _common_size(sizes: list[tuple[int, int]]) -> tuple[int, int]:
    if len(set(sizes)) == 1 and max(sizes[0]) <= MAX_SIDE:
        return sizes[0]
    side = min(MAX_SIDE, int(np.median([min(size) for size in sizes])))
    return side, side


def _split(pictures: Pictures, names: tuple[str, ...], seed: int) -> tuple[Pictures, Pictures]:
    """80 % and 20 % of each class, at least one picture each."""
    rng = np.random.default_rng(seed)
    test = np.zeros(len(pictures), dtype=bool)
    for label, name in enumerate(names):
        rows = np.flatnonzero(pictures.labels == label)
        if not len(rows):
            continue  # one of a known network's classes that nobody brought
        if len(rows) < 2:
            raise AssetError(
                f"The class '{name}' has fewer than two pictures.", hint="One is needed to train on and one to test on."
            )
        test[rng.permutation(rows)[: max(1, round(TEST_SHARE * len(rows)))]] = True
    return pictures.rows(np.flatnonzero(~test)), pictures.rows(np.flatnonzero(test))


def _check_counts(train: Pictures, test: Pictures, names: tuple[str, ...], labels: list[int]) -> None:
    for part, pictures in (("training", train), ("test", test)):
        counts = np.bincount(pictures.labels, minlength=len(names))[labels]
        if not counts.all():
            raise AssetError(f"The class '{names[labels[int(counts.argmin())]]}' has no {part} pictures.", hint=LAYOUT)


def _too_large(name: str) -> AssetError:
    return AssetError(f"The file '{name[:80]}' is larger than 32 MiB.", hint="Save the picture smaller.")
