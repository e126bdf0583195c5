"""One sentence on a finished run, made by stated rules (RULES in text/rules.py says them to people).

Pure: numbers in, words out. All numbers are percent or percentage points unless said otherwise. Here are the rules for
classifiers and the door for every run; summary_generator.py has those for generators.
"""

from __future__ import annotations

from demos.records import summary_generator
from demos.records.record import RunRecord
from demos.records.summary_text import (
    LOOKED_LAST,
    NEAR,
    NOT_LOOKED,
    STILL,
    UNTOUCHED,
    Summary,
    Tone,
    changed,
    concluded,
    cost_words,
    percent,
    points,
    stopped_words,
    subject,
    verb,
)
from sfr_core.results import ClassifierRecord, LiveRecord, RunResult


def summarise(
    result: RunResult,
    what: str,
    *,
    whole_classes: bool,
    stopped: tuple[int, int | None] | None = None,
) -> Summary:
    """The summary on full-set metrics.

    Args:
        result: the run's result.
        what: the forget set in words (`subject`).
        whole_classes: whether classes were forgotten (the target without a retrained model is then 0 %); otherwise
            the target is the retrained model, and without it nothing can be said.
        stopped: steps done and planned of a run that was stopped early.
    """
    head, tone = _class_head(result, what) if whole_classes else _sample_head(result, what)
    others, damaged = _others(result)
    text = f"{head}, {others}, {cost_words(result)}{_membership(result)}."
    return concluded(text, tone, damaged, stopped)


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
    what = subject(record.spec, record.class_names, record.config.forget)
    done = record.stopped_after
    stopped = None if done is None else (done, record.planned_steps)
    if record.result is not None and record.generates:
        return summary_generator.summarise(record.result, what, concept=record.of_concept, stopped=stopped)
    if record.result is not None:
        return summarise(
            record.result, what, whole_classes=record.config.forget.strip().startswith("class:"), stopped=stopped
        )
    if done == 0:
        return Summary(UNTOUCHED, "open")
    live = [(e.i, e.record) for e in record.live() if isinstance(e.record, LiveRecord)]
    if not live:
        return None
    (_, first), (at, last) = live[0], live[-1]
    stopped = stopped or (len(record.steps), record.planned_steps)
    if at == 0:
        return Summary(NOT_LOOKED.format(stopped=stopped_words(*stopped)), "open")
    said = LIVE_CONCEPT if record.of_concept else LIVE_GENERATOR if record.generates else LIVE
    text = said.format(
        what=what,
        forget=f"{percent(first.forget)} to {percent(last.forget)}",
        remain=f"{percent(first.remain)} to {percent(last.remain)}",
        n=f"{last.n_forget} and {last.n_remain}",
    )
    late = "" if at >= stopped[0] else f" {LOOKED_LAST.format(step=at)}"
    return Summary(f"{stopped_words(*stopped)}: {text}{late}", "open")


def _records(result: RunResult) -> tuple[ClassifierRecord, ClassifierRecord, ClassifierRecord | None]:
    """Before, after and retrained of a classifier's run."""
    before, after, retrained = result.before, result.after, result.retrained
    assert isinstance(before, ClassifierRecord)
    assert isinstance(after, ClassifierRecord)
    assert retrained is None or isinstance(retrained, ClassifierRecord)
    return before, after, retrained


def _class_head(result: RunResult, what: str) -> tuple[str, Tone]:
    """Whole classes: compares the accuracy on their test pictures (training rows where there is none) with the target."""
    before, after, retrained = _records(result)
    if before.TA_forget is not None and after.TA_forget is not None:
        old, new = before.TA_forget, after.TA_forget
        goal = retrained.TA_forget if retrained is not None else None
    else:
        old, new, goal = before.FA, after.FA, retrained.FA if retrained is not None else None
    target = 0.0 if goal is None else goal
    word, tone = verb(old - target, new - target, NEAR)
    reference = "no retrained model to compare with" if goal is None else f"retrained {percent(goal)} %"
    return f"{word} {what} ({percent(old)} to {percent(new)} %; {reference})", tone


def _sample_head(result: RunResult, what: str) -> tuple[str, Tone]:
    """A random share or chosen samples: the retrained model is the target, so too much is as wrong as too little."""
    old, new = result.before.FA, result.after.FA
    if result.retrained is None or result.avg_d is None or result.avg_d_before is None:
        return (
            f"Without a retrained model to judge by, the accuracy on {what} went {percent(old)} to {percent(new)} %",
            "open",
        )
    goal, gap, gap_before = result.retrained.FA, result.avg_d, result.avg_d_before
    tone: Tone
    if new < goal - NEAR:
        word, tone = "Forgot too much of", "damaged"
    elif gap <= NEAR and gap <= gap_before / 2:
        word, tone = "Forgot", "forgotten"
    elif gap < gap_before - STILL:
        word, tone = "Partly forgot", "partly"
    else:
        word, tone = "Did not forget", "kept"
    numbers = f"{percent(old)} to {percent(new)} %; retrained {percent(goal)} %"
    return f"{word} {what} ({numbers}; mean gap to retrained {gap_before:.1f} to {points(gap)})", tone


def _others(result: RunResult) -> tuple[str, bool]:
    """What the rest lost or gained, and whether that is over-forgetting: more than NEAR below retrained (or below before)."""
    before, after, retrained = _records(result)
    name = "the others"
    old, new = before.TA_remain, after.TA_remain
    goal = retrained.TA_remain if retrained is not None else None
    if old is None or new is None:
        name, old, new = "the test accuracy", before.TA, after.TA
        goal = retrained.TA if retrained is not None else None
    words = changed(name, new - old)
    short = (old if goal is None else goal) - new
    if short <= NEAR:
        return words, False
    reference = (
        "" if goal is None else f" and stand{'' if name == 'the others' else 's'} {points(short)} below retrained"
    )
    return f"but {words}{reference}", True


def _membership(result: RunResult) -> str:
    before_run, after_run, reference = _records(result)
    before, after, retrained = before_run.MIA, after_run.MIA, None if reference is None else reference.MIA
    if after is None:
        return ""
    if retrained is None:
        return "" if before is None else f"; membership {percent(before)} to {percent(after)} %"
    gap = after - retrained
    if abs(gap) <= NEAR:
        return "; membership as in the retrained model"
    if gap < 0:
        return f"; membership {points(gap)} below retrained"
    still = "still " if before is not None and after <= before else ""
    return f"; membership {still}{points(gap)} above retrained"
