"""JSON of files and strangers, read into the program's frozen records by Pydantic or refused in one sentence (docs/adr/0051)."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, WrapValidator

from sfr_core.errors import AssetError, quoted

EXACT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)
"""No unknown field, no text or switch for a number, no fraction for a whole number, nothing infinite."""
Number = Annotated[float, WrapValidator(lambda value, check: value if type(value) is int else check(value))]
"""A float that is written again as it was read: 3 stays 3."""
Count = Annotated[int, Field(ge=0)]
"""A number of things."""
Seconds = Annotated[float, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100 + 1e-6)]
"""A share; sums of single precision may be a little above."""
T = TypeVar("T")
_WORDS = {"missing": "it is missing", "unexpected_keyword_argument": "there is no such field"}


def text_of(path: Path) -> str:
    """The text of a file that any editor wrote: UTF-8 with or without a byte order mark, or UTF-16 with one.

    Raises:
        OSError: it cannot be read. ValueError: no text.
    """
    raw = path.read_bytes()
    return raw.decode("utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")


@cache
def reader(kind: Any) -> TypeAdapter[Any]:
    """Reads and writes a dataclass."""
    return TypeAdapter(kind | None, config=EXACT)  # a dataclass alone takes no config from outside


def read(kind: Callable[..., T], data: Any, where: str, *, hint: str) -> T:
    """A record from its JSON. Only reading checks: a record that the program makes itself costs nothing more.

    Args:
        kind: a dataclass.
        data: what `json.loads` gave.
        where: what is read, as a sentence may name it. hint: what to do when it cannot be.

    Raises:
        AssetError: names a field that is missing, unknown or of another type than its annotation says.
    """
    try:
        if not isinstance(data, dict):
            raise AssetError(f"{where[0].upper()}{where[1:]} is no table of fields.", hint=hint)
        record: T = reader(kind).validate_json(json.dumps(data))
        return record
    except RecursionError:
        raise AssetError(f"{where[0].upper()}{where[1:]} is nested too deeply.", hint=hint) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        names = [part for part in first["loc"] if isinstance(part, str)]
        what = f"'{quoted(names[-1])}' in {where}" if names else where[0].upper() + where[1:]
        said = first["msg"].removeprefix("Value error, ")
        reason = _WORDS.get(first["type"], said[0].lower() + said[1:])
        raise AssetError(f"{what} cannot be read: {reason}.", hint=hint) from None
