"""A folder or a zip as names and bytes. Nothing is ever unpacked to disk: a name inside a zip cannot reach another place."""

from __future__ import annotations

import lzma
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from sfr_core.errors import AssetError, quoted

LAYOUT = (
    "Make one subfolder per class with PNG or JPEG pictures in it, or the folders train and test with such subfolders."
)
MAX_FILES = 400_000
"""Files and folders looked at, whatever they hold; links may show the same folder many times."""
MAX_FILE_BYTES = 32 * 2**20
MAX_UNPACKED_BYTES = 2 * 2**30
MAX_RATIO = 200
DAMAGED = (
    OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OverflowError, struct.error, zlib.error,
    lzma.LZMAError,
)  # fmt: skip
"""What zipfile raises of zips that are no zips, cut off or changed."""
UTF8_NAME = 0x800
"""Flag of a zip's entry whose name is UTF-8; without it a name is of code page 437, but many programs write UTF-8 all the same."""


class Source(Protocol):
    """Where the files come from.

    Attributes:
        most_pixels: that may be decoded of it, all pictures together.
    """

    @property
    def most_pixels(self) -> float: ...

    def names(self) -> list[str]:
        """Files, relative to the top with forward slashes."""
        ...

    def read(self, name: str) -> bytes: ...

    def head(self, name: str) -> bytes:
        """The first bytes, enough to tell a format."""
        ...


@dataclass(frozen=True, slots=True)
class _FolderSource:
    root: Path
    most_pixels: float = 40e9  # the better part of an hour: a folder is the caller's own, who can stop the program

    def names(self) -> list[str]:
        """Links to folders are followed, but for those that lead back to a folder around them."""
        found: list[str] = []
        seen = 0
        pending: list[tuple[str, frozenset[tuple[int, int]]]] = [("", frozenset())]
        while pending:
            inside, above = pending.pop()
            here = self.root / inside
            about = here.stat()
            place = (about.st_dev, about.st_ino)
            if place in above:
                continue
            for entry in os.scandir(here):
                seen += 1
                if seen > MAX_FILES:
                    hint = "Give a folder that holds the pictures and little else."
                    raise AssetError(f"There are more than {MAX_FILES:,} files in it.", hint=hint)
                name = f"{inside}/{entry.name}" if inside else entry.name
                if os.path.isdir(entry):  # entry.is_dir() raises where a link leads to itself
                    pending.append((name, above | {place}))
                elif os.path.isfile(entry):
                    found.append(name)
        return found

    def read(self, name: str) -> bytes:
        path = self.root / name
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _too_large(name)
        return path.read_bytes()

    def head(self, name: str) -> bytes:
        with (self.root / name).open("rb") as f:
            return f.read(32)


@dataclass(frozen=True, slots=True)
class _ZipSource:
    archive: zipfile.ZipFile
    most_pixels: float = 4e9  # a few minutes; a small zip can claim far more
    entries: dict[str, zipfile.ZipInfo] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Checks every entry before one byte is unpacked."""
        hint = "Zip the folder of pictures again, with nothing else in it."
        total = 0
        if len(self.archive.infolist()) > MAX_FILES:
            raise AssetError(f"There are more than {MAX_FILES:,} files in the zip.", hint=hint)
        for entry in self.archive.infolist():
            name = _entry_name(entry)
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name):
                raise AssetError(f"The zip holds the path '{quoted(name)}', which leaves its folder.", hint=hint)
            if entry.flag_bits & 1:
                raise AssetError("The zip is encrypted.", hint="Zip the folder again without a password.")
            if (entry.external_attr >> 16) & 0o170000 == 0o120000:
                raise AssetError(f"The zip holds the link '{quoted(name)}'.", hint=hint)
            total += entry.file_size
            if entry.file_size > MAX_FILE_BYTES:
                raise _too_large(name)
            if total > MAX_UNPACKED_BYTES or entry.file_size > MAX_RATIO * max(entry.compress_size, 1024):
                raise AssetError("The zip would unpack to far more than it holds.", hint=hint)
            if path.parts and not name.endswith("/"):
                self.entries[path.as_posix()] = entry
        return list(self.entries)

    def read(self, name: str) -> bytes:
        # A header may lie about the size, so no more than the limit is ever unpacked.
        data = self._unpacked(name, MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise _too_large(name)
        return data

    def head(self, name: str) -> bytes:
        return self._unpacked(name, 32)

    def _unpacked(self, name: str, most: int) -> bytes:
        try:
            with self.archive.open(self.entries[name]) as member:
                return member.read(most)
        except DAMAGED:
            hint = "Zip the folder of pictures again."
            raise AssetError(f"The file '{quoted(name)}' in the zip is damaged.", hint=hint) from None


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """With forward slashes; UTF-8 where it can be that, whatever the flag says."""
    name = entry.filename
    if not entry.flag_bits & UTF8_NAME:
        with suppress(UnicodeError):  # else it is code page 437, as the standard says
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """The folder, or the zip for as long as it is read.

    Raises:
        AssetError: there is neither, or (also while it is read) it cannot be read.
    """
    try:
        if path.is_dir():
            yield _FolderSource(path)
        elif path.is_file() and zipfile.is_zipfile(path):
            with _archive(path) as archive:
                yield _ZipSource(archive)
        elif path.exists():
            raise AssetError(f"{path.name} is neither a folder nor a zip file.", hint=LAYOUT)
        else:
            raise AssetError(f"There is no folder or zip file {path}.", hint=LAYOUT)
    except OSError as error:
        raise AssetError(f"{path.name} cannot be read ({error}).", hint=LAYOUT) from None


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except DAMAGED as error:
        raise AssetError(f"{path.name} cannot be read ({error}).", hint="Zip the folder of pictures again.") from None


def _too_large(name: str) -> AssetError:
    return AssetError(f"The file '{quoted(name)}' is larger than 32 MiB.", hint="Save the picture smaller.")
