"""How often the judge of a model's samples is wrong itself, in a sentence that stands beside its marks."""

from __future__ import annotations

from demos.text.live import JUDGE_ERRS, JUDGE_ERRS_UNSEEN
from sfr_core.errors import PlaygroundError
from sfr_core.zoo import shipped
from sfr_core.zoo.judges import judge_errors


def judge_note(model: str) -> str:
    """The sentence; "" for a model without a judge, or one that the zoo does not know."""
    try:
        judge = shipped.card(model).judge
    except PlaygroundError:
        return ""
    errors = judge_errors(judge) if judge is not None else None
    if errors is None:
        return ""
    if errors.unseen is None:
        return JUDGE_ERRS.format(known=errors.known)
    return JUDGE_ERRS_UNSEEN.format(known=errors.known, unseen=errors.unseen)
