"""What is known of the judges that name generators' samples. No torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from sfr_core.zoo.shipped import MODELS


@dataclass(frozen=True, slots=True)
class JudgeErrors:
    """Percent of real pictures that a judge does not recognise as what they are.

    Attributes:
        known: of those that its card measured it on. unseen: of such as it never saw, where the card tells them apart.
    """

    known: float
    unseen: float | None


@cache
def judge_errors(judge: str) -> JudgeErrors | None:
    """The errors that a shipped judge's card holds; None where it does not say."""
    try:
        card = json.loads((MODELS / judge / "judge.json").read_text(encoding="utf-8"))
        known = 100.0 - card["metrics"]["accepted_and_right"]
        held_out = card.get("held_out")
        return JudgeErrors(known, None if held_out is None else 100.0 - held_out["accepted_and_right"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
