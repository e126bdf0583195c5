"""The sentence on a generator's run, made by stated rules (RULES_GENERATOR and RULES_CONCEPT in text/rules.py say them to people).

Pure: numbers in, words out. All numbers are percent or percentage points unless said otherwise. The samples are few (about 100 of
each kind, 50 for a concept), so what counts as equal is wider than for a classifier. A concept is forgotten only where other words
do not bring it back, so both shares decide.
"""

from __future__ import annotations

from demos.records.summary_text import Summary, Tone, changed, concluded, cost_words, percent, verb
from sfr_core.results import GeneratorRecord, RunResult

NEAR_FORGET = 2.0
"""Points above the target within which a class or the prompts of a concept count as forgotten."""
NEAR_REMAIN = 3.0
"""Points of judge accuracy that the other classes may lose to before."""
NEAR_WORDS = 4.0
"""Points at which other words count as no longer bringing the concept back: two samples of 50."""
NEAR_NEIGHBOURS = 6.0
"""Points that the neighbours of a concept may lose to before: three samples of 50."""
NEAR_OTHERS = 4.0
"""Points that everything but a concept and its neighbours may lose to before."""
NEAR_DISTANCE = 1.15
"""Times that of before that the Fréchet distance of what remains may reach."""
MOST = 50.0
"""Share of the samples that makes "most"."""
BECAME = (
    "most of its samples are now pictures of other classes ({other} %)",
    "most of its samples are now noise or none of the classes ({none} % rejected)",
    "of its samples {other} % are now pictures of other classes, {none} % none of the classes",
)
BECAME_CONCEPT = (
    "asked for it, the model now mostly draws something else that the judge knows ({other} %)",
    "asked for it, the model now mostly draws nothing that the judge knows ({none} %)",
    "asked for it, the model now draws something else that the judge knows ({other} %) or nothing of it ({none} %)",
)
"""What is drawn instead: mostly something else, mostly nothing, or both."""


def summarise(
    result: RunResult, what: str, *, concept: bool = False, stopped: tuple[int, int | None] | None = None
) -> Summary:
    """The summary on the evaluation after a run.

    Args:
        result: the run's result; its records are GeneratorRecords.
        what: the forgotten classes in words, or the concept.
        concept: whether a concept was forgotten.
        stopped: steps done and planned of a run that was stopped early.

    Raises:
        TypeError: a classifier's result.
    """
    before, after, retrained = result.before, result.after, result.retrained
    if not isinstance(before, GeneratorRecord) or not isinstance(after, GeneratorRecord):
        raise TypeError("not a generator's result")
    goal = retrained if isinstance(retrained, GeneratorRecord) else None
    head, tone = _concept_head(before, after, what) if concept else _class_head(before, after, goal, what)
    others, damaged = _around_concept(before, after) if concept else _other_classes(before, after, goal)
    instead = ""
    if tone in ("forgotten", "partly"):
        other, none = after.accepted_any - after.FA, 100.0 - after.accepted_any
        wording = BECAME_CONCEPT if concept else BECAME
        said = wording[0] if other >= MOST else wording[1] if none >= MOST else wording[2]
        instead = f"; {said.format(other=percent(other), none=percent(none))}"
    return concluded(f"{head}, {others}, {cost_words(result)}{instead}.", tone, damaged, stopped)


def _class_head(
    before: GeneratorRecord, after: GeneratorRecord, goal: GeneratorRecord | None, what: str
) -> tuple[str, Tone]:
    target = 0.0 if goal is None else goal.FA
    reference = "no retrained model to compare with" if goal is None else f"retrained {percent(goal.FA)} %"
    numbers = f"({percent(before.FA)} to {percent(after.FA)} % accepted; {reference})"
    if before.FA - target <= NEAR_FORGET:
        return f"There was nothing to forget of {what} {numbers}", "open"
    word, tone = verb(before.FA - target, after.FA - target, NEAR_FORGET)
    return f"{word} {what} {numbers}", tone


def _concept_head(before: GeneratorRecord, after: GeneratorRecord, what: str) -> tuple[str, Tone]:
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


def _other_classes(before: GeneratorRecord, after: GeneratorRecord, goal: GeneratorRecord | None) -> tuple[str, bool]:
    """What the rest lost or gained, and whether that is damage: to before, for a run must not break what worked.

    The retrained model is told beside damage and forgives none: it may have been trained for less long than the original.
    """
    change = after.JA_remain - before.JA_remain
    words = changed("the others", change)
    short, blurred = -change > NEAR_REMAIN, after.FD_remain > NEAR_DISTANCE * before.FD_remain
    if not short and not blurred:
        return words, False
    if short and goal is not None:
        words += f" (to {percent(after.JA_remain)} %; retrained {percent(goal.JA_remain)} %)"
    if blurred:
        beside = "" if goal is None else f", retrained {goal.FD_remain:.2f}"
        words += f" and look less real (distance {after.FD_remain:.2f}, before {before.FD_remain:.2f}{beside})"
    return f"but {words}", True


def _around_concept(before: GeneratorRecord, after: GeneratorRecord) -> tuple[str, bool]:
    """What neighbours and everything else lost or gained, and whether that is damage."""
    parts, damaged = [], False
    for name, old, new, near in (
        ("its neighbours", before.JA_neighbours, after.JA_neighbours, NEAR_NEIGHBOURS),
        ("everything else", before.JA_others, after.JA_others, NEAR_OTHERS),
    ):
        if old is not None and new is not None:
            parts.append(changed(name, new - old))
            damaged = damaged or old - new > near
    words = ", ".join(parts) or "everything else was not measured"
    if after.FD_remain > NEAR_DISTANCE * before.FD_remain:
        damaged = True
        words += f" and what remains looks less real (distance {after.FD_remain:.2f}, before {before.FD_remain:.2f})"
    return f"but {words}" if damaged else words, damaged
