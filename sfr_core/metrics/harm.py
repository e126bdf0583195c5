"""What forgetting did to a generator, from its records before and after: what is left, what the rest lost, and both in one number. No torch.

Records are mappings of GeneratorRecord's fields; one that only text-to-image models have may be missing or None.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

Fields = Mapping[str, Any]
FIELDS = ("FA", "FA_paraphrase", "JA_remain", "JA_neighbours", "JA_others", "FD_remain")
"""Of a GeneratorRecord, as far as they are read here."""


def lost(before: Fields, after: Fields, of: str = "remain") -> float | None:
    """Points that the judge's accuracy on "remain", "neighbours" or "others" fell, negative is a gain; None where there are none."""
    old, new = before.get(f"JA_{of}"), after.get(f"JA_{of}")
    return None if old is None or new is None else float(old - new)


def fd_ratio(before: Fields, after: Fields) -> float:
    """Frechet distance of what remains over the one before."""
    return float(after["FD_remain"] / before["FD_remain"])


def left(after: Fields) -> float:
    """What is left, percent: FA, for a concept the mean of its own prompts and of those in other words that showed it before."""
    return fmean(value for value in (after["FA"], after.get("FA_paraphrase")) if value is not None)


def nearest_lost(before: Fields, after: Fields) -> float:
    """Points lost by what could be harmed: a concept's neighbours, or the others where it has none; of a class all other classes."""
    found = (lost(before, after, of) for of in ("neighbours", "others", "remain"))
    return next((value for value in found if value is not None), 0.0)


def harm(before: Fields, after: Fields) -> float:
    """One number to order methods by: what is left plus what the nearest lost, in points; 0 is forgotten without loss."""
    return left(after) + max(0.0, nearest_lost(before, after))
