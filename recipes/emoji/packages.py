"""The named emoji pictures of two npm packages, and the keywords of a third: fetched, checked and read.

Pictures: Google's are under the Apache Licence 2.0, Twitter's (Twemoji) under CC BY 4.0, (c) Twitter, Inc and other
contributors. Keywords: emojilib, MIT, (c) Mu-An Chiou. Nothing of the packages is committed.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import tarfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recipes.command import one_sentence, parser_of
from sfr_core.errors import AssetError

WORK = Path(__file__).resolve().parents[2] / ".work" / "emoji"
SIDE = 64
STYLES = ("google", "twitter")
REGISTRY = "https://registry.npmjs.org"


@dataclass(frozen=True, slots=True)
class Package:
    """An npm package of a fixed version, with the digest that the registry published for it (sha512, base64)."""

    name: str
    version: str
    integrity: str

    @property
    def file(self) -> str:
        return f"{self.name}-{self.version}.tgz"

    @property
    def address(self) -> str:
        return f"{REGISTRY}/{self.name}/-/{self.file}"


PICTURES = {
    "google": Package(
        "emoji-datasource-google",
        "16.0.0",
        "ZRexfzs7MVoLnmzZmNsO4TKhnAJp5D++Vm6PpUpH/jEQQlemp3l88CjZ+DoZ2faM9R4QxZkOPJCoT8DlPhfQ3A==",
    ),
    "twitter": Package(
        "emoji-datasource-twitter",
        "16.0.0",
        "7F+uCuHH+7Qnrc15P5tnbvKkg9E6tlzi4MnT2uW1RlN4pLYTza6cP/dstIfSDMtpjFLWuZewWg8jBbuL2eyELQ==",
    ),
}
KEYWORDS = Package(
    "emojilib",
    "4.0.3",
    "KbWiYre9aRSaPbHrHZIz9zmoM+21LAsK1VFJtnTh1VCtWE/rNMDviGhQTmselFl95dhqtGlY22iH0leG5BuW0g==",
)


@dataclass(frozen=True, slots=True)
class Emoji:
    """What the packages say of one emoji, without its pictures.

    Attributes:
        name: in lower case, for example "cat face".
        subcategory: as in the packages, for example "animal-mammal".
        keywords: lower-case words and phrases of emojilib, without the name.
    """

    name: str
    subcategory: str
    keywords: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EmojiSet:
    """All emoji and their pictures by style, uint8 [n, 64, 64, 3] on white; row i of each style is `emoji[i]`."""

    emoji: tuple[Emoji, ...]
    pictures: dict[str, NDArray[np.uint8]]


def fetch(package: Package, folder: Path = WORK) -> Path:
    """The package's archive in `folder`, downloaded where it is not there yet, and checked either way.

    Raises:
        AssetError: the registry cannot be reached, or what it sends is not what it published.
    """
    path = folder / package.file
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with urllib.request.urlopen(package.address, timeout=120) as answer:
                raw = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise AssetError(
                f"{package.address} cannot be read ({_reason(error)}).",
                hint=f"Try again with a network, or put the file that `npm pack {package.name}@{package.version}` makes into {folder}.",
            ) from None
        new = path.with_suffix(".new")
        new.write_bytes(raw)
        new.replace(path)
    if base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode() != package.integrity:
        raise AssetError(f"{path} is not the published file: its sha512 differs.", hint="Delete it and try again.")
    return path


def _reason(error: Exception) -> str:
    """What urllib wraps, in words."""
    inner = getattr(error, "reason", error)
    return str(getattr(inner, "strerror", None) or inner)


def on_white(raw: bytes) -> NDArray[np.uint8]:
    """A PNG as RGB on white, uint8 [64, 64, 3]."""
    picture = Image.open(io.BytesIO(raw)).convert("RGBA")
    white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    white.alpha_composite(picture)
    return np.asarray(white.convert("RGB").resize((SIDE, SIDE)))


def read_style(archive: Path, style: str) -> tuple[list[dict[str, Any]], NDArray[np.uint8]]:
    """The rows of a package's emoji.json and the picture of each, without skin tones."""
    with tarfile.open(archive) as tar:
        begin = f"package/img/{style}/64/"
        files: dict[str, bytes] = {}
        rows: list[dict[str, Any]] = []
        for member in tar:
            if member.name.startswith(begin) or member.name == "package/emoji.json":
                raw = tar.extractfile(member).read()  # type: ignore[union-attr]
                if member.name.startswith(begin):
                    files[member.name.removeprefix(begin)] = raw
                else:
                    rows = json.loads(raw)
    return rows, np.stack([on_white(files[row["image"]]) for row in rows])


def read_keywords(archive: Path) -> dict[str, tuple[str, ...]]:
    """emojilib's keywords by emoji, without variation selectors, in lower case with spaces."""
    with tarfile.open(archive) as tar:
        found = json.loads(tar.extractfile("package/dist/emoji-en-US.json").read())  # type: ignore[union-attr]
    return {plain(key): tuple(word.replace("_", " ").lower() for word in words) for key, words in found.items()}


def plain(text: str) -> str:
    return text.replace("\ufe0f", "")


@cache
def load(folder: Path = WORK) -> EmojiSet:
    """Every emoji in both styles, kept in `folder` as an array file from the first call on.

    Raises:
        AssetError: a package cannot be fetched.
    """
    kept = folder / "emoji.npz"
    if not kept.exists():
        tables = {style: read_style(fetch(PICTURES[style], folder), style) for style in STYLES}
        keywords = read_keywords(fetch(KEYWORDS, folder))
        first = tables[STYLES[0]][0]
        if any([row["image"] for row in rows] != [row["image"] for row in first] for rows, _ in tables.values()):
            raise AssetError("The two picture packages list different emoji.", hint="Delete them and try again.")
        listed = json.dumps([_row(row, keywords) for row in first])
        new = folder / "emoji.new.npz"  # a stop half way must not leave half a file under the real name
        np.savez(new, emoji=listed, **{style: pictures for style, (_, pictures) in tables.items()})
        new.replace(kept)
    with np.load(kept) as arrays:
        emoji = [
            Emoji(name, subcategory, tuple(words)) for name, subcategory, words in json.loads(str(arrays["emoji"]))
        ]
        return EmojiSet(tuple(emoji), {style: arrays[style] for style in STYLES})


def _row(row: dict[str, Any], keywords: dict[str, tuple[str, ...]]) -> tuple[str, str, list[str]]:
    """The fields of an Emoji."""
    sign = plain("".join(chr(int(code, 16)) for code in row["unified"].split("-")))
    name = (row["name"] or row["short_name"]).lower()
    return name, row["subcategory"], [word for word in keywords.get(sign, ()) if word.isascii() and word != name]


def main(argv: Sequence[str] | None = None) -> None:
    """Fetches the packages of emoji, 136 MB, once, into .work/emoji, and says what is there: python -m recipes.emoji."""
    parser_of(main.__doc__).parse_args(argv)
    with one_sentence():
        found = load()
    print(len(found.emoji), {style: pictures.shape for style, pictures in found.pictures.items()})
