"""Makes assets/fashion_mnist from the whole Fashion-MNIST: Debian's dataset-fashion-mnist, or torchvision's download.

python -m recipes.fashion_mnist                    # from /usr/share/datasets/fashion-mnist
python -m recipes.fashion_mnist --download FOLDER  # where there is a network
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recipes.command import one_sentence, parser_of
from recipes.image_sets import downloaded
from sfr_core.data.datasets import ASSETS, FASHION_FULL, SHIPPED_PER_CLASS, first_per_class, read_idx_pair, write_idx


def build(source: Path, target: Path) -> None:
    """Writes the first SHIPPED_PER_CLASS training pictures of each class, in the order of the file, and the whole test set."""
    train, test = read_idx_pair(source, "train"), read_idx_pair(source, "t10k")
    train = train.rows(first_per_class(train.labels, SHIPPED_PER_CLASS))
    target.mkdir(parents=True, exist_ok=True)
    for prefix, part in (("train", train), ("t10k", test)):
        write_idx(target / f"{prefix}-images-idx3-ubyte.gz", part.images[..., 0])
        write_idx(target / f"{prefix}-labels-idx1-ubyte.gz", part.labels.astype(np.uint8))


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--source", type=Path, default=FASHION_FULL)
    parser.add_argument("--download", type=Path, metavar="FOLDER")
    parser.add_argument("--target", type=Path, default=ASSETS / "fashion_mnist")
    args = parser.parse_args(argv)
    with one_sentence():
        source = args.source
        if args.download:
            downloaded("FashionMNIST", args.download)
            source = args.download / "FashionMNIST" / "raw"
        build(source, args.target)


if __name__ == "__main__":
    main()
