"""The sentence on a generator's run, made by stated rules (RULES_GENERATOR in text/rules.py says them to people).

Pure: numbers in, words out. All numbers are percent or percentage points unless said otherwise. The samples are few
(about 100 of each kind), so what counts as equal is wider than for a classifier.
"""

from __future__ import annotations

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

NEAR_FORGET = 2.0
"""Points above the target within which a class counts as forgotten."""
NEAR_REMAIN = 3.0
"""Points of judge accuracy that the other classes may lose to before."""
NEAR_DISTANCE = 1.15
"""Times that of before that the Fréchet distance of the other classes may reach."""
MOST = 50.0
"""Share of the samples that makes "most"."""


def summarise(result: RunResult, what: str, *, stopped: tuple[int, int | None] | None = None) -> Summary:
    """The summary on the evaluation after a run.

    Args:
        result: the run's result; its records are GeneratorRecords.
        what: the forgotten classes in words.
        stopped: steps done and planned of a run that was stopped early.

    Raises:
        TypeError: a classifier's result.
    """
    before, after, retrained = result.before, result.after, result.retrained
    if not isinstance(before, GeneratorRecord) or not isinstance(after, GeneratorRecord):
        raise TypeError("not a generator's result")
    goal = retrained if isinstance(retrained, GeneratorRecord) else None
    target = 0.0 if goal is None else goal.FA
    reference = "no retrained model to compare with" if goal is None else f"retrained {percent(goal.FA)} %"
    numbers = f"({percent(before.FA)} to {percent(after.FA)} % accepted; {reference})"
    tone: Tone
    if before.FA - target <= NEAR_FORGET:
        head, tone = f"There was nothing to forget of {what} {numbers}", "open"
    else:
        word, tone = verb(before.FA - target, after.FA - target, NEAR_FORGET)
        head = f"{word} {what} {numbers}"
    others, damaged = _others(before, after, goal)
    instead = f"; {_instead(after)}" if tone in ("forgotten", "partly") else ""
    text = f"{head}, {others}, {time_words(result)}{instead}."
    return concluded(text, tone, damaged, stopped)


def summarise_live(first: LiveRecord, last: LiveRecord, what: str, stopped: tuple[int, int | None]) -> Summary:
    """The summary on a run that ended before its evaluation: what the judge said of its previews, first and last."""
    return Summary(
        f"{stopped_words(*stopped)}: accepted as {what} {percent(first.forget)} to {percent(last.forget)} %, "
        f"the others as their class {percent(first.remain)} to {percent(last.remain)} % "
        f"(preview samples, n = {last.n_forget} and {last.n_remain}; the evaluation was not made).",
        "open",
    )


def _instead(after: GeneratorRecord) -> str:
    """What the samples of the forgotten classes have become."""
    return became(
        after,
        "most of its samples are now pictures of other classes ({other} %)",
        "most of its samples are now noise or none of the classes ({none} % rejected)",
        "of its samples {other} % are now pictures of other classes, {none} % none of the classes",
    )


def became(after: GeneratorRecord, mostly_other: str, mostly_none: str, both: str) -> str:
    """One of three wordings of what is drawn instead, with the shares of samples accepted as something `other` and as `none`."""
    other, none = after.accepted_any - after.FA, 100.0 - after.accepted_any
    text = mostly_other if other >= MOST else mostly_none if none >= MOST else both
    return text.format(other=percent(other), none=percent(none))


def _others(before: GeneratorRecord, after: GeneratorRecord, goal: GeneratorRecord | None) -> tuple[str, bool]:
    """What the rest lost or gained, and whether that is damage: to before, for a run must not break what worked.

    The retrained model is told beside damage and forgives none: it may have been trained for less long than the original.
    """
    change = after.JA_remain - before.JA_remain
    if abs(change) < STILL:
        words = "the others stayed the same"
    else:
        words = f"the others {'lost' if change < 0 else 'gained'} {points(change)}"
    short, blurred = -change > NEAR_REMAIN, after.FD_remain > NEAR_DISTANCE * before.FD_remain
    if not short and not blurred:
        return words, False
    if short and goal is not None:
        words += f" (to {percent(after.JA_remain)} %; retrained {percent(goal.JA_remain)} %)"
    if blurred:
        beside = "" if goal is None else f", retrained {goal.FD_remain:.2f}"
        words += f" and look less real (distance {after.FD_remain:.2f}, before {before.FD_remain:.2f}{beside})"
    return f"but {words}", True
