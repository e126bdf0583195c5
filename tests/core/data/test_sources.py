"""Folders with links, zips with names in other alphabets, and limits of both."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from sfr_core.data import sources
from sfr_core.data.folder import open_folder
from sfr_core.data.sources import open_source
from sfr_core.errors import AssetError
from tests.core.data.picture_files import TRAIN_TEST, picture, write, write_zip


def without_flag(path: Path) -> Path:
    """The zip with names in UTF-8 that its entries do not declare, which is how macOS writes it."""
    raw = bytearray(path.read_bytes())
    for signature, place in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
        at = raw.find(signature)
        while at >= 0:
            raw[at + place] &= ~8
            at = raw.find(signature, at + 4)
    path.write_bytes(raw)
    return path


def test_names_in_utf8_without_the_flag_are_read_as_utf8(tmp_path: Path) -> None:
    files = {f"{c}/{i}.png": picture(10 + 100 * k) for k, c in enumerate(("Äpfel", "猫")) for i in range(3)}
    path = without_flag(write_zip(tmp_path / "x.zip", files))
    with zipfile.ZipFile(path) as archive:
        assert "Äpfel/0.png" not in archive.namelist()  # the case is the case
    zipped, folder = open_folder(path), open_folder(write(tmp_path / "x", files))
    assert zipped.class_names == folder.class_names == ("Äpfel", "猫")
    assert zipped.train.images[:, 0, 0, 0].tolist() == folder.train.images[:, 0, 0, 0].tolist() == [10, 10, 110, 110]
    assert zipped.files == folder.files


def test_names_that_are_no_utf8_are_of_code_page_437(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a/1.png", "a/2.png", "bX/1.png", "bX/2.png"):
            archive.writestr(name, picture(1))
    path.write_bytes(path.read_bytes().replace(b"bX/", b"b\x81/"))  # a "u" with two dots there, and no UTF-8
    assert open_folder(path).class_names == ("a", "bü")


def test_a_damaged_zip_is_one_sentence(tmp_path: Path) -> None:
    whole = write_zip(tmp_path / "x.zip", {**TRAIN_TEST, "notes": b"text without an ending " * 9}).read_bytes()
    end = whole.rfind(b"PK\1\2")
    hints = []
    for place in range(0, len(whole), 13):  # of names, sizes, methods, checksums and packed bytes
        for value in (0, 0xFF):
            (tmp_path / "y.zip").write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                open_folder(tmp_path / "y.zip")
            except AssetError as error:
                hints.append(error.hint)
    assert len(hints) > 20
    assert all(hints)
    for length in (0, 10, end, len(whole) - 1):
        (tmp_path / "y.zip").write_bytes(whole[:length])
        with pytest.raises(AssetError):
            open_folder(tmp_path / "y.zip")


def test_links_to_class_folders_are_followed(tmp_path: Path) -> None:
    source = write(tmp_path / "source", {f"{c}/{i}.png": picture(i) for c in "abc" for i in range(3)})
    folder = write(tmp_path / "p", {f"{c}/{i}.png": picture(i) for c in "xy" for i in range(3)})
    for name in "abc":
        (folder / name).symlink_to(source / name, target_is_directory=True)
    data = open_folder(folder)
    assert data.class_names == ("a", "b", "c", "x", "y")
    assert len(data.train) + len(data.test) == 15


def test_links_that_lead_back_end(tmp_path: Path) -> None:
    folder = write(tmp_path / "p", {f"{c}/{i}.png": picture(i) for c in "ab" for i in range(3)})
    (folder / "a" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "b" / "other").symlink_to(folder / "a", target_is_directory=True)
    (folder / "a" / "self").symlink_to(folder / "a" / "self")
    (folder / "a" / "gone.png").symlink_to(tmp_path / "nothing.png")
    with open_source(folder) as source:
        # a and its way up, which stops at p; b, and a below it.
        assert sorted(source.names()) == sorted(f"{c}/{i}.png" for c in ("a", "b", "b/other") for i in range(3))


def test_folders_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILES", 5)
    for path in (write(tmp_path / "x", TRAIN_TEST), write_zip(tmp_path / "x.zip", {**TRAIN_TEST, "a": b""})):
        with pytest.raises(AssetError, match="more than 5 files"):
            open_folder(path)


def test_all_pictures_together_are_bounded(tmp_path: Path) -> None:
    # 125 flat pictures of 36 megapixels are 4.5 gigapixels in a file of 5 MB; a network would see 8 x 8 of each.
    flat = picture(1, "1", (6000, 6000))
    path = write_zip(tmp_path / "x.zip", {f"{c}/{i}.png": flat for c in "abcde" for i in range(25)})
    with pytest.raises(AssetError, match=r"4\.5 gigapixels together; at most 4 are read"):
        open_folder(path, size=(8, 8))
