"""What shipped models answer and draw, kept on disk by all that it follows from, so that no run computes it again.

Predictions, what attacks make of them, samples and the pictures that a generator draws for its own training are functions of weights,
labels, noise and precision, to the last bit also of the machine. An entry is one .npz, named by the hash of its key and holding the key. Entries that
this program comes with (`python -m recipes.known`) hold on every machine; those of the user's folder on the one that made them.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sfr_core.ops.device import device_name
from sfr_core.runs.files import whole_file

VERSION = 1
"""Raised where samplers, networks or metrics compute something else for the same key."""
MOST_BYTES = 2**30
"""Of the user's folder; the entries that were read longest ago make room."""
SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "known"
ENDING, KEY = ".npz", "key"
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Key:
    """What an entry follows from.

    Attributes:
        about: what is computed, of which weights and from which noise; ready for JSON.
        machine: what computed it: device, threads and torch.
    """

    about: Mapping[str, Any]
    machine: str

    @classmethod
    def read(cls, text: str) -> Key:
        """The key that `text` wrote."""
        about = json.loads(text)
        del about["version"]
        return cls(about, about.pop("machine", ""))

    def text(self, *, anywhere: bool = False) -> str:
        """The key as JSON; `anywhere`: of an entry that holds on every machine."""
        about = {**self.about, "version": VERSION, **({} if anywhere else {"machine": self.machine})}
        return json.dumps(about, sort_keys=True, ensure_ascii=False)

    def file(self, *, anywhere: bool = False) -> str:
        """File name of the entry."""
        return hashlib.sha256(self.text(anywhere=anywhere).encode()).hexdigest()[:40] + ENDING


def machine_of(device: torch.device) -> str:
    """This machine, as far as the last bits of what a network computes depend on it."""
    chip = platform.machine() if device.type == "cpu" else device_name(device)
    return f"{chip}, {_processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def _processor() -> str:
    """The CPU in words; torch chooses its kernels by it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            return next(line.partition(":")[2].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def digest(values: NDArray[Any]) -> str:
    """Hash of an array's bytes."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def user_folder() -> Path | None:
    """Where this user's entries are: UNLEARNING_CACHE, else the user's cache folder; None where nothing can be written there."""
    wanted = os.environ.get("UNLEARNING_CACHE", "")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(wanted) if wanted else Path(base) / "unlearning-playground"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


class Known:
    """Entries on disk. Several processes may share a folder: files appear whole, and one that is gone is computed again.

    Args:
        folder: of this user; None keeps nothing.
        shipped: entries that hold on every machine, only read; None reads none.
        most_bytes: of `folder`.
    """

    def __init__(self, folder: Path | None, shipped: Path | None = SHIPPED, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._shipped, self._most_bytes = folder, shipped, most_bytes

    @property
    def keeps(self) -> bool:
        """Whether anything that is put will be there later."""
        return self._folder is not None

    def get(self, key: Key) -> dict[str, NDArray[Any]] | None:
        """The arrays of an entry where it is there and whole."""
        if self._folder is not None:
            path = self._folder / key.file()
            found = _read(path, key.text())
            if found is not None:
                with suppress(OSError):
                    path.touch()  # read last
                return found
        return (
            None if self._shipped is None else _read(self._shipped / key.file(anywhere=True), key.text(anywhere=True))
        )

    def has(self, key: Key) -> bool:
        """Whether an entry is there; it is not read."""
        mine = self._folder is not None and (self._folder / key.file()).exists()
        return mine or (self._shipped is not None and (self._shipped / key.file(anywhere=True)).exists())

    def put(self, key: Key, arrays: Arrays) -> None:
        """Keeps an entry; a full or read-only disk keeps nothing and harms nobody."""
        if self._folder is None:
            return
        with suppress(OSError):
            write(self._folder / key.file(), key.text(), arrays)
            self._make_room()

    def _make_room(self) -> None:
        assert self._folder is not None
        found = []
        for path in self._folder.glob(f"*{ENDING}"):
            with suppress(FileNotFoundError):  # another process made room meanwhile
                found.append((path.stat().st_mtime, path.stat().st_size, path))
        left = self._most_bytes
        for _, size, path in sorted(found, reverse=True):
            left -= size
            if left < 0:
                path.unlink(missing_ok=True)


def known() -> Known:
    """The entries of this user and of this program; none where UNLEARNING_CACHE is "off"."""
    return Known(None, None) if os.environ.get("UNLEARNING_CACHE") == "off" else Known(user_folder())


def write(path: Path, key: str, arrays: Arrays) -> None:
    """Writes an entry with the text of its key; the file appears whole or not at all.

    Raises:
        OSError: the disk refused.
    """
    whole: dict[str, Any] = {KEY: np.array(key), **arrays}
    with whole_file(path) as f:
        np.savez_compressed(f, allow_pickle=False, **whole)


def _read(path: Path, key: str) -> dict[str, NDArray[Any]] | None:
    try:
        with np.load(path, allow_pickle=False) as f:
            found = {name: f[name] for name in f.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return found if str(found.pop(KEY, "")) == key else None
