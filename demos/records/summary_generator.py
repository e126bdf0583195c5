"""The sentences on a generator's run, made by stated rules (RULES_GENERATOR and RULES_CONCEPT in text/rules.py say them to people).

Pure: numbers in, words out. All numbers are percent or percentage points unless said otherwise. The samples are few (about 100 of
each kind, 50 for a concept), so what counts as equal is wider than for a classifier. A concept is forgotten only where other words
do not bring it back, so both shares decide.
"""

from __future__ import annotations

from demos.records.summary_text import (
    STILL,
    About,
    Summary,
    Tone,
    changed,
    concluded,
    cost_words,
    doubt_words,
    moved,
    percent,
    sentence,
    unchanged,
    verb,
)
from sfr_core.metrics.thresholds import (
    CLASS_LEFT,
    CLASSES_LOST,
    CONCEPT_LEFT,
    DISTANCE_RATIO,
    DISTANT_LOST,
    MOST,
    NEIGHBOURS_LOST,
    WORDS_LEFT,
)
from sfr_core.results import GeneratorRecord, RunResult

BECAME = (
    "Most of its samples are now pictures of other classes ({other} %).",
    "Most of its samples are now noise or none of the classes ({none} % rejected).",
    "Of its samples {other} % are now pictures of other classes, {none} % none of the classes.",
)
BECAME_CONCEPT = (
    "Asked for it, the model now mostly draws something else that the judge knows ({other} %).",
    "Asked for it, the model now mostly draws nothing that the judge knows ({none} %).",
    "Asked for it, the model now draws something else that the judge knows ({other} %) or nothing of it ({none} %).",
)
"""What is drawn instead: mostly something else, mostly nothing, or both."""


def summarise(result: RunResult, about: About, *, concept: bool = False) -> Summary:
    """The summary on the evaluation after a run.

    Args:
        result: the run's result; its records are GeneratorRecords. about: what it was.
        concept: whether a concept was forgotten.

    Raises:
        TypeError: a classifier's result.
    """
    before, after, retrained = result.before, result.after, result.retrained
    if not isinstance(before, GeneratorRecord) or not isinstance(after, GeneratorRecord):
        raise TypeError("not a generator's result")
    goal = retrained if isinstance(retrained, GeneratorRecord) else None
    head, tone, limit = (_concept_head if concept else _class_head)(before, after, goal, about)
    others, damaged = _around_concept(before, after) if concept else _other_classes(before, after, goal)
    instead = ""
    if tone in ("forgotten", "partly"):
        other, none = after.accepted_any - after.FA, 100.0 - after.accepted_any
        wording = BECAME_CONCEPT if concept else BECAME
        said = wording[0] if other >= MOST else wording[1] if none >= MOST else wording[2]
        instead = said.format(other=percent(other), none=percent(none))
    return concluded([head, instead, others, cost_words(result)], tone, damaged, about, limit=limit)


Head = tuple[str, Tone, tuple[float, int, float]]
"""The first sentence, its tone, and the share, pictures and threshold that decided."""


def _class_head(before: GeneratorRecord, after: GeneratorRecord, goal: GeneratorRecord | None, about: About) -> Head:
    target = 0.0 if goal is None else goal.FA
    reference = "no retrained model to compare with" if goal is None else f"retrained: {percent(goal.FA)} %"
    numbers = f"samples recognised as it {moved(before.FA, after.FA)} ({reference})"
    limit = (after.FA, after.n_samples, target + CLASS_LEFT)
    if before.FA - target <= CLASS_LEFT or about.guessed(before.FA, before.n_samples):
        return _nothing_to_forget(about, numbers), "open", limit
    if abs(after.FA - before.FA) < STILL:
        return unchanged(numbers, about.what), "kept", limit
    word, tone = verb(before.FA - target, after.FA - target, CLASS_LEFT)
    return f"{about.did(word)}: {numbers}.", tone, limit


def _concept_head(before: GeneratorRecord, after: GeneratorRecord, goal: GeneratorRecord | None, about: About) -> Head:
    """The aim is 0 % whatever the retrained model does, which is told beside."""
    reference = "" if goal is None else f" (retrained: {percent(goal.FA)} %)"
    numbers = f"samples that show it {moved(before.FA, after.FA)}{reference}"
    limit = (after.FA, after.n_samples, CONCEPT_LEFT)
    old, new = before.FA_paraphrase, after.FA_paraphrase
    if old is not None and new is not None:
        beside = "" if goal is None or goal.FA_paraphrase is None else f" (retrained: {percent(goal.FA_paraphrase)} %)"
        numbers += f"; asked for in other words, they {moved(old, new)}{beside}"
    if before.FA <= CONCEPT_LEFT:
        return _nothing_to_forget(about, numbers), "open", limit
    if abs(after.FA - before.FA) < STILL:
        return unchanged(numbers, about.what), "kept", limit
    word, tone = verb(before.FA, after.FA, CONCEPT_LEFT)
    if tone == "forgotten" and new is not None:
        if not doubt_words(*limit):
            limit = (new, after.n_paraphrase, WORDS_LEFT)
        if new > WORDS_LEFT:
            return (
                f"{about.method} forgot the prompts of {about.what}, but not the concept: {numbers}.",
                "partly",
                limit,
            )
    return f"{about.did(word)}: {numbers}.", tone, limit


def _nothing_to_forget(about: About, numbers: str) -> str:
    return f"There was nothing to forget of {about.what}: the network hardly drew it before the run; {numbers}."


def _other_classes(before: GeneratorRecord, after: GeneratorRecord, goal: GeneratorRecord | None) -> tuple[str, bool]:
    """What the rest lost or gained, and whether that is damage: to before, for a run must not break what worked.

    The retrained model is told beside damage and forgives none: it may have been trained for less long than the original.
    """
    change = after.JA_remain - before.JA_remain
    words = changed("the others", change)
    short, blurred = -change > CLASSES_LOST, after.FD_remain > DISTANCE_RATIO * before.FD_remain
    if not short and not blurred:
        return sentence(words), False
    if short and goal is not None:
        words += f" (to {percent(after.JA_remain)} %; retrained: {percent(goal.JA_remain)} %)"
    if blurred:
        beside = "" if goal is None else f", retrained {goal.FD_remain:.2f}"
        words += f" and look less real (distance {after.FD_remain:.2f}, before {before.FD_remain:.2f}{beside})"
    return f"But {words}.", True


def _around_concept(before: GeneratorRecord, after: GeneratorRecord) -> tuple[str, bool]:
    """What neighbours and distant concepts lost or gained, and whether that is damage."""
    parts, damaged = [], False
    for name, old, new, near in (
        ("its neighbours", before.JA_neighbours, after.JA_neighbours, NEIGHBOURS_LOST),
        ("distant concepts", before.JA_others, after.JA_others, DISTANT_LOST),
    ):
        if old is not None and new is not None:
            parts.append(changed(name, new - old))
            damaged = damaged or old - new > near
    words = ", ".join(parts) or "what else the model draws was not measured"
    if after.FD_remain > DISTANCE_RATIO * before.FD_remain:
        damaged = True
        words += f" and what remains looks less real (distance {after.FD_remain:.2f}, before {before.FD_remain:.2f})"
    return (f"But {words}." if damaged else sentence(words)), damaged
