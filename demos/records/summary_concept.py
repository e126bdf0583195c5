"""The sentence on a run that forgets a concept, made by stated rules (RULES_CONCEPT in text/rules.py says them to people).

Pure: numbers in, words out. All numbers are percent or percentage points. A concept is forgotten only where other words do
not bring it back, so both shares decide. About 50 samples stand behind each number: one of them is two points.
"""

from __future__ import annotations

from demos.records.summary_generator import NEAR_DISTANCE, NEAR_FORGET, became
from demos.records.summary_text import (
    STILL,
    Summary,
    Tone,
    concluded,
    percent,
    points,
    stopped_words,
    time_words,
    verb,
)
from sfr_core.results import GeneratorRecord, LiveRecord, RunResult

NEAR_WORDS = 4.0
"""Points at which other words count as no longer bringing the concept back: two samples of 50."""
NEAR_NEIGHBOURS = 6.0
"""Points that the neighbours may lose to before: three samples of 50."""
NEAR_OTHERS = 4.0
"""Points that everything else may lose to before."""


def summarise(result: RunResult, what: str, *, stopped: tuple[int, int | None] | None = None) -> Summary:
    """The summary on the evaluation after a run.

    Args:
        result: the run's result; its records are GeneratorRecords of a text-to-image model.
        what: the concept.
        stopped: steps done and planned of a run that was stopped early.

    Raises:
        TypeError: another kind of result.
    """
    before, after = result.before, result.after
    if not isinstance(before, GeneratorRecord) or not isinstance(after, GeneratorRecord):
        raise TypeError("not a generator's result")
    head, tone = _head(before, after, what)
    others, damaged = _others(before, after)
    instead = f"; {_instead(after)}" if tone in ("forgotten", "partly") else ""
    return concluded(f"{head}, {others}, {time_words(result)}{instead}.", tone, damaged, stopped)


def summarise_live(first: LiveRecord, last: LiveRecord, what: str, stopped: tuple[int, int | None]) -> Summary:
    """The summary on a run that ended before its evaluation: what the judge said of its previews, first and last."""
    return Summary(
        f"{stopped_words(*stopped)}: {percent(first.forget)} to {percent(last.forget)} % of the samples for {what} show it, "
        f"{percent(first.remain)} to {percent(last.remain)} % of the others what they were asked for "
        f"(preview samples, n = {last.n_forget} and {last.n_remain}; the evaluation was not made).",
        "open",
    )


def _head(before: GeneratorRecord, after: GeneratorRecord, what: str) -> tuple[str, Tone]:
    numbers = f"{percent(before.FA)} to {percent(after.FA)} % of the samples show it"
    old, new = before.FA_paraphrase, after.FA_paraphrase
    if old is not None and new is not None:
        numbers += f"; asked in other words {percent(old)} to {percent(new)} %"
    if before.FA <= NEAR_FORGET:
        return f"There was nothing to forget of {what} ({numbers})", "open"
    word, tone = verb(before.FA, after.FA, NEAR_FORGET)
    if tone == "forgotten" and new is not None and new > NEAR_WORDS:
        return f"Forgot the prompts of {what}, but not the concept ({numbers})", "partly"
    return f"{word} {what} ({numbers})", tone


def _others(before: GeneratorRecord, after: GeneratorRecord) -> tuple[str, bool]:
    """What neighbours and everything else lost or gained, and whether that is damage."""
    parts, damaged = [], False
    for name, old, new, near in (
        ("its neighbours", before.JA_neighbours, after.JA_neighbours, NEAR_NEIGHBOURS),
        ("everything else", before.JA_others, after.JA_others, NEAR_OTHERS),
    ):
        if old is None or new is None:
            continue
        parts.append(f"{name} {_changed(new - old)}")
        damaged = damaged or old - new > near
    words = ", ".join(parts) or "everything else was not measured"
    if after.FD_remain > NEAR_DISTANCE * before.FD_remain:
        damaged = True
        words += f" and what remains looks less real (distance {after.FD_remain:.2f}, before {before.FD_remain:.2f})"
    return f"but {words}" if damaged else words, damaged


def _changed(change: float) -> str:
    if abs(change) < STILL:
        return "stayed the same"
    return f"{'lost' if change < 0 else 'gained'} {points(change)}"


def _instead(after: GeneratorRecord) -> str:
    """What is drawn where the concept is asked for."""
    return became(
        after,
        "asked for it, the model now mostly draws something else that the judge knows ({other} %)",
        "asked for it, the model now mostly draws nothing that the judge knows ({none} %)",
        "asked for it, the model now draws something else that the judge knows ({other} %) or nothing of it ({none} %)",
    )
