"""Emoji come from archives that are the published ones or none, and are sorted by what the packages say of them."""

import base64
import hashlib
import io
import json
import socket
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recipes.emoji import packages as emoji
from recipes.emoji.groups import CATEGORIES, sort
from recipes.emoji.packages import STYLES, Package, fetch, load, on_white
from sfr_core.errors import AssetError

ROWS = [
    ("1F408", "CAT", "cat2", "Animals & Nature", "animal-mammal"),
    ("2764-FE0F", "HEAVY BLACK HEART", "heart", "Smileys & Emotion", "heart"),
    ("1F1EB-1F1F7", "France Flag", "flag-fr", "Flags", "country-flag"),
    ("1F550", "CLOCK FACE ONE OCLOCK", "clock1", "Travel & Places", "time"),
    ("1F43E", "PAW PRINTS", "feet", "Animals & Nature", "animal-mammal"),
    ("1F455", None, "shirt", "Objects", "clothing"),
]
"""Code points, name, short name, category and subcategory."""
COLOURS = {"google": (200, 0, 0), "twitter": (0, 0, 200)}


def package(name: str, raw: bytes) -> Package:
    return Package(name, "1.2.3", base64.b64encode(hashlib.sha512(raw).digest()).decode())


def archive(files: dict[str, bytes]) -> bytes:
    """A package as npm packs it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, raw in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(raw)
            tar.addfile(member, io.BytesIO(raw))
    return out.getvalue()


def picture(colour: tuple[int, int, int], side: int = 64) -> bytes:
    """A PNG of one colour, its left half clear."""
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[:, side // 2 :] = (*colour, 255)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def style_archive(style: str, rows: list[tuple[Any, ...]] = ROWS) -> bytes:
    keys = ("unified", "name", "short_name", "category", "subcategory")
    table = [{**dict(zip(keys, row, strict=True)), "image": f"{row[0].lower()}.png"} for row in rows]
    red, green, blue = COLOURS[style]
    files = {f"img/{style}/64/{row['image']}": picture((red, green + i, blue)) for i, row in enumerate(table)}
    other = {f"img/{style}/64/1f44b-1f3fb.png": picture((9, 9, 9)), f"img/{style}/sheets/64.png": b"no picture"}
    return archive({**files, **other, "emoji.json": json.dumps(table).encode()})


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three tiny archives in the place of the published ones, and no registry."""
    words = {"🐈": ["cat", "pet", "house_cat", "Katze", "猫"], "❤️": ["love"]}
    raw = {style: style_archive(style) for style in STYLES}
    raw["keywords"] = archive({"dist/emoji-en-US.json": json.dumps(words).encode()})
    made = {name: package(name, content) for name, content in raw.items()}
    for name, content in raw.items():
        (tmp_path / made[name].file).write_bytes(content)
    monkeypatch.setattr(emoji, "PICTURES", {style: made[style] for style in STYLES})
    monkeypatch.setattr(emoji, "KEYWORDS", made["keywords"])
    monkeypatch.setattr(emoji, "REGISTRY", "file:///nowhere")
    return tmp_path


def test_rows_of_the_packages_are_sorted_into_the_categories(packages: Path) -> None:
    found = load(packages)
    names = [*CATEGORIES, "none"]  # sort says -1, the last one
    assert [names[c] for c in sort(found.emoji, CATEGORIES)] == ["mammals", "hearts", "flags", "clocks", "none", "none"]
    assert found.emoji[5].name == "shirt"  # of an emoji without a name, the short one


def test_keywords_are_found_without_variation_selectors_and_in_plain_words(packages: Path) -> None:
    cat, heart = load(packages).emoji[:2]
    assert cat.keywords == ("pet", "house cat", "katze")
    assert heart.keywords == ("love",)


def test_pictures_lie_on_white_in_the_order_of_the_rows_and_are_kept(packages: Path) -> None:
    first = load(packages)
    assert first.pictures["google"].shape == (6, 64, 64, 3)
    assert (first.pictures["google"][:, :, :32] == 255).all()
    assert first.pictures["google"][:, 0, 63].tolist() == [[200, i, 0] for i in range(6)]
    assert first.pictures["twitter"][:, 0, 63].tolist() == [[0, i, 200] for i in range(6)]
    for path in packages.glob("*.tgz"):
        path.unlink()
    load.cache_clear()
    again = load(packages)
    assert again.emoji == first.emoji
    assert np.array_equal(again.pictures["twitter"], first.pictures["twitter"])


def test_a_larger_picture_is_made_smaller() -> None:
    assert on_white(picture((0, 0, 200), side=72)).shape == (64, 64, 3)


def test_two_packages_of_other_emoji_are_refused(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = style_archive("twitter", ROWS[::-1])
    made = package("other", raw)
    (packages / made.file).write_bytes(raw)
    monkeypatch.setattr(emoji, "PICTURES", {**emoji.PICTURES, "twitter": made})
    with pytest.raises(AssetError, match="list different emoji"):
        load(packages)


def test_an_archive_that_is_not_the_published_one_is_never_read(packages: Path) -> None:
    path = packages / emoji.PICTURES["google"].file
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(AssetError, match=r"google-1\.2\.3\.tgz is not the published file: its sha512 differs") as found:
        load(packages)
    assert "Delete it" in found.value.hint
    assert not (packages / "emoji.npz").exists()


def test_what_the_registry_sends_is_checked_and_kept(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = emoji.PICTURES["google"]
    raw = (packages / wanted.file).read_bytes()
    served = packages / "registry" / wanted.name / "-"
    served.mkdir(parents=True)
    (served / wanted.file).write_bytes(raw)
    monkeypatch.setattr(emoji, "REGISTRY", (packages / "registry").as_uri())
    assert fetch(wanted, packages / "new").read_bytes() == raw
    assert [path.name for path in (packages / "new").iterdir()] == [wanted.file]
    (served / wanted.file).write_bytes(raw[:-1])
    with pytest.raises(AssetError, match="sha512 differs"):
        fetch(wanted, packages / "newer")


def test_a_registry_out_of_reach_is_one_sentence(
    packages: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: every connection is refused
        monkeypatch.setattr(emoji, "REGISTRY", f"http://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "*")
        monkeypatch.setattr(emoji, "load", lambda: load(packages / "empty"))
        with pytest.raises(SystemExit) as end:
            emoji.main([])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "cannot be read (Connection refused)" in said
    assert "npm pack google@1.2.3" in said
    assert "Errno" not in said
    assert not list((packages / "empty").iterdir())
