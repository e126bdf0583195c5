"""One picture file as 8-bit pixels: upright, on a background, cropped and resized, read at reduced size where the format can."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageColor

from sfr_core.cancel import Stopped
from sfr_core.data.sources import Source
from sfr_core.errors import AssetError, ConfigError, quoted

MAX_SIDE_PIXELS = 8000
MAX_PIXELS = 40_000_000
MAX_SLOW_PIXELS = 2_500_000
SLOW = 50
"""Formats that Pillow decodes in Python (uncompressed DDS, PPM of 16 bits) take so many times as long and more: ten seconds a megapixel."""
NO_PICTURES = frozenset({"EPS", "WMF", "MPEG", "FLI", "BUFR", "GRIB", "HDF5", "FITS", "IPTC"})
"""Formats that Pillow knows and that are not read: programs and drawings (EPS, WMF), videos, measurements."""
STARTS = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF.{4}WEBP|BM.{4}\0{4}|.{4}ftypavi[fs]|\0\0\0\x0cjP  ", re.DOTALL
)
"""First bytes of pictures whose ending does not say so. Not TIFF's: the raw files of cameras begin alike."""
DEPTHS = (8, 10, 12, 14, 16)
"""Bits of grey that cameras and scanners have."""
GAP = 3
"""A picture may be read at a size that is this many times the wanted one: bilinear sampling then sees hardly a difference."""
LARGE_PIXELS = 4_000_000
"""Of a decoded picture that is made smaller before anything else, which would take several times its memory."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What puts a picture upright, by Exif's orientation."""

# Some formats hold a picture of another (an icon a PNG), whose header only Pillow sees: it refuses twice as many pixels as these.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # our own limits are stricter
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # damaged Exif, which nothing here depends on


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a picture before its pixels are made.

    Attributes:
        height, width: upright, pixels.
        grey: it has one channel.
        reducible: it can be read at reduced size (JPEG). slow: it is decoded in Python.
        peak: highest value of a picture of more than 8 bits of grey; None of all others.
        fractions: its values are floating-point numbers.
        deep_colour: more than 8 bits a colour, of which Pillow reads the upper 8.
    """

    height: int
    width: int
    grey: bool
    reducible: bool = False
    slow: bool = False
    peak: float | None = None
    fractions: bool = False
    deep_colour: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """What every picture of a data set becomes.

    Attributes:
        height, width: pixels. channels: 1 (grey) or 3 (RGB).
        crop: see `folder.open_folder`. background: RGB behind transparency.
        bits: of pictures deeper than 8 bits. unit: floating-point pictures go from 0 to 1 instead.
    """

    height: int
    width: int
    channels: int
    crop: float | None = None
    background: tuple[int, int, int] = (255, 255, 255)
    bits: int = 16
    unit: bool = False

    def pixels_of(self, header: Header) -> float:
        """How many pixels are decoded for a picture, those of a slow format counted by their time."""
        reduced = _reduction(header.height, header.width, self) if header.reducible else 1.0
        halved = min(3, int(math.log2(reduced)))
        return header.height * header.width * (SLOW if header.slow else 1) / float(4**halved)


@cache
def _formats() -> dict[str, str]:
    """Ending -> format of everything that Pillow reads here as a picture."""
    Image.init()
    return {
        ending: name
        for ending, name in Image.registered_extensions().items()
        if name in Image.OPEN and name not in NO_PICTURES
    }


def is_picture(source: Source, name: str) -> bool:
    """Whether a file can be read as a picture, by its ending or else by its first bytes."""
    return PurePosixPath(name).suffix.lower() in _formats() or STARTS.match(source.head(name)) is not None


def colour_of(text: str) -> tuple[int, int, int]:
    """A colour of CSS as RGB.

    Raises:
        ConfigError: no such colour.
    """
    try:
        red, green, blue, *_ = ImageColor.getrgb(text.strip())
    except (ValueError, AttributeError):
        raise ConfigError(
            f"There is no colour '{quoted(str(text))}'.", hint="Write a name such as white, or #rrggbb."
        ) from None
    return red, green, blue


@contextmanager
def _opened(source: Source, name: str) -> Iterator[Image.Image]:
    """The picture, its header read and its size checked; whatever goes wrong inside becomes one sentence."""
    try:
        image = Image.open(io.BytesIO(source.read(name)), formats=sorted(set(_formats().values())))
        if max(image.size) > MAX_SIDE_PIXELS or image.width * image.height > MAX_PIXELS:
            raise _too_large(name, f" ({image.width:,} x {image.height:,} pixels)")
        if _is_slow(image) and image.width * image.height > MAX_SLOW_PIXELS:
            hint = "Save it again as PNG."
            raise AssetError(f"The picture '{quoted(name)}' is too large to be read as {image.format}.", hint=hint)
        yield image
    except (AssetError, Stopped):
        raise
    except Image.DecompressionBombError:
        raise _too_large(name) from None
    except Exception:  # Pillow's readers raise whatever they meet in a damaged file
        hint = "Remove it or save it again as PNG."
        raise AssetError(f"The picture '{quoted(name)}' cannot be read.", hint=hint) from None


def _too_large(name: str, size: str = "") -> AssetError:
    hint = f"Give at most {MAX_SIDE_PIXELS:,} pixels a side and {MAX_PIXELS // 10**6} megapixels."
    return AssetError(f"The picture '{quoted(name)}' is too large{size}.", hint=hint)


def probe(source: Source, name: str) -> Header:
    """Reads a picture's header; its pixels only where it is deeper than 8 bits of grey, whose depth no header tells.

    Raises:
        AssetError: no picture, damaged, too large, or of values that no grey can be made of.
    """
    with _opened(source, name) as image:
        # A PNG without Exif ahead of its pixels would be decoded to look for some behind them.
        told = image.format != "PNG" or any(key in image.info for key in ("exif", "xmp", "XML:com.adobe.xmp"))
        # TIFF's size is that of the upright picture already.
        told = told and image.format != "TIFF"
        height, width = _upright(image) if told else (image.height, image.width)
        if _is_deep(image):
            return _probe_deep(image, name, height, width)
        return Header(
            height,
            width,
            grey=image.mode in {"1", "L"},
            reducible=image.format in {"JPEG", "MPO"},
            slow=_is_slow(image),
            deep_colour=any(";16" in str(tile[3]) for tile in _tiles(image)),
        )


def _probe_deep(image: Image.Image, name: str, height: int, width: int) -> Header:
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high < 2 ** DEPTHS[-1]):  # NaN is neither
        raise AssetError(
            f"The picture '{quoted(name)}' has values from {low:g} to {high:g}, which are no grey of 16 bits.",
            hint="Save it with values from 0 to 65,535, or from 0 to 1.",
        )
    return Header(height, width, grey=True, peak=high, fractions=image.mode == "F")


def _tiles(image: Image.Image) -> Sequence[Any]:
    """What Pillow has yet to decode: decoder, place, offset, arguments."""
    tiles: Sequence[Any] = getattr(image, "tile", ())
    return tiles


def _is_slow(image: Image.Image) -> bool:
    return any(tile[0] in Image.DECODERS for tile in _tiles(image))


def _is_deep(image: Image.Image) -> bool:
    return image.mode.startswith("I") or image.mode == "F"


def _orientation(image: Image.Image) -> int:
    """Exif's number; 1 (upright) where there is none or it makes no sense: no Exif ever stops anything."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # whatever a damaged header holds
        return 1
    return value if isinstance(value, int) and value in TURNS else 1


def _upright(image: Image.Image) -> tuple[int, int]:
    """Height and width once Exif has turned it."""
    return (image.width, image.height) if _orientation(image) >= 5 else (image.height, image.width)


def decode(source: Source, name: str, shape: Shape) -> NDArray[np.uint8]:
    """The pixels [height, width, channels] of a picture, of several frames the first.

    Raises:
        AssetError: damaged.
    """
    with _opened(source, name) as image:
        if image.format in {"JPEG", "MPO"}:
            times = _reduction(*_upright(image), shape)
            image.draft(None, (math.ceil(image.width / times), math.ceil(image.height / times)))
        image.load()
        turn, times = TURNS.get(_orientation(image)), _reduction(*_upright(image), shape)
        flat = _flat(_reduced(image, int(times)), shape).convert("L" if shape.channels == 1 else "RGB")
        if turn is not None:
            flat = flat.transpose(turn)
        if flat.size != (shape.width, shape.height) or shape.crop is not None:
            box = _box(flat.height, flat.width, shape)
            flat = flat.resize((shape.width, shape.height), Image.Resampling.BILINEAR, box=box)
        return np.asarray(flat).reshape(shape.height, shape.width, shape.channels)


def _box(height: int, width: int, shape: Shape) -> tuple[float, float, float, float]:
    """The part of an upright picture that is kept: left, upper, right, lower.

    To the rounding of pixels it is what torchvision keeps, which first makes the whole picture smaller and then cuts its centre out.
    """
    if shape.crop is None:
        return 0, 0, width, height
    # The whole picture as it would be made smaller, and the corner of its centre.
    if height * shape.width <= width * shape.height:
        high = max(shape.height, round(shape.height / shape.crop))
        wide = max(shape.width, int(high * width / height))
    else:
        wide = max(shape.width, round(shape.width / shape.crop))
        high = max(shape.height, int(wide * height / width))
    left, upper = round((wide - shape.width) / 2), round((high - shape.height) / 2)
    across, down = width / wide, height / high
    return (
        left * across,
        upper * down,
        min((left + shape.width) * across, width),
        min((upper + shape.height) * down, height),
    )


def _reduction(height: int, width: int, shape: Shape) -> float:
    """How many times smaller an upright picture may be read, 1 or more."""
    left, upper, right, lower = _box(height, width, shape)
    return max(1.0, min((right - left) / shape.width, (lower - upper) / shape.height) / GAP)


def _reduced(image: Image.Image, times: int) -> Image.Image:
    """A large decoded picture made so many times smaller."""
    plain = image.mode in {"L", "LA", "RGB", "RGBA", "CMYK"} and "transparency" not in image.info
    large = image.width * image.height > LARGE_PIXELS
    return image.reduce(times) if large and plain and times > 1 else image


def _flat(image: Image.Image, shape: Shape) -> Image.Image:
    """8 bits a channel, transparency on the background."""
    if _is_deep(image):
        values = np.asarray(image)
        if image.mode == "F" and shape.unit:
            grey = np.rint(values * 255.0)
        else:
            grey = values.astype(np.int64) >> (shape.bits - 8)
        return Image.fromarray(grey.clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, shape.background), image).convert("RGB")
    return image
