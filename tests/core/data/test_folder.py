"""Folders and zips of pictures: layouts that are read, and everything that is refused with one sentence."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sfr_core.cancel import CancelToken, Stopped
from sfr_core.data.folder import MAX_SIDE, open_folder
from sfr_core.errors import AssetError, InputError
from tests.core.data.picture_files import TRAIN_TEST, picture, write, write_zip


def test_train_and_test_folders_are_kept_apart(tmp_path: Path) -> None:
    data = open_folder(write(tmp_path / "shapes", TRAIN_TEST))
    assert (data.name, data.class_names, data.mirror) == ("shapes", ("a", "b"), False)
    assert data.train.images.shape == (3, 4, 4, 1)
    assert data.train.images[:, 0, 0, 0].tolist() == [0, 255, 0]
    assert data.train.labels.tolist() == [0, 0, 1]
    assert data.test.images[:, 0, 0, 0].tolist() == [10, 20]
    # By hand: pixels 0, 1, 0 have the mean 1/3 and the standard deviation sqrt(2)/3.
    assert data.mean == pytest.approx((1 / 3,))
    assert data.std == pytest.approx((2**0.5 / 3,))


def test_a_zip_gives_the_same_as_its_folder(tmp_path: Path) -> None:
    folder = open_folder(write(tmp_path / "shapes", TRAIN_TEST))
    zipped = open_folder(write_zip(tmp_path / "shapes.zip", TRAIN_TEST))
    nested = open_folder(write_zip(tmp_path / "n.zip", {f"shapes/{k}": v for k, v in TRAIN_TEST.items()}))
    for other in (zipped, nested):
        assert np.array_equal(folder.train.images, other.train.images)
        assert np.array_equal(folder.test.labels, other.test.labels)


def test_without_test_folder_a_seeded_fifth_of_each_class_is_held_out(tmp_path: Path) -> None:
    files = {f"{c}/{i}.png": picture(10 * i + k) for k, c in enumerate("ab") for i in range(10)}
    folder = write(tmp_path / "x", files)
    first, again, other = open_folder(folder, seed=3), open_folder(folder, seed=3), open_folder(folder, seed=4)
    assert np.bincount(first.train.labels).tolist() == [8, 8]
    assert np.bincount(first.test.labels).tolist() == [2, 2]
    seen = np.concatenate([first.train.images[:, 0, 0, 0], first.test.images[:, 0, 0, 0]])
    assert sorted(seen.tolist()) == sorted(10 * i + k for k in range(2) for i in range(10))
    assert np.array_equal(first.test.images, again.test.images)
    assert not np.array_equal(first.test.images, other.test.images)


def test_one_coloured_picture_makes_all_rgb_and_channels_can_be_asked_for(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", {**TRAIN_TEST, "train/b/2.png": picture((200, 0, 0), "RGB")})
    assert open_folder(folder).train.images.shape == (4, 4, 4, 3)
    assert open_folder(folder, channels=1).train.images.shape == (4, 4, 4, 1)


def test_transparency_lies_on_white_and_sixteen_bits_become_eight(tmp_path: Path) -> None:
    deep = io.BytesIO()
    Image.fromarray(np.full((4, 4), 0x8040, np.uint16)).save(deep, "PNG")
    folder = write(
        tmp_path / "x", {**TRAIN_TEST, "train/a/1.png": deep.getvalue(), "train/a/2.png": picture((0, 0, 0, 0), "RGBA")}
    )
    assert open_folder(folder).train.images[:2, 0, 0].tolist() == [[0x80] * 3, [255] * 3]


def test_sizes(tmp_path: Path) -> None:
    mixed = {**TRAIN_TEST, "train/b/1.png": picture(7, size=(8, 6))}
    folder = write(tmp_path / "x", mixed)
    assert open_folder(folder).train.images.shape == (3, 4, 4, 1)  # the median of the shorter sides 4, 4, 6, 4, 4
    assert open_folder(folder, size=(5, 3)).train.images.shape == (3, 5, 3, 1)
    large = {name: picture(1, size=(300, 400)) for name in TRAIN_TEST}
    assert open_folder(write(tmp_path / "y", large)).train.images.shape == (3, MAX_SIDE, MAX_SIDE, 1)


def test_turned_photographs_stand_upright(tmp_path: Path) -> None:
    image = Image.new("L", (6, 4), 0)
    image.putpixel((0, 0), 255)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    data = open_folder(write(tmp_path / "x", {name: buffer.getvalue() for name in TRAIN_TEST}))
    assert data.train.images.shape == (3, 6, 4, 1)
    assert data.train.images[0, 0, 3, 0] == 255


def test_the_order_of_classes_can_be_given(tmp_path: Path) -> None:
    data = open_folder(write(tmp_path / "x", TRAIN_TEST), class_names=("b", "a"))
    assert data.class_names == ("b", "a")
    assert data.test.labels.tolist() == [0, 1]
    assert data.test.images[:, 0, 0, 0].tolist() == [20, 10]


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    extra = {"notes.txt": b"x", ".DS_Store": b"x", "__MACOSX/train/a/._1.png": b"x", "train/a/.hidden.png": b"x"}
    assert len(open_folder(write_zip(tmp_path / "x.zip", {**TRAIN_TEST, **extra})).train) == 3


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "no pictures"),
        ({"notes.txt": b"x"}, "no pictures"),
        ({"a/1.png": picture(1), "a/2.png": picture(2)}, "only one class"),
        ({"1.png": picture(1), "a/2.png": picture(2), "b/2.png": picture(2)}, "in no class folder"),
        ({"a/1.png": picture(1), "a/2.png": picture(1), "b/1.png": picture(1)}, "fewer than two"),
        ({**TRAIN_TEST, "train/a/1.png": b"not a picture"}, "cannot be read"),
        ({**TRAIN_TEST, "train/a/1.png": picture(1, size=(64, 64))[:60]}, "cannot be read"),
        ({**TRAIN_TEST, "test/c/1.png": picture(1)}, "in test but not in train"),
        ({**TRAIN_TEST, "train/c/1.png": picture(1)}, "no test pictures"),
        ({"train/a/1.png": picture(1), "train/b/1.png": picture(1)}, "needs a folder 'test'"),
        ({"a,b/1.png": picture(1), "c/1.png": picture(1)}, "comma"),
        ({"A/1.png": picture(1), "a/1.png": picture(1)}, "upper and lower case"),
    ],
)
def test_what_is_no_data_set_is_refused_in_a_folder_and_in_a_zip(
    tmp_path: Path, files: dict[str, bytes], sentence: str
) -> None:
    (tmp_path / "x").mkdir()
    for path in (write(tmp_path / "x", files), write_zip(tmp_path / "x.zip", files)):
        with pytest.raises(AssetError, match=sentence) as caught:
            open_folder(path)
        assert caught.value.hint
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:\\evil.png", "..\\evil.png"])
def test_paths_that_leave_the_zip_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AssetError, match="leaves its folder"):
        open_folder(write_zip(tmp_path / "x.zip", {**TRAIN_TEST, name: picture(1)}))
    assert [p.name for p in tmp_path.iterdir()] == ["x.zip"]


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", TRAIN_TEST)
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("train/a/link.png")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(AssetError, match="holds the link"):
        open_folder(path)


def test_zip_bombs_are_refused_before_they_unpack(tmp_path: Path) -> None:
    bomb = write_zip(tmp_path / "x.zip", {**TRAIN_TEST, "train/a/3.png": bytes(20 * 2**20)})
    assert bomb.stat().st_size < 100_000
    with pytest.raises(AssetError, match="far more than it holds"):
        open_folder(bomb)
    with pytest.raises(AssetError, match="larger than 32 MiB"):
        open_folder(write_zip(tmp_path / "y.zip", {**TRAIN_TEST, "train/a/3.png": bytes(33 * 2**20)}))


def test_a_picture_that_claims_to_be_huge_is_refused_undecoded(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    claims = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    claims += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    with pytest.raises(AssetError, match=r"too large|cannot be read"):
        open_folder(write(tmp_path / "x", {**TRAIN_TEST, "train/a/1.png": claims}))


def test_wrong_class_names_no_zip_and_nothing_there(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", TRAIN_TEST)
    with pytest.raises(AssetError, match=r"2 folders are not the 2 classes.*c"):
        open_folder(folder, class_names=("a", "c"))
    with pytest.raises(AssetError, match="neither a folder nor a zip"):
        open_folder(write(tmp_path, {"x.txt": b"hello"}) / "x.txt")
    with pytest.raises(AssetError, match="There is no folder"):
        open_folder(tmp_path / "nowhere")


SEA = ("tench", "great white shark", "sea snake", "tabby")


def test_folders_that_are_called_as_the_outputs_are_get_their_labels(tmp_path: Path) -> None:
    files = {f"{c}/{i}.png": picture(10 * i) for c in ("Sea_Snake", "tench", "TABBY") for i in range(3)}
    data = open_folder(write(tmp_path / "x", files), known=SEA)
    assert data.class_names == SEA
    assert data.pictured == ("tench", "sea snake", "tabby")
    assert data.train.labels.tolist() == [0, 0, 2, 2, 3, 3]
    assert sorted(data.test.labels) == [0, 2, 3]
    # One that is called otherwise: the folders are the classes, as ever.
    other = open_folder(write(tmp_path / "x", {f"whale/{i}.png": picture(9) for i in range(3)}), known=SEA)
    assert other.class_names == other.pictured == ("Sea_Snake", "TABBY", "tench", "whale")


def test_two_folders_of_one_output_or_one_picture_are_one_sentence(tmp_path: Path) -> None:
    twice = {f"{c}/{i}.png": picture(i) for c in ("sea_snake", "sea snake", "tench") for i in range(3)}
    with pytest.raises(AssetError, match="Two folders are of the same class"):
        open_folder(write(tmp_path / "x", twice), known=SEA)
    with pytest.raises(AssetError, match="'tabby' has fewer than two pictures"):
        open_folder(write(tmp_path / "y", {f"{c}/0.png": picture(0) for c in ("tabby", "tench")}), known=SEA[::-1])
    lacks = {"train/tench/0.png": picture(0), "train/tabby/0.png": picture(0), "test/tench/0.png": picture(0)}
    with pytest.raises(AssetError, match="The class 'tabby' has no test pictures"):
        open_folder(write(tmp_path / "z", lacks), known=SEA)


def test_folders_are_ordered_by_their_letters_or_by_their_numbers(tmp_path: Path) -> None:
    files = {f"{c}/{i}.png": picture(int(c)) for c in ("9", "10", "2") for i in range(2)}
    folder = write(tmp_path / "x", files)
    assert open_folder(folder).class_names == ("10", "2", "9")
    natural = open_folder(folder, order="natural")
    assert natural.class_names == ("2", "9", "10")
    assert natural.train.images[:, 0, 0, 0].tolist() == [2, 9, 10]


def test_a_crop_keeps_the_middle_and_a_background_stands_behind_transparency(tmp_path: Path) -> None:
    wide = Image.new("RGBA", (12, 4), (9, 9, 9, 255))
    wide.paste((200, 0, 0, 255), (4, 0, 8, 4))  # the middle third is red, and its own middle is a hole
    wide.paste((0, 0, 0, 0), (5, 1, 7, 3))
    buffer = io.BytesIO()
    wide.save(buffer, "PNG")
    folder = write(tmp_path / "x", {name: buffer.getvalue() for name in TRAIN_TEST})
    whole = open_folder(folder, size=(4, 4), crop=1.0, background="#0000ff").train.images[0]
    assert whole[0].tolist() == [[200, 0, 0]] * 4
    assert whole[1].tolist() == [[200, 0, 0], [0, 0, 255], [0, 0, 255], [200, 0, 0]]
    half = open_folder(folder, size=(2, 2), crop=0.5).train.images[0]
    assert half.tolist() == [[[255] * 3] * 2] * 2
    assert open_folder(folder, size=(4, 4)).train.images[0, 0, 0].tolist() != [200, 0, 0]  # stretched
    for wrong in ({"crop": 0.0}, {"crop": 1.5}, {"crop": float("nan")}, {"background": "no colour"}):
        with pytest.raises(InputError) as caught:
            open_folder(folder, **wrong)  # type: ignore[arg-type]
        assert caught.value.hint


def test_reading_tells_how_far_it_is_and_can_be_stopped_at_every_picture(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", TRAIN_TEST)
    told: list[tuple[int, int]] = []
    open_folder(folder, progress=lambda done, total: told.append((done, total)), cancel=CancelToken())
    assert told == [(i, 10) for i in range(1, 11)]  # five headers, five pictures
    token = CancelToken()
    told.clear()

    def stop_at_seven(done: int, total: int) -> None:
        told.append((done, total))
        if done == 7:
            token.cancel()

    with pytest.raises(Stopped):
        open_folder(folder, progress=stop_at_seven, cancel=token)
    assert told[-1] == (7, 10)
    with pytest.raises(Stopped):
        open_folder(folder, cancel=CancelToken(deadline_seconds=0))
