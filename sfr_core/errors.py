"""Every error that a person may see: one clear sentence and a hint that says what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

QUOTED = 80
"""Characters of what somebody gave or a file holds that a sentence repeats at most."""
LONGEST, LONGEST_HINT = 500, 2500
"""Characters of a message and of a hint, whatever they repeat; a hint may list names."""
REASON = 160
"""Characters of what a library says of a failure."""


def quoted(value: object, most: int = QUOTED) -> str:
    """A value as a sentence may repeat it: on one line, printable and short."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # a number of more digits than Python writes, or a table without end
        text = f"a {type(value).__name__} that is too large to be shown"
    text = "".join(c if c.isprintable() else " " for c in text[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"


def given(value: object) -> str:
    """As `quoted`, with marks around a text: "3" is no number."""
    return f"'{quoted(value)}'" if isinstance(value, str) else quoted(value)


def reason(error: BaseException) -> str:
    """What an exception says, as the bracket of a sentence: its first line, short, without the path that an OSError repeats."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    lines = said.strip().splitlines() or [type(error).__name__]
    return quoted(" ".join(quoted(word) for word in lines[0].split()), REASON)


class PlaygroundError(Exception):
    """Base of the tree.

    Args:
        message: one sentence that says what is wrong; what it repeats of a person's text is `quoted`.
        hint: one sentence that says what to do; shown after the message.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message, self.hint = quoted(message, LONGEST), quoted(hint, LONGEST_HINT)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(PlaygroundError):
    """Something that was asked for cannot be done; nothing was started and nothing was written."""

    exit_code = 2


NEAR, MOST_NAMED = 0.4, 24
"""How alike (0 to 1) a name must be to be offered instead, and how many names are listed."""


class UnknownName(InputError):
    """A model, class, method, preset or field that does not exist; the hint names the nearest that does."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names, name = sorted(known), quoted(name)
        by_folded = {n.casefold(): n for n in names}
        near = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=NEAR)
        nearest = f"Did you mean '{quoted(by_folded[near[0]])}'? " if near else ""
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        listed = ", ".join(quoted(each) for each in names[:MOST_NAMED])
        super().__init__(f"Unknown {quoted(kind)} '{name}'.", hint=f"{nearest}Known: {listed}{more}.")


class ConfigError(InputError):
    """A hyper-parameter out of its range, of the wrong type, or in contradiction to another."""


class SpecError(InputError):
    """A forget specification that cannot be read or selects nothing (or everything)."""


class AssetError(InputError):
    """A model or data file that is missing, damaged or of an unknown layout."""


class HubError(InputError):
    """A model on the Hub that cannot be reached, found, read or held here; nothing was changed."""


class RunError(PlaygroundError):
    """A run that had started and could not go on."""


class Diverged(RunError):
    """A loss, a gradient or an answer of the network became NaN or infinite."""


LOWER = "Lower the learning rate or the strength and run again."
"""What to do about it."""


class OutOfMemory(RunError):
    """The device has too little memory for this run."""


class Busy(InputError):
    """A limit of this page: too many runs of one visitor, a full queue, or another run in the session."""
