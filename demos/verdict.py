"""One sentence on a finished run, made by stated rules (RULES in compare_copy.py says them to people).

Pure: numbers in, words out. All numbers are percent or percentage points unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from demos.run_record import RunRecord
from sfr_core.data.splits import ForgetSpec
from sfr_core.results import LiveRecord, RunResult

NEAR = 1.0
"""Points within which two accuracies count as the same, and the allowed loss of everything else."""
STILL = 0.05
"""Points below which a change is not worth a word (it would be shown as 0.0)."""

Tone = Literal["forgotten", "partly", "kept", "damaged", "open"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sentence, and the class of outcome that gives it its sign (never only a colour)."""

    text: str
    tone: Tone


def percent(value: float) -> str:
    """97.04 -> '97', 0.4 -> '0.4', 12.3 -> '12': whole numbers, with one decimal where a whole number would hide it."""
    if abs(value) < 10 and abs(value - round(value)) >= STILL:
        return f"{value:.1f}"
    return f"{value:.0f}".replace("-0", "0") if round(value) == 0 else f"{value:.0f}"


def points(value: float) -> str:
    """'0.4 points', '1 point', '7.3 points' of the size of `value`."""
    text = f"{abs(value):.1f}".removesuffix(".0")
    return f"{text} point{'' if text == '1' else 's'}"


def subject(spec: ForgetSpec | None, class_names: tuple[str, ...], text: str = "") -> str:
    """What was to be forgotten, in words: 'Sneaker and Bag', 'the random 10 %', 'the 3 chosen pictures'."""
    if spec is None:
        kind, _, body = text.partition(":")
        return body.replace(",", ", ") if kind == "class" else text
    if spec.classes:
        names = [class_names[c] for c in spec.classes]
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    if spec.share is not None:
        return f"the random {percent(100 * spec.share)} %"
    return "the chosen picture" if len(spec.rows) == 1 else f"the {len(spec.rows)} chosen pictures"


def judge(
    result: RunResult,
    what: str,
    *,
    whole_classes: bool,
    stopped: tuple[int, int | None] | None = None,
) -> Verdict:
    """The verdict on full-set metrics.

    Args:
        result: the run's result.
        what: the forget set in words (`subject`).
        whole_classes: whether classes were forgotten (the target without a retrained model is then 0 %); otherwise
            the target is the retrained model, and without it nothing can be said.
        stopped: steps done and planned of a run that was stopped early.
    """
    head, tone = _class_head(result, what) if whole_classes else _sample_head(result, what)
    others, damaged = _others(result)
    text = f"{head}, {others}, {_time(result)}{_membership(result)}."
    if stopped is not None:
        text = f"{_stopped(*stopped)}: {text[0].lower()}{text[1:]}"
    return Verdict(text, "damaged" if damaged and tone in ("forgotten", "partly") else tone)


def judge_live(first: LiveRecord, last: LiveRecord, what: str, stopped: tuple[int, int | None]) -> Verdict:
    """The verdict on a run that ended before its full evaluation: what the live subsets said, first and last."""
    return Verdict(
        f"{_stopped(*stopped)}: accuracy on {what} {percent(first.forget)} to {percent(last.forget)} %, "
        f"on the rest {percent(first.remain)} to {percent(last.remain)} % "
        f"(live subsets of n = {last.n_forget} and {last.n_remain}; the full sets were not measured).",
        "open",
    )


def of_record(record: RunRecord) -> Verdict | None:
    """The verdict on a run; None where it measured nothing."""
    what = subject(record.spec, record.class_names, record.config.forget)
    done = record.stopped_after
    stopped = None if done is None else (done, record.planned_steps)
    if record.result is not None:
        return judge(
            record.result, what, whole_classes=record.config.forget.strip().startswith("class:"), stopped=stopped
        )
    live = [e.record for e in record.live() if isinstance(e.record, LiveRecord)]
    if not live:
        return None
    return judge_live(live[0], live[-1], what, stopped or (len(record.steps), record.planned_steps))


def _class_head(result: RunResult, what: str) -> tuple[str, Tone]:
    """Whole classes: compares the accuracy on their test pictures (training rows where there is none) with the target."""
    before, after, retrained = result.before, result.after, result.retrained
    if before.TA_forget is not None and after.TA_forget is not None:
        old, new = before.TA_forget, after.TA_forget
        goal = retrained.TA_forget if retrained is not None else None
    else:
        old, new, goal = before.FA, after.FA, retrained.FA if retrained is not None else None
    target = 0.0 if goal is None else goal
    verb, tone = _verb(old - target, new - target)
    reference = "no retrained model to compare with" if goal is None else f"retrained {percent(goal)} %"
    return f"{verb} {what} ({percent(old)} to {percent(new)} %; {reference})", tone


def _verb(span: float, left: float) -> tuple[str, Tone]:
    """From how far the accuracy was above its target before (`span`) and is now (`left`), in points."""
    if left <= NEAR:
        return "Forgot", "forgotten"
    if left <= span / 2:
        return "Partly forgot", "partly"
    if left < span - NEAR:
        return "Hardly forgot", "kept"
    return "Did not forget", "kept"


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
        verb, tone = "Forgot too much of", "damaged"
    elif gap <= NEAR and gap <= gap_before / 2:
        verb, tone = "Forgot", "forgotten"
    elif gap < gap_before - STILL:
        verb, tone = "Partly forgot", "partly"
    else:
        verb, tone = "Did not forget", "kept"
    numbers = f"{percent(old)} to {percent(new)} %; retrained {percent(goal)} %"
    return f"{verb} {what} ({numbers}; mean gap to retrained {gap_before:.1f} to {points(gap)})", tone


def _others(result: RunResult) -> tuple[str, bool]:
    """What the rest lost or gained, and whether that is over-forgetting: more than NEAR below retrained (or below before)."""
    before, after, retrained = result.before, result.after, result.retrained
    name = "the others"
    old, new = before.TA_remain, after.TA_remain
    goal = retrained.TA_remain if retrained is not None else None
    if old is None or new is None:
        name, old, new = "the test accuracy", before.TA, after.TA
        goal = retrained.TA if retrained is not None else None
    change = new - old
    if abs(change) < STILL:
        words = f"{name} stayed the same"
    else:
        words = f"{name} {'lost' if change < 0 else 'gained'} {points(change)}"
    short = (old if goal is None else goal) - new
    if short <= NEAR:
        return words, False
    reference = (
        "" if goal is None else f" and stand{'' if name == 'the others' else 's'} {points(short)} below retrained"
    )
    return f"but {words}{reference}", True


def _time(result: RunResult) -> str:
    if not result.retrain_seconds:
        return f"in {result.seconds:.0f} s" if result.seconds >= 10 else f"in {result.seconds:.1f} s"
    share = 100 * result.seconds / result.retrain_seconds
    if share < 1:
        return "at under 1 % of the time of retraining"
    return f"at {share:.0f} % of the time of retraining"


def _membership(result: RunResult) -> str:
    after, retrained = result.after.MIA, result.retrained.MIA if result.retrained else None
    if after is None:
        return ""
    if retrained is None:
        return "" if result.before.MIA is None else f"; membership {percent(result.before.MIA)} to {percent(after)} %"
    gap = after - retrained
    if abs(gap) <= NEAR:
        return "; membership as in the retrained model"
    if gap < 0:
        return f"; membership {points(gap)} below retrained"
    still = "still " if result.before.MIA is not None and after <= result.before.MIA else ""
    return f"; membership {still}{points(gap)} above retrained"


def _stopped(done: int, planned: int | None) -> str:
    return f"Stopped after step {done} of {planned}" if planned else f"Stopped after step {done}"
