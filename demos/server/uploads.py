"""The folder that Gradio puts files into: what was left there goes by age, and what a broken upload leaves goes at once."""

from __future__ import annotations

import errno
import logging
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOG = logging.getLogger(__name__)
AGE = 2 * 3600.0
"""Seconds after which a file is not asked for any more: Gradio itself deletes those that it knows of after one hour."""
EVERY = 600.0
"""Seconds between two looks."""
PART = re.compile(r"tmp[a-z0-9_]{8}")
"""The name of an upload until it is whole (python's tempfile)."""
KEPT = re.compile(r"[0-9a-f]{64}|deep_links")
"""Folders of whole files by their sha256, and of snapshots of pages, which are no longer made (demos/server/guard.py)."""


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def no_room(error: BaseException) -> bool:
    """Whether something failed because a disk is full."""
    return isinstance(error, OSError) and error.errno in FULL


@dataclass(frozen=True, slots=True)
class Uploads:
    """The folder.

    Attributes:
        folder: may hold what is not ours: only names that Gradio gives are touched.
        clock: seconds since the epoch; tests move it by hand.
    """

    folder: Path
    clock: Callable[[], float] = time.time

    def free(self) -> int:
        """Bytes that are free on its disk."""
        there = next(folder for folder in (self.folder, *self.folder.parents) if folder.exists())
        return shutil.disk_usage(there).free

    def drop_parts(self, since: float) -> None:
        """Deletes what uploads have begun since a time and not ended. Only while none is under way."""
        for path in self._parts():
            _delete(path, lambda when: when >= since)

    def sweep(self) -> None:
        """Deletes what nobody has written to for AGE."""
        until = self.clock() - AGE
        for path in self._parts():
            _delete(path, lambda when: when < until)
        for folder in self._named(KEPT):
            found = sorted((folder, *folder.rglob("*")), reverse=True)  # what lies in a folder comes before it
            old = [path for path in found if path.lstat().st_mtime < until]
            for path in old:
                if path.is_dir() and not path.is_symlink():
                    with suppress(OSError):  # something young lies in it
                        path.rmdir()
                else:
                    _delete(path, lambda when: when < until)

    def _parts(self) -> Iterator[Path]:
        # Everybody's temporary files have such names where the folder is the machine's own.
        if self.folder.resolve() != Path(tempfile.gettempdir()).resolve():
            yield from self._named(PART)

    def _named(self, pattern: re.Pattern[str]) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from [path for path in self.folder.iterdir() if pattern.fullmatch(path.name)]


def _delete(path: Path, old: Callable[[float], bool]) -> None:
    try:
        if old(path.lstat().st_mtime):
            path.unlink()
    except FileNotFoundError:
        pass
    except OSError:
        LOG.warning("a file of the upload folder could not be deleted", exc_info=True)
