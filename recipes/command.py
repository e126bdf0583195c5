"""What the command line of every recipe shares: its help, and one sentence on stderr for what a person can mend."""

from __future__ import annotations

import argparse
import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sfr_core.errors import PlaygroundError

EXIT = 2


def parser_of(doc: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the recipe's docstring as it is written."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Wraps a recipe's main: what it cannot do is said without a traceback.

    Raises:
        SystemExit: with code 2, for what a person can mend: a missing file, a wrong name, a value out of range.
    """
    try:
        yield
    except (PlaygroundError, FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(EXIT) from None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Commands may run side by side; only one at a time is in a block with this lock file."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
