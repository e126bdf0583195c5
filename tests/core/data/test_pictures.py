"""Picture files: every format, odd modes, depths, Exif, limits; and that a large one costs little."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import CenterCrop, Resize

from sfr_core.data.folder import open_folder
from sfr_core.data.pictures import Header, Shape, decode, probe
from sfr_core.errors import AssetError
from tests.core.data.picture_files import encoded, picture, write

CLAIMS_TALL = (1, 39_000_000)
"""Width and height of a picture whose pixels a server once unpacked into 1.45 GB, from 76 kB."""


class Bytes:
    """One file."""

    most_pixels = 1e9

    def __init__(self, data: bytes) -> None:
        self.data = data

    def names(self) -> list[str]:
        return ["x"]

    def read(self, name: str) -> bytes:
        return self.data

    def head(self, name: str) -> bytes:
        return self.data[:32]


def pixel(data: bytes, shape: Shape | None = None) -> list[int]:
    """The upper left pixel of a picture in RGB."""
    found = decode(Bytes(data), "x", shape or Shape(4, 4, 3))[0, 0].tolist()
    assert isinstance(found, list)
    return found


LOSSLESS = ["BMP", "DIB", "DDS", "GIF", "IM", "JPEG2000", "PCX", "PNG", "PPM", "QOI", "SGI", "TGA", "TIFF"]


@pytest.mark.parametrize("kind", [*LOSSLESS, "AVIF", "JPEG", "WEBP"])
def test_every_format_of_pillow_gives_its_pixels(kind: str) -> None:
    image = Image.new("RGB", (16, 8), (200, 40, 60))
    data = encoded(image, kind)
    assert probe(Bytes(data), "x").height == 8
    assert pixel(data, Shape(8, 16, 3)) == pytest.approx([200, 40, 60], abs=0 if kind in LOSSLESS else 4)


def test_other_endings_and_none_are_read_by_their_content(tmp_path: Path) -> None:
    # Four formats whose endings were once passed over, a JPEG called .png, a PNG without an ending.
    names = {
        "a/1.TIF": "TIFF",
        "a/2.jfif": "JPEG",
        "b/1.png": "JPEG",
        "b/2": "PNG",
        "b/3.avif": "AVIF",
        "b/4.jp2": "JPEG2000",
    }
    image = Image.new("L", (4, 4), 90)
    data = open_folder(write(tmp_path / "x", {name: encoded(image, kind) for name, kind in names.items()}))
    assert sorted((*(data.files or ()), *(data.test_files or ()))) == sorted(names)
    assert np.abs(data.train.images.astype(int) - 90).max() <= 3
    assert data.notes == ()


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("LA", (4, 4), (100, 128)), [177] * 3),  # 100 * 128/255 + 255 * 127/255
        (Image.new("RGBA", (4, 4), (100, 0, 0, 0)), [255] * 3),
        (Image.new("1", (4, 4), 1), [255] * 3),
        (Image.new("CMYK", (4, 4), (0, 0, 0, 255)), [0] * 3),
    ],
)
def test_odd_modes_become_rgb_on_white(image: Image.Image, expected: list[int]) -> None:
    assert pixel(encoded(image, "TIFF")) == expected


def test_a_transparent_palette_and_the_first_of_several_frames() -> None:
    hole = Image.new("P", (4, 4), 1)
    hole.putpalette([1, 2, 3, 70, 80, 90])
    assert pixel(encoded(hole, transparency=1)) == [255] * 3
    assert pixel(encoded(hole, transparency=0)) == [70, 80, 90]
    red, blue = Image.new("RGB", (4, 4), "red"), Image.new("RGB", (4, 4), "blue")
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        options = {"lossless": True} if kind == "WEBP" else {}
        assert pixel(encoded(red, kind, save_all=True, append_images=[blue], **options)) == [255, 0, 0]


def deep(value: float, kind: str = "uint16") -> bytes:
    return encoded(Image.fromarray(np.full((4, 4), value, kind)), "TIFF")


@pytest.mark.parametrize(
    ("values", "kind", "grey", "note"),
    [
        ((0, 2048, 4095), "uint16", [0, 128, 255], "12 bits: their highest value is 4,095"),
        ((0, 512, 1023), "uint16", [0, 128, 255], "10 bits"),
        ((0, 8192, 16383), "uint16", [0, 128, 255], "14 bits"),
        ((0, 16384, 65535), "uint16", [0, 64, 255], "16 bits"),
        ((0, 7, 255), "uint16", [0, 7, 255], "8 bits"),
        ((0, 2048, 4095), "int32", [0, 128, 255], "12 bits"),
        ((0, 0.5, 1), "float32", [0, 128, 255], "from 0 to 1"),
        ((0, 7.9, 255), "float32", [0, 7, 255], "8 bits"),
    ],
)
def test_deep_greys_are_scaled_by_the_fewest_bits_that_hold_all_pictures(
    tmp_path: Path, values: tuple[float, ...], kind: str, grey: list[int], note: str
) -> None:
    files = {f"train/{'abb'[i]}/{i}.tif": deep(value, kind) for i, value in enumerate(values)}
    files |= {"test/a/1.tif": deep(values[1], kind), "test/b/1.png": picture(33)}  # one of 8 bits stays as it is
    data = open_folder(write(tmp_path / "x", files))
    assert data.train.images[:, 0, 0].tolist() == [[g] for g in grey]
    assert data.test.images[:, 0, 0, 0].tolist() == [grey[1], 33]
    assert len(data.notes) == 1
    assert note in data.notes[0]


@pytest.mark.parametrize(("value", "kind"), [(-1, "int32"), (70_000, "int32"), (-0.5, "float32"), (np.nan, "float32")])
def test_values_that_are_no_grey_are_refused(value: float, kind: str) -> None:
    with pytest.raises(AssetError, match="no grey of 16 bits"):
        probe(Bytes(deep(value, kind)), "x")


def exif_of(tag: bytes, kind: int, value: bytes) -> bytes:
    """Exif with one entry."""
    return (
        b"Exif\0\0II*\0\x08\0\0\0\x01\0" + tag + struct.pack("<HI", kind, len(value)) + value.ljust(4, b"\0") + bytes(4)
    )


@pytest.mark.parametrize(
    "exif",
    [
        exif_of(b"\x12\x01", 2, b"6\0"),  # the orientation as text
        exif_of(b"\x12\x01", 1, b"\x63"),  # the orientation 99
        exif_of(b"\x69\x87", 4, b"\xff\xff\xff\x7f"),  # a table that lies beyond the end
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0" + bytes(range(64)),
        b"Exif\0\0",
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_no_exif_stops_anything(exif: bytes, kind: str) -> None:
    data = encoded(Image.new("RGB", (8, 4), (50, 50, 50)), kind, exif=exif)
    head = probe(Bytes(data), "x")
    assert (head.height, head.width) == (4, 8)
    assert pixel(data) == pytest.approx([50] * 3, abs=2)


def turned_to(orientation: int, kind: str) -> bytes:
    """A picture that Exif turns so that its only white half comes to lie on the left."""
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:, :16] = 255
    back = {1: 0, 3: 2, 6: 1, 8: 3}[orientation]  # quarter turns to the left that the camera made
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(Image.fromarray(np.rot90(upright, back)), kind, exif=exif)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_turned_pictures_stand_upright(orientation: int, kind: str) -> None:
    data = turned_to(orientation, kind)
    head = probe(Bytes(data), "x")
    assert (head.height, head.width) == (16, 32)
    found = decode(Bytes(data), "x", Shape(16, 32, 1))[..., 0].astype(int)
    assert np.abs(found[:, :14] - 255).max() < 20
    assert found[:, 18:].max() < 20


def claiming(width: int, height: int) -> bytes:
    """A PNG of a claimed size whose pixels are missing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", b"")
    )


@pytest.mark.parametrize(
    "size", [CLAIMS_TALL, CLAIMS_TALL[::-1], (8001, 10), (10, 8001), (7000, 7000), (60_000, 60_000)]
)
def test_a_picture_too_large_is_refused_by_its_header(size: tuple[int, int]) -> None:
    tracemalloc.start()
    with pytest.raises(AssetError, match="too large") as caught:
        probe(Bytes(claiming(*size)), "x")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "8,000 pixels a side and 40 megapixels" in caught.value.hint
    assert peak < 1_000_000


@pytest.mark.parametrize("size", [(50, 37), (37, 50), (102, 68), (24, 24), (20, 300)])
def test_a_crop_is_torchvisions_resize_and_center_crop(size: tuple[int, int]) -> None:
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8))
    for crop, short in ((0.875, 27), (1.0, 24), (0.5, 48)):  # 24 / 0.875 is 27.4
        found = decode(Bytes(encoded(image)), "x", Shape(24, 24, 3, crop=crop)).astype(int)
        expected = CenterCrop(24)(Resize(short)(image))
        assert np.abs(found - np.asarray(expected)).max() <= 2


def test_formats_that_are_decoded_in_python_are_small_and_count_more() -> None:
    small = probe(Bytes(encoded(Image.new("RGB", (20, 10)), "DDS")), "x")
    assert small.slow
    assert Shape(4, 4, 3).pixels_of(small) == 50 * 200
    assert not probe(Bytes(picture(1)), "x").slow
    with pytest.raises(AssetError, match="too large to be read as PPM"):
        probe(Bytes(b"P6 2000 2000 65535\n" + bytes(24)), "x")


def test_photographs_are_read_at_reduced_size_and_look_the_same() -> None:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).resize((1600, 1200), Image.Resampling.BICUBIC)
    jpeg = encoded(image, "JPEG", quality=95)
    shape = Shape(48, 64, 3)
    # 1,200 is 25 times 48, and 3 times 48 are to be left: an eighth is the most that JPEG gives.
    head = probe(Bytes(jpeg), "x")
    assert shape.pixels_of(head) == 1600 * 1200 / 64
    assert shape.pixels_of(probe(Bytes(encoded(image, "BMP")), "x")) == 1600 * 1200
    assert (
        Shape(48, 64, 3, crop=0.25).pixels_of(head) == 1600 * 1200 / 4
    )  # a quarter is 6 times 48, of which 3 are left
    plain = np.asarray(image.resize((64, 48), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(decode(Bytes(jpeg), "x", shape) - plain).mean() < 2


def test_a_grey_header_tells_the_mode() -> None:
    assert probe(Bytes(picture(3)), "x") == Header(4, 4, grey=True)
    assert not probe(Bytes(picture((1, 2, 3), "RGB")), "x").grey
