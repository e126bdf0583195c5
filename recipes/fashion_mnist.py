"""Makes assets/fashion_mnist from Debian's dataset-fashion-mnist (or a torchvision download).

python -m recipes.fashion_mnist [--source FOLDER]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from sfr_core.data.datasets import ASSETS, FASHION_FULL, SHIPPED_PER_CLASS, first_per_class, read_idx_pair, write_idx


def build(source: Path, target: Path) -> None:
    """Writes the first SHIPPED_PER_CLASS training pictures of each class and the whole test set."""
    target.mkdir(parents=True, exist_ok=True)
    train, test = read_idx_pair(source, "train"), read_idx_pair(source, "t10k")
    train = train.rows(first_per_class(train.labels, SHIPPED_PER_CLASS))
    for prefix, part in (("train", train), ("t10k", test)):
        write_idx(target / f"{prefix}-images-idx3-ubyte.gz", part.images[..., 0])
        write_idx(target / f"{prefix}-labels-idx1-ubyte.gz", part.labels.astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, default=FASHION_FULL)
    parser.add_argument("--target", type=Path, default=ASSETS / "fashion_mnist")
    args = parser.parse_args()
    build(args.source, args.target)


if __name__ == "__main__":
    main()
