"""IDX files: the round trip, every kind of damage, and what is shipped."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from sfr_core.data.datasets import (
    FASHION_CLASSES,
    FASHION_FULL,
    Pictures,
    fashion_mnist,
    first_per_class,
    read_idx,
    read_idx_pair,
    write_idx,
)
from sfr_core.errors import AssetError

VALUES = np.random.default_rng(0).integers(0, 256, (5, 4, 3)).astype(np.uint8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "values.gz"
    write_idx(path, VALUES)
    return path


def test_what_is_written_is_read(file: Path) -> None:
    found = read_idx(file)
    assert found.dtype == np.uint8
    assert np.array_equal(found, VALUES)
    found[0] = 0  # a copy that may be written to


def test_layout_is_that_of_mnist(file: Path) -> None:
    raw = gzip.decompress(file.read_bytes())
    assert raw[:4] == bytes([0, 0, 8, 3])
    assert raw[4:16] == bytes([0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 3])
    assert raw[16:] == VALUES.tobytes()


def test_same_values_give_the_same_bytes(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.gz"
    write_idx(again, VALUES)
    assert again.read_bytes() == file.read_bytes()


def test_any_flipped_byte_of_the_data_is_noticed(file: Path) -> None:
    good = file.read_bytes()
    for at in range(10, len(good)):  # the ten bytes of the gzip header say nothing of the data
        file.write_bytes(good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :])
        with pytest.raises(AssetError, match="damaged"):
            read_idx(file)


@pytest.mark.parametrize("cut", [0, 1, 9, 20, -1])
def test_a_cut_file_is_noticed(file: Path, cut: int) -> None:
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(AssetError, match="damaged"):
        read_idx(file)


@pytest.mark.parametrize(
    "raw",
    [b"", b"\0\0", b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", b"\0\1\x08\x01\0\0\0\x01\0", b"\0\0\x08\x01\0\0\0\x02\0", b"\0\0\x08\x01\0\0\0\x01\0\0"],
    ids=["empty", "short header", "floats", "not idx", "too short", "too long"],
)  # fmt: skip
def test_other_content_is_noticed(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(raw))
    with pytest.raises(AssetError, match="damaged"):
        read_idx(tmp_path / "x.gz")


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="missing") as caught:
        read_idx(tmp_path / "x.gz")
    assert "recipes.fashion_mnist" in caught.value.hint


def test_pictures_without_a_label_each_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path / "t-images-idx3-ubyte.gz", VALUES)
    write_idx(tmp_path / "t-labels-idx1-ubyte.gz", np.zeros(4, np.uint8))
    with pytest.raises(AssetError, match="do not belong together"):
        read_idx_pair(tmp_path, "t")


@pytest.mark.parametrize("shape", [(3, 4, 4), (3, 4, 4, 2), (3, 4, 4, 4), (2, 4, 4, 1)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(AssetError):
        Pictures(np.zeros(shape, np.uint8), np.zeros(3, np.int64))


def test_rows_are_taken_in_the_order_given() -> None:
    pictures = Pictures(np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1), np.array([9, 8, 7, 6]))
    some = pictures.rows(np.array([2, 0]))
    assert (some.images.ravel().tolist(), some.labels.tolist(), len(some)) == ([2, 0], [7, 9], 2)


def test_first_per_class_keeps_the_order_of_the_file() -> None:
    labels = np.array([1, 0, 1, 1, 0, 2])
    assert first_per_class(labels, 2).tolist() == [0, 1, 2, 4, 5]
    assert first_per_class(labels, 1, skip=1).tolist() == [2, 4]
    assert first_per_class(labels, 5, skip=2).tolist() == [3]


def test_shipped_pictures_are_balanced_and_described_truly() -> None:
    data = fashion_mnist()
    assert data.class_names == FASHION_CLASSES
    assert data.train.images.shape == data.test.images.shape == (10_000, 28, 28, 1)
    assert np.bincount(data.train.labels).tolist() == np.bincount(data.test.labels).tolist() == [1000] * 10
    scaled = data.train.images / 255
    assert scaled.mean() == pytest.approx(data.mean[0], abs=2e-3)
    assert scaled.std() == pytest.approx(data.std[0], abs=2e-3)


@pytest.mark.skipif(not FASHION_FULL.exists(), reason="dataset-fashion-mnist is not installed here")
def test_shipped_pictures_are_the_first_thousand_of_each_class() -> None:
    shipped, full = fashion_mnist(), fashion_mnist(FASHION_FULL)
    rows = first_per_class(full.train.labels, 1000)
    assert np.array_equal(shipped.train.images, full.train.images[rows])
    assert np.array_equal(shipped.train.labels, full.train.labels[rows])
    assert np.array_equal(shipped.test.images, full.test.images)
    assert np.array_equal(shipped.test.labels, full.test.labels)
