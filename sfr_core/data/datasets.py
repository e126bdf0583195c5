"""Labelled pictures in memory: Fashion-MNIST (shipped part or whole) and folders of images."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sfr_core.errors import AssetError, reason

ASSETS = Path(__file__).resolve().parents[2] / "assets"
FASHION_FULL = Path("/usr/share/datasets/fashion-mnist")
FASHION_CLASSES = (
    "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHIPPED_PER_CLASS = 1000


@dataclass(frozen=True, slots=True)
class Pictures:
    """One split. `images`: uint8 [n, h, w, c] with c 1 or 3; `labels`: int64 [n]."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.shape[3] not in (1, 3) or len(self.images) != len(self.labels):
            raise AssetError(
                f"Pictures of shape {self.images.shape} with {len(self.labels)} labels do not belong together.",
                hint="Give [n, height, width, channels] with 1 or 3 channels and one label each.",
            )

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, rows: NDArray[np.int64]) -> Pictures:
        """The pictures of these rows, in this order."""
        return Pictures(self.images[rows], self.labels[rows])


@dataclass(frozen=True, slots=True)
class Dataset:
    """A training and a test split with the names of the classes and the statistics of the training pixels.

    `mean` and `std` are per channel, of pixels scaled to 0..1. `mirror` says whether a flipped picture is still natural. Of a network of
    the Hub whose classes are known by name, some may have no pictures.

    Attributes:
        notes: sentences on how the pictures were read, for people (skipped files, unused folders, depth).
        files, test_files: file name of each row where the pictures came from files, relative to the folder or zip; else None.
    """

    name: str
    class_names: tuple[str, ...]
    train: Pictures
    test: Pictures
    mean: tuple[float, ...]
    std: tuple[float, ...]
    mirror: bool = True
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] | None = None
    test_files: tuple[str, ...] | None = None

    @property
    def pictured(self) -> tuple[str, ...]:
        """The classes that have training pictures; all of them where there are no pictures at all."""
        if not len(self.train):
            return self.class_names
        return tuple(self.class_names[label] for label in np.unique(self.train.labels))


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Reads a gzipped IDX file of bytes (the format of MNIST and its relatives).

    Raises:
        AssetError: missing, not gzip, not IDX, or shorter than its header says.
    """
    hint = "Restore it with: python -m recipes.fashion_mnist"
    try:
        raw = gzip.decompress(path.read_bytes())
        zero, kind, dims = struct.unpack(">HBB", raw[:4])
        shape = struct.unpack(f">{dims}I", raw[4 : 4 + 4 * dims])
        if zero != 0 or kind != 8:
            raise ValueError("not an IDX file of bytes")
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * dims).reshape(shape).copy()
    except FileNotFoundError:
        raise AssetError(f"The data file {path} is missing.", hint=hint) from None
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as error:
        raise AssetError(f"The data file {path} is damaged ({reason(error)}).", hint=hint) from None


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    """Writes what `read_idx` reads; the same values always give the same bytes."""
    header = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes(), 9, mtime=0))


def read_idx_pair(folder: Path, prefix: str) -> Pictures:
    """`{prefix}-images-idx3-ubyte.gz` and its labels, as grey pictures [n, h, w, 1]."""
    images = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz")
    return Pictures(images[..., None], labels.astype(np.int64))


def fashion_mnist(folder: Path | None = None) -> Dataset:
    """Fashion-MNIST: the shipped 1,000 training pictures a class and the whole test set, or those in `folder`."""
    folder = folder or ASSETS / "fashion_mnist"
    return Dataset(
        name="fashion-mnist",
        class_names=FASHION_CLASSES,
        train=read_idx_pair(folder, "train"),
        test=read_idx_pair(folder, "t10k"),
        mean=(0.2860,),
        std=(0.3530,),
        mirror=False,  # every shoe points left: a mirrored one costs accuracy
    )


def without_pictures(name: str, class_names: tuple[str, ...], side: int) -> Dataset:
    """Names alone: the data set of a generator that draws its own RGB pictures, `side` pixels high and wide."""
    none = Pictures(np.zeros((0, side, side, 3), np.uint8), np.zeros(0, np.int64))
    return Dataset(name, class_names, none, none, (0.5,) * 3, (0.5,) * 3, mirror=False)


def cifar10() -> Dataset:
    """The classes of CIFAR-10 without a picture: they state no licence and are not shipped."""
    return without_pictures("cifar10", CIFAR_CLASSES, 32)


def first_per_class(labels: NDArray[np.int64], n: int, skip: int = 0) -> NDArray[np.int64]:
    """Rows of the pictures number `skip` to `skip + n - 1` of every class, in the order of the file."""
    rows = [np.flatnonzero(labels == c)[skip : skip + n] for c in np.unique(labels)]
    return np.sort(np.concatenate(rows)).astype(np.int64)
