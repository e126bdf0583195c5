"""The recipe of the shipped pictures on a tiny source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recipes import fashion_mnist as recipe
from sfr_core.data.datasets import fashion_mnist, read_idx_pair, write_idx
from sfr_core.errors import AssetError


def test_first_pictures_of_each_class_in_the_order_of_the_file_and_the_same_bytes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, source, out = np.random.default_rng(0), tmp_path / "source", tmp_path / "out"
    source.mkdir()
    for prefix, n in (("train", 60), ("t10k", 20)):  # labels in no order
        write_idx(source / f"{prefix}-images-idx3-ubyte.gz", rng.integers(0, 256, (n, 28, 28)).astype(np.uint8))
        write_idx(source / f"{prefix}-labels-idx1-ubyte.gz", rng.permutation(np.arange(n) % 10).astype(np.uint8))
    monkeypatch.setattr(recipe, "SHIPPED_PER_CLASS", 2)
    recipe.build(source, out)
    made, full = fashion_mnist(out), read_idx_pair(source, "train")
    rows = [row for row, label in enumerate(full.labels) if (full.labels[:row] == label).sum() < 2]
    assert np.array_equal(made.train.images, full.images[rows])
    assert made.train.labels.tolist() == full.labels[rows].tolist()
    assert np.array_equal(made.test.images, read_idx_pair(source, "t10k").images)
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    assert len(first) == 4
    recipe.build(source, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


def test_a_missing_source_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="missing"):
        recipe.build(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()
