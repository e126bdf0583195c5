"""The recipe of the shipped pictures on a tiny source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recipes import fashion_mnist as recipe
from sfr_core.data.datasets import fashion_mnist, read_idx_pair, write_idx
from sfr_core.errors import AssetError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Sixty training and twenty test pictures, labels in no order."""
    rng, folder = np.random.default_rng(0), tmp_path / "source"
    folder.mkdir()
    for prefix, n in (("train", 60), ("t10k", 20)):
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", rng.integers(0, 256, (n, 28, 28)).astype(np.uint8))
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", rng.permutation(np.arange(n) % 10).astype(np.uint8))
    return folder


def test_first_pictures_of_each_class_in_the_order_of_the_file(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "SHIPPED_PER_CLASS", 2)
    recipe.build(source, tmp_path / "out")
    made, full = fashion_mnist(tmp_path / "out"), read_idx_pair(source, "train")
    seen, rows = [0] * 10, []
    for row, label in enumerate(full.labels):
        seen[label] += 1
        if seen[label] <= 2:
            rows.append(row)
    assert np.array_equal(made.train.images, full.images[rows])
    assert made.train.labels.tolist() == full.labels[rows].tolist()
    assert np.array_equal(made.test.images, read_idx_pair(source, "t10k").images)


def test_the_recipe_repeats_to_the_byte(source: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        recipe.build(source, tmp_path / name)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert len(one) == 4
    assert one == two


def test_a_missing_source_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="missing"):
        recipe.build(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()
