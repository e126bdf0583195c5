"""A few sentences on a finished run, made by stated rules (RULES in text/rules.py says them to people).

Pure: numbers in, words out. All numbers are percent or percentage points unless said otherwise. Here are the rules for
classifiers and the door for every run; summary_generator.py has those for generators.
"""

from __future__ import annotations

import numpy as np

from demos.records import summary_generator
from demos.records.record import RunRecord
from demos.records.summary_text import (
    LOOKED_LAST,
    NOT_LOOKED,
    STILL,
    STOPPED,
    UNTOUCHED,
    About,
    Summary,
    Tone,
    changed,
    concluded,
    cost_words,
    moved,
    percent,
    points,
    sentence,
    stopped_words,
    subject,
    unchanged,
    verb,
)
from sfr_core.catalog import title_of
from sfr_core.metrics.intervals import knows, wilson
from sfr_core.metrics.thresholds import GUESS_TELLS, MEMBERSHIP_GAP, SAME
from sfr_core.results import ClassifierRecord, GeneratorRecord, LiveRecord, RunResult


def summarise(result: RunResult, about: About, *, whole_classes: bool) -> Summary:
    """The summary on full-set metrics.

    Args:
        result: the run's result. about: what it was.
        whole_classes: whether classes were forgotten (the target without a retrained model is then 0 %); otherwise
            the target is the retrained model, and without it nothing can be said.
    """
    limit = None
    tone: Tone
    if (share := _strange(result, about)) is not None:
        head, tone = NOT_KNOWN.format(what=about.what, share=percent(share), guess=percent(100 / about.classes)), "open"
    elif whole_classes:
        head, tone, limit = _class_head(result, about)
    else:
        head, tone, limit = _sample_head(result, about)
    others, damaged = _others(result)
    return concluded([head, others, _membership(result), cost_words(result)], tone, damaged, about, limit=limit)


NOT_KNOWN = (
    "There was nothing to forget of {what}: before the run the network recognised only {share} % of all its training pictures (a guess: "
    "{guess} %)."
)
"""On a network that does not know its own pictures."""
LIVE = (
    "accuracy on {what} {forget} %, on the rest {remain} % (live subsets of n = {n}; the full sets were not measured)."
)
LIVE_GENERATOR = (
    "accepted as {what} {forget} %, the others as their class {remain} % (preview samples, n = {n}; the evaluation was "
    "not made)."
)
LIVE_CONCEPT = (
    "{forget} % of the samples for {what} show it, {remain} % of the others what they were asked for (preview samples, n = {n}; "
    "the evaluation was not made)."
)
"""On runs that ended before their evaluation, of classifiers, of generators of classes and of concepts."""


def of_record(record: RunRecord) -> Summary | None:
    """The summary on a run; None where it measured nothing."""
    about = _about(record)
    what, done, early = about.what, record.stopped_after, about.early
    if record.result is not None and record.generates:
        return summary_generator.summarise(record.result, about, concept=record.of_concept)
    if record.result is not None:
        return summarise(record.result, about, whole_classes=record.config.forget.strip().startswith("class:"))
    if done == 0:
        return Summary(UNTOUCHED, "open")
    whole = len(record.steps), record.planned_steps
    (until, planned), word = early or (whole, STOPPED)
    live = [(e.i, e.record) for e in record.live() if isinstance(e.record, LiveRecord) and e.i <= until]
    if not live:
        return None
    (_, first), (at, last) = live[0], live[-1]
    stopped = stopped_words(until, planned, word=word)
    if at == 0:
        return Summary(NOT_LOOKED.format(stopped=stopped), "open")
    said = LIVE_CONCEPT if record.of_concept else LIVE_GENERATOR if record.generates else LIVE
    text = said.format(
        what=what,
        forget=f"{percent(first.forget)} to {percent(last.forget)}",
        remain=f"{percent(first.remain)} to {percent(last.remain)}",
        n=f"{last.n_forget} and {last.n_remain}",
    )
    late = "" if at >= until else f" {LOOKED_LAST.format(step=at)}"
    return Summary(f"{stopped}: {text}{late}", "open")


def _about(record: RunRecord) -> About:
    """What a record's summary speaks of."""
    done, result = record.stopped_after, record.result
    counted = 0
    if result is not None and isinstance(result.after, ClassifierRecord):
        counted = result.after.n_forget
        if record.dataset is not None and record.forgotten and result.after.TA_forget is not None:
            counted = int(np.isin(record.dataset.test.labels, record.forgotten).sum())
    elif result is not None and isinstance(result.after, GeneratorRecord):
        counted = result.after.n_samples
    return About(
        method=title_of(record.config.method),
        what=subject(record.spec, record.class_names, record.config.forget),
        classes=0 if record.of_concept else len(record.class_names),
        counted=counted,
        stopped=None if done is None else (done, record.planned_steps),
        kept=None if record.kept_step is None else (record.kept_step, record.planned_steps),
    )


def _records(result: RunResult) -> tuple[ClassifierRecord, ClassifierRecord, ClassifierRecord | None]:
    """Before, after and retrained of a classifier's run."""
    before, after, retrained = result.before, result.after, result.retrained
    assert isinstance(before, ClassifierRecord)
    assert isinstance(after, ClassifierRecord)
    assert retrained is None or isinstance(retrained, ClassifierRecord)
    return before, after, retrained


def _strange(result: RunResult, about: About) -> float | None:
    """Share of all training pictures that the network recognised before the run, percent, where it hardly knew them; else None."""
    before, _, _ = _records(result)
    n = before.n_forget + before.n_remain
    if not about.classes or not before.n_remain or n < GUESS_TELLS:  # older files do not count the rows
        return None
    share = (before.n_forget * before.FA + before.n_remain * before.RA) / n
    return None if knows(share, n, about.classes) else share


def _class_head(result: RunResult, about: About) -> tuple[str, Tone, tuple[float, int, float]]:
    """Whole classes: compares the accuracy on their test pictures (training rows where there is none) with the target."""
    before, after, retrained = _records(result)
    where, goal = "test accuracy", None
    if before.TA_forget is not None and after.TA_forget is not None:
        old, new = before.TA_forget, after.TA_forget
        goal = retrained.TA_forget if retrained is not None else None
    else:
        where, old, new = "training accuracy", before.FA, after.FA
        goal = retrained.FA if retrained is not None else None
    target = 0.0 if goal is None else goal
    reference = "no retrained model to compare with" if goal is None else f"retrained: {percent(goal)} %"
    numbers = f"{where} on it {moved(old, new)} ({reference})"
    limit = (new, about.counted, target + SAME)
    guessed = about.guessed(old, about.counted) and about.guessed(before.FA, before.n_forget)
    if old - target <= SAME or guessed:
        return nothing_to_forget(about, old - target <= SAME, numbers), "open", limit
    if abs(new - old) < STILL:
        return unchanged(numbers, about.what), "kept", limit
    word, tone = verb(old - target, new - target, SAME)
    return f"{about.did(word)}: {numbers}.", tone, limit


def nothing_to_forget(about: About, never: bool, numbers: str) -> str:
    """That a network did not know the classes: it was no better than its target, or than a guess."""
    why = "knew it no better than a retrained one" if never else f"only guessed it (1 in {about.classes})"
    return f"There was nothing to forget of {about.what}: before the run the network {why}; {numbers}."


def _sample_head(result: RunResult, about: About) -> tuple[str, Tone, tuple[float, int, float] | None]:
    """A random share or chosen samples: the retrained model is the target, so too much is as wrong as too little.

    Too much only where so many pictures tell it from chance; where they do not, the threshold comes back for the sentence that says so.
    """
    old, new = result.before.FA, result.after.FA
    numbers = f"accuracy on {about.what} {moved(old, new)}"
    same = result.before == result.after
    if result.retrained is None or result.avg_d is None or result.avg_d_before is None:
        if abs(new - old) < STILL:
            return unchanged(numbers), "kept", None
        return f"{about.method} ran, but only a retrained model could tell how much to forget: {numbers}.", "open", None
    goal, gap, gap_before = result.retrained.FA, result.avg_d, result.avg_d_before
    mean = f"the mean gap to it {'stayed at' if same else f'went from {gap_before:.1f} to'} {points(gap)}"
    numbers += f" (retrained: {percent(goal)} %), and {mean}"
    if same:
        return unchanged(numbers), "kept", None
    tone: Tone
    low = goal - SAME
    chance = new < low and about.counted > 0 and wilson(new, about.counted)[1] > low
    if new < low and not chance:
        word, tone = "forgot too much of", "damaged"
    elif gap <= SAME and gap <= gap_before / 2:
        word, tone = "forgot", "forgotten"
    elif gap < gap_before - STILL:
        word, tone = "partly forgot", "partly"
    else:
        word, tone = "did not forget", "kept"
    return f"{about.did(word)}: {numbers}.", tone, (new, about.counted, low) if chance else None


def _others(result: RunResult) -> tuple[str, bool]:
    """What the rest lost or gained, and whether that is over-forgetting: more than SAME below retrained (or below before)."""
    before, after, retrained = _records(result)
    name = "the others"
    old, new = before.TA_remain, after.TA_remain
    goal = retrained.TA_remain if retrained is not None else None
    if old is None or new is None:
        name, old, new = "the test accuracy", before.TA, after.TA
        goal = retrained.TA if retrained is not None else None
    words = changed(name, new - old)
    short = (old if goal is None else goal) - new
    if short <= SAME:
        return sentence(words), False
    be = "are" if name == "the others" else "is"
    reference = "" if goal is None else f" and {be} {points(short)} below retrained"
    return f"But {words}{reference}.", True


def _membership(result: RunResult) -> str:
    """What a membership attack tells; a gap to retrained from MEMBERSHIP_GAP on says what it means."""
    before_run, after_run, reference = _records(result)
    before, after, retrained = before_run.MIA, after_run.MIA, None if reference is None else reference.MIA
    if after is None:
        return ""
    if retrained is None:
        if before is None:
            return ""
        return f"The share of these pictures that a membership attack flags {moved(before, after)}."
    gap = after - retrained
    if abs(gap) <= SAME:
        return "A membership attack flags as many of these pictures as after retraining."
    flags = f"A membership attack flags {points(gap)} {'fewer' if gap < 0 else 'more'} of these pictures than after retraining"
    if abs(gap) < MEMBERSHIP_GAP:
        return f"{flags}."
    meaning = (
        "the forgetting itself can be noticed" if gap < 0 else "it can still tell that the model was trained on them"
    )
    return f"{flags}: {meaning}."
