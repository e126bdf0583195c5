"""How a recipe answers what it cannot do: one sentence on stderr and exit code 2, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sfr_core.errors import PlaygroundError

EXIT = 2


@contextmanager
def one_sentence() -> Iterator[None]:
    """Wraps a recipe's main.

    Raises:
        SystemExit: with code 2, for what a person can mend: a missing file, a wrong name, a value out of range.
    """
    try:
        yield
    except (PlaygroundError, FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(EXIT) from None
