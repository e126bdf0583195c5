"""Words that the summaries on classifiers and on generators share: numbers in, words out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sfr_core.data.splits import ForgetSpec
from sfr_core.metrics.intervals import above_chance, wilson
from sfr_core.metrics.thresholds import FEW, GUESS_TELLS
from sfr_core.results import RunResult

STILL = 0.05
"""Points below which a change is not worth a word (it would be shown as 0.0)."""

Tone = Literal["forgotten", "partly", "kept", "damaged", "open"]


STOPPED, KEPT = "Stopped after", "Kept as it was after"
UNTOUCHED = "Stopped before the first step: the network is as it was."
NOT_LOOKED = "{stopped}: nothing was measured between the start and there, so how much it forgot is not known."
LOOKED_LAST = "The last of these numbers are of step {step}."
"""On runs that were stopped."""
DOUBT = (
    "Only {n} pictures: the true share probably lies between {low} and {high} %. The limit of {limit} % is in between, so more pictures could change "
    "this result."
)
"""Where a threshold lies within the interval of a share."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The sentences, and the class of outcome that gives them their sign (never only a colour).

    Attributes:
        doubt: that too few pictures decided; "" where enough did.
        reached: the outcome of the first sentence alone. lost: whether the rest lost too much.
    """

    text: str
    tone: Tone
    doubt: str = ""
    reached: Tone = "open"
    lost: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """What a summary speaks of.

    Attributes:
        method: title of the method, the subject of the first sentence.
        what: the forget set in words (`subject`).
        classes: among which the network chooses; 0 where that is not known.
        counted: pictures behind the share of forgotten classes; 0 where that is not known.
        stopped: steps done and planned of a run that was stopped early. kept: likewise of one whose outcome is an earlier moment.
    """

    method: str
    what: str
    classes: int = 0
    counted: int = 0
    stopped: tuple[int, int | None] | None = None
    kept: tuple[int, int | None] | None = None

    @property
    def early(self) -> tuple[tuple[int, int | None], str] | None:
        """Where an outcome is not that of the last step: the steps done and planned, and the words before them."""
        if self.kept is not None:
            return self.kept, KEPT
        return None if self.stopped is None else (self.stopped, STOPPED)

    def did(self, verb: str) -> str:
        """'SFR-on forgot Cat'."""
        return f"{self.method} {verb} {self.what}"

    def guessed(self, share: float, n: int) -> bool:
        """Whether a share of n right answers is no better than that of somebody who guesses; False where nobody can tell."""
        return self.classes > 0 and n >= GUESS_TELLS and not above_chance(share, n, self.classes)


def verb(span: float, left: float, near: float) -> tuple[str, Tone]:
    """What became of the memory: how far a share was above its target before (`span`) and is now (`left`), in points.

    Args:
        near: points above the target that count as reaching it.
    """
    if left <= near:
        return "forgot", "forgotten"
    if left <= span / 2:
        return "partly forgot", "partly"
    if left < span - near:
        return "hardly forgot", "kept"
    return "did not forget", "kept"


def concluded(
    sentences: Sequence[str], tone: Tone, damaged: bool, about: About, *, limit: tuple[float, int, float] | None = None
) -> Summary:
    """The summary of a whole evaluation: damage spoils what was forgotten, and a stop is said first.

    Args:
        limit: share, pictures and threshold that decided whether it was forgotten; None where no single share did.
    """
    said = []
    if about.early is not None:
        (done, planned), word = about.early
        said = [f"{stopped_words(done, planned, word=word)}."]
    text = " ".join([*said, *(sentence for sentence in sentences if sentence)])
    doubt = doubt_words(*limit) if limit is not None and tone != "open" else ""
    shown: Tone = "damaged" if damaged and tone in ("forgotten", "partly") else tone
    return Summary(text, shown, doubt, reached=tone, lost=damaged)


def doubt_words(share: float, n: int, limit: float) -> str:
    """That a threshold lies within the interval of a share of few pictures; "" where it does not."""
    if not 0 < n < FEW:
        return ""
    low, high = wilson(share, n)
    return DOUBT.format(n=n, low=percent(low), high=percent(high), limit=percent(limit)) if low < limit < high else ""


def percent(value: float) -> str:
    """97.04 -> '97', 0.4 -> '0.4', 12.3 -> '12': whole numbers, with one decimal where a whole number would hide it."""
    if abs(value) < 10 and abs(value - round(value)) >= STILL:
        return f"{value:.1f}"
    return f"{value:.0f}".replace("-0", "0") if round(value) == 0 else f"{value:.0f}"


def moved(old: float, new: float) -> str:
    """'went from 97 to 0 %', or 'stayed at 97 %'."""
    if abs(new - old) < STILL:
        return f"stayed at {percent(new)} %"
    return f"went from {percent(old)} to {percent(new)} %"


def points(value: float) -> str:
    """'0.4 points', '1 point', '7.3 points' of the size of `value`."""
    text = f"{abs(value):.1f}".removesuffix(".0")
    return f"{text} point{'' if text == '1' else 's'}"


def changed(name: str, change: float) -> str:
    """'the others lost 0.5 points'; a change is in points."""
    if abs(change) < STILL:
        return f"{name} stayed the same"
    return f"{name} {'lost' if change < 0 else 'gained'} {points(change)}"


def unchanged(numbers: str, what: str = "it") -> str:
    """'Nothing was forgotten. Test accuracy on Cat stayed at 97 %.'; the forgotten is named here, where no sentence before does."""
    return f"Nothing was forgotten. {sentence(numbers.replace(' it ', f' {what} ', 1))}"


def sentence(text: str) -> str:
    """The words with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


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
    """'It took 8 % of the passes of retraining.', with the seconds of both where one machine made both; else the seconds without looks and evaluation."""
    share = result.share_of_retraining
    if share is None:
        return f"Unlearning alone took {seconds_text(result.seconds)}."
    both = ""
    if result.retrain_seconds is not None:
        both = f" ({seconds_text(result.seconds)} against {seconds_text(result.retrain_seconds)})"
    if share == 0:
        return f"It needed no training pass{both}."
    return f"It took {'under 1' if share < 1 else percent(share)} % of the passes of retraining{both}."


def seconds_text(seconds: float) -> str:
    """'6.2 s', '1,486 s'."""
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def stopped_words(done: int, planned: int | None, *, word: str = STOPPED) -> str:
    """'Stopped after step 3 of 10', 'Kept as it was after step 3 of 10'."""
    return f"{word} step {done} of {planned}" if planned else f"{word} step {done}"
