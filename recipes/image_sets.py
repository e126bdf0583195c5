"""The sets of pictures that diffusion models and their judges are trained on, and how they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sfr_core.data.datasets import CIFAR_CLASSES, FASHION_CLASSES, FASHION_FULL, Pictures, read_idx_pair
from sfr_core.data.folder import open_folder
from sfr_core.errors import AssetError
from sfr_core.tasks.base import Source


@dataclass(frozen=True, slots=True)
class ImageSet:
    """One set of labelled pictures.

    Attributes:
        id, extent, licence: what the cards of its models say; extent is how much there is of it and from where.
        class_names: of the labels 0, 1, ...
        read: training or test pictures of a folder, or of the usual place where it is None; AssetError where they cannot be read.
    """

    id: str
    extent: str
    licence: str
    class_names: tuple[str, ...]
    read: Callable[[Path | None, Source], Pictures]


def read_fashion(folder: Path | None, part: Source) -> Pictures:
    """All 60,000 to train on or 10,000 to test: of the IDX files in `folder`, or of Debian's dataset-fashion-mnist."""
    return read_idx_pair(folder or FASHION_FULL, "train" if part == "train" else "t10k")


def read_cifar(folder: Path | None, part: Source) -> Pictures:
    """The training or test pictures of a folder (or zip) with train/CLASS/ and test/CLASS/, or torchvision's download."""
    if folder is not None:
        found = open_folder(folder, size=(32, 32), channels=3, class_names=CIFAR_CLASSES)
        return found.train if part == "train" else found.test
    found = downloaded("CIFAR10", Path.home() / ".cache" / "unlearning-playground", train=part == "train")
    return Pictures(found.data, np.asarray(found.targets, np.int64))


def downloaded(name: str, folder: Path, *, train: bool = True) -> Any:
    """torchvision's data set of this name, fetched into a folder where it is not there; AssetError without a network."""
    from torchvision import datasets

    try:
        return getattr(datasets, name)(str(folder), train=train, download=True)
    except (OSError, RuntimeError) as error:
        raise AssetError(
            f"{name} could not be downloaded ({error}).",
            hint="Try again with a network, or say where the pictures are (--folder, or --source of recipes.fashion_mnist).",
        ) from None


FASHION_MNIST = ImageSet(
    "fashion-mnist",
    "all 60,000 training pictures, Debian's dataset-fashion-mnist",
    "MIT (Zalando SE, 2017)",
    FASHION_CLASSES,
    read_fashion,
)
CIFAR10 = ImageSet(
    "cifar10", "all 50,000 training pictures", "none stated (Krizhevsky, 2009)", CIFAR_CLASSES, read_cifar
)
