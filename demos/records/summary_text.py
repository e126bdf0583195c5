"""Words that the summaries on classifiers and on generators share: numbers in, words out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sfr_core.data.splits import ForgetSpec
from sfr_core.results import RunResult

NEAR = 1.0
"""Points within which two accuracies count as the same, and the allowed loss of everything else."""
STILL = 0.05
"""Points below which a change is not worth a word (it would be shown as 0.0)."""

Tone = Literal["forgotten", "partly", "kept", "damaged", "open"]


UNTOUCHED = "Stopped before the first step: the network is as it was."
NOT_LOOKED = "{stopped}: nothing was measured between the start and there, so how much it forgot is not known."
LOOKED_LAST = "The last of these numbers are of step {step}."
"""On runs that were stopped."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The sentence, and the class of outcome that gives it its sign (never only a colour)."""

    text: str
    tone: Tone


def verb(span: float, left: float, near: float) -> tuple[str, Tone]:
    """What became of the memory: how far a share was above its target before (`span`) and is now (`left`), in points.

    Args:
        near: points above the target that count as reaching it.
    """
    if left <= near:
        return "Forgot", "forgotten"
    if left <= span / 2:
        return "Partly forgot", "partly"
    if left < span - near:
        return "Hardly forgot", "kept"
    return "Did not forget", "kept"


def concluded(text: str, tone: Tone, damaged: bool, stopped: tuple[int, int | None] | None) -> Summary:
    """The summary of a whole evaluation: damage spoils what was forgotten, and a stop is said first."""
    if stopped is not None:
        text = f"{stopped_words(*stopped)}: {text[0].lower()}{text[1:]}"
    return Summary(text, "damaged" if damaged and tone in ("forgotten", "partly") else tone)


def percent(value: float) -> str:
    """97.04 -> '97', 0.4 -> '0.4', 12.3 -> '12': whole numbers, with one decimal where a whole number would hide it."""
    if abs(value) < 10 and abs(value - round(value)) >= STILL:
        return f"{value:.1f}"
    return f"{value:.0f}".replace("-0", "0") if round(value) == 0 else f"{value:.0f}"


def points(value: float) -> str:
    """'0.4 points', '1 point', '7.3 points' of the size of `value`."""
    text = f"{abs(value):.1f}".removesuffix(".0")
    return f"{text} point{'' if text == '1' else 's'}"


def changed(name: str, change: float) -> str:
    """'the others lost 0.5 points'; a change is in points."""
    if abs(change) < STILL:
        return f"{name} stayed the same"
    return f"{name} {'lost' if change < 0 else 'gained'} {points(change)}"


def subject(spec: ForgetSpec | None, class_names: tuple[str, ...], text: str = "") -> str:
    """What was to be forgotten, in words: 'Sneaker and Bag', 'the random 10 %', 'the 3 chosen pictures'."""
    if spec is None:
        kind, _, body = text.partition(":")
        return body.replace(",", ", ") if kind in ("class", "concept") else text
    if spec.concept:
        return spec.concept
    if spec.classes:
        names = [class_names[c] for c in spec.classes]
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    if spec.share is not None:
        return f"the random {percent(100 * spec.share)} %"
    return "the chosen picture" if len(spec.rows) == 1 else f"the {len(spec.rows)} chosen pictures"


def cost_words(result: RunResult) -> str:
    """'at 8 % of the passes of retraining', with the seconds of both where one machine made both; else the run's seconds alone."""
    share = result.share_of_retraining
    if share is None:
        return f"in {seconds_text(result.seconds)}"
    both = ""
    if result.retrain_seconds is not None:
        both = f" ({seconds_text(result.seconds)} against {seconds_text(result.retrain_seconds)})"
    if share == 0:
        return f"without a training pass{both}"
    return f"at {'under 1' if share < 1 else percent(share)} % of the passes of retraining{both}"


def seconds_text(seconds: float) -> str:
    """'6.2 s', '1,486 s'."""
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def stopped_words(done: int, planned: int | None) -> str:
    """'Stopped after step 3 of 10'."""
    return f"Stopped after step {done} of {planned}" if planned else f"Stopped after step {done}"
