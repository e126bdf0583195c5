"""Where a run's files shall come: checked before it begins, and kept from other runs until it has ended."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sfr_core.errors import InputError, quoted, reason

TEMPORARY = ".run."
"""How the name of the folder begins in which a run's files are made, beside that where they shall be."""
LONGEST = "after.safetensors." + 12 * "x"
"""The longest name of a file that is made there."""
LOCKS = "unlearning-playground-locks"


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Says before a run whether `write_run` could write there; leaves nothing behind.

    Raises:
        InputError: not a folder, not empty (unless `overwrite`), or not writable.
    """
    try:
        writable = _writable(folder, overwrite=overwrite)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _refused(folder, f" ({reason(error)})") from None
    if not writable:
        raise _refused(folder)


def _refused(folder: Path, why: str = "") -> InputError:
    return InputError(
        f"Nothing can be written to {quoted(str(folder))}{why}.", hint="Choose a folder that you may write to."
    )


def _writable(folder: Path, *, overwrite: bool) -> bool:
    """Whether the folder could be made and filled.

    Raises:
        InputError: it is a file, or not empty. OSError: its name is too long, or the system refuses.
    """
    (folder / LONGEST).exists()
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file.", hint="Give a folder for the run's files.")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise InputError(f"The folder {folder} is not empty.", hint="Choose another one, or add --overwrite.")
    parent = folder.resolve()
    while not parent.exists():
        parent = parent.parent
    # The temporary folder lies beside the target, or inside its nearest parent that exists.
    beside = [parent.parent] if parent == folder.resolve() else []
    if not all(p.is_dir() and os.access(p, os.W_OK | os.X_OK) for p in [parent, *beside]):
        return False
    # Of what is no file system in earnest (/proc) only a try tells.
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=beside[0] if beside else parent):
        return True


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keeps other runs of this user on this machine out of a folder while the block runs; a program that dies lets go of it.

    The lock is no file in the folder or beside it, which need not exist yet. Of several processes of a launcher the first one claims. Where the
    system has no such locks, nothing is refused.

    Raises:
        InputError: another run has claimed it.
    """
    lock = None if os.environ.get("RANK", "0") != "0" else _lock(folder)
    try:
        yield
    finally:
        if lock is not None:
            held, path = lock
            path.unlink(missing_ok=True)
            os.close(held)


def _lock(folder: Path) -> tuple[int, Path] | None:
    """The lock and its file, or None where there is none to be had."""
    with suppress(ImportError, OSError, ValueError):  # a name that cannot be is refused by `check_folder`
        import fcntl

        locks = Path(tempfile.gettempdir()) / f"{LOCKS}-{os.getuid()}"
        locks.mkdir(mode=0o700, exist_ok=True)
        path = locks / hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:32]
        while True:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                raise InputError(
                    f"Another run is writing to {folder}.",
                    hint="Choose another folder, or wait until that run has ended.",
                ) from None
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), path.stat()):
                    return lock, path
            os.close(lock)  # the one who held it before has removed its file
    return None
