"""From events to what the live page shows: `view = reduce(view, event)`, then `payload(view)`. Pure, no gradio, no torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from demos.pictures.sheet_text import sheet_value
from sfr_core.data.concepts import Role
from sfr_core.events import (
    Cancelled,
    Evaluated,
    Event,
    Finished,
    Kept,
    MaskReady,
    Phase,
    PhaseProgress,
    PhaseStarted,
    Prediction,
    Preview,
    Sheet,
    Step,
)
from sfr_core.results import LiveRecord

PHASES: tuple[Phase, ...] = ("prepare", "fisher", "mask", "unlearn", "evaluate")
MAX_POINTS = 800
"""A longer curve is thinned to every second point, again and again, so that a message stays small."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Two series over the step number; `stride` counts how many steps one kept point stands for."""

    i: tuple[int, ...] = ()
    forget: tuple[float | None, ...] = ()
    remain: tuple[float | None, ...] = ()
    stride: int = 1
    seen: int = 0

    def add(self, i: int, forget: float | None, remain: float | None) -> Curve:
        """The curve with one more point; thinned when it has grown too long."""
        if self.seen % self.stride:
            return replace(self, seen=self.seen + 1)
        longer = Curve((*self.i, i), (*self.forget, forget), (*self.remain, remain), self.stride, self.seen + 1)
        if len(longer.i) <= MAX_POINTS:
            return longer
        return Curve(longer.i[::2], longer.forget[::2], longer.remain[::2], self.stride * 2, longer.seen)


@dataclass(frozen=True, slots=True)
class View:
    """Everything the live page shows of a run, after some of its events.

    Attributes:
        phase: the present one; None before the first.
        entered: phases in the order in which they began.
        done, total: units of the present phase; steps in the phase `unlearn`.
        step, steps: outer steps done and planned (0 where unknown).
        recent: seconds of the last 20 steps, for the speed.
        loss: forget and remain loss. accuracy: forget and remain accuracy in percent, on n_forget and n_remain rows; of a
            generator the shares of accepted samples.
        fishers, previews: Fishers that began, and previews after the one before the first step.
        first, now: predictions on the fixed pictures before the run and at step `now_i`.
        sheet: a generator's samples at step `now_i`. accepted: what the judge said of them before the run.
        density: share of weights in the saliency mask, 0 to 1.
        cut: the phase in which it was stopped; stays where the weights are kept and evaluated.
        ended: how it ended; None while it runs.
    """

    phase: Phase | None = None
    entered: tuple[Phase, ...] = ()
    done: int = 0
    total: int = 0
    step: int = 0
    steps: int = 0
    recent: tuple[float, ...] = ()
    loss: Curve = Curve()
    accuracy: Curve = Curve()
    n_forget: int = 0
    n_remain: int = 0
    first: tuple[Prediction, ...] = ()
    now: tuple[Prediction, ...] = ()
    now_i: int = 0
    fishers: int = 0
    previews: int = 0
    sheet: Sheet | None = None
    accepted: tuple[int, ...] = ()
    density: float | None = None
    cut: Phase | None = None
    ended: Literal["finished", "cancelled", "deadline"] | None = None


def reduce(view: View, event: Event) -> View:
    """The view after one more event."""
    match event:
        case PhaseStarted():
            return replace(
                view,
                phase=event.phase,
                entered=view.entered if event.phase in view.entered else (*view.entered, event.phase),
                done=0,
                total=event.total,
                fishers=view.fishers + (event.phase == "fisher"),
                steps=event.total if event.phase == "unlearn" and event.total else view.steps,
                ended=None,  # the evaluation of a stopped run that was kept
            )
        case PhaseProgress():
            return replace(view, phase=event.phase, done=event.done, total=event.total)
        case MaskReady():
            return replace(view, density=event.density)
        case Step():
            # A step without a forget or a remain part leaves a gap, not a zero.
            return replace(
                view,
                done=event.i,
                total=event.total,
                step=event.i,
                steps=event.total,
                recent=(*view.recent[-19:], event.seconds),
                loss=view.loss.add(event.i, event.forget_loss, event.remain_loss),
            )
        case Evaluated(when="live", record=LiveRecord() as record):
            return replace(
                view,
                accuracy=view.accuracy.add(event.i, record.forget, record.remain),
                n_forget=record.n_forget,
                n_remain=record.n_remain,
            )
        case Preview():
            first = event.predictions if not view.first else view.first
            accepted = view.accepted or (() if event.sheet is None else tuple(event.sheet.accepted))
            return replace(
                view,
                first=first,
                accepted=accepted,
                now=event.predictions,
                now_i=event.i,
                sheet=event.sheet,
                previews=view.previews + (event.i > 0),
            )
        case Kept():
            return replace(view, ended=None, step=event.steps, done=0)
        case Finished():
            return replace(view, ended="finished", step=event.steps)
        case Cancelled():
            return replace(
                view,
                ended="deadline" if event.reason == "deadline" else "cancelled",
                step=event.steps,
                cut=view.cut or view.phase,
            )
    return view


def reduce_all(events: Iterable[Event], view: View | None = None) -> View:
    """`reduce` over many events."""
    view = view or View()
    for event in events:
        view = reduce(view, event)
    return view


def speed(view: View) -> float | None:
    """Steps per second over the last 20 steps; None before the first."""
    spent = sum(view.recent)
    return len(view.recent) / spent if spent > 0 else None


def phases(view: View, skipped: Iterable[Phase] = ()) -> list[dict[str, Any]]:
    """The stepper: every phase with its state (`todo`, `now`, `done`, `stopped`, `skipped`), real units done and total."""
    unneeded, rows = set(skipped), []
    for phase in PHASES:
        if phase == view.phase:
            state = {None: "now", "finished": "done"}.get(view.ended, "stopped")
        elif phase in view.entered or view.ended == "finished":
            state = "stopped" if phase == view.cut else "done" if phase in view.entered else "skipped"
        else:
            state = "skipped" if phase in unneeded else "todo"
        units = (view.done, view.total) if phase == view.phase else (0, 0)
        rows.append({"id": phase, "state": state, "done": units[0], "total": units[1]})
    return rows


@dataclass(frozen=True, slots=True)
class Words:
    """What the page must know of a run beside its events: phases that its method has not, and the names of its classes.

    `roles`: where the classes are prompts, what each is to the forgotten concept. `judge`: how often the judge is wrong itself.
    """

    skipped: tuple[Phase, ...] = ()
    names: Sequence[str] = ()
    forgotten: Sequence[int] = ()
    roles: Sequence[Role] = ()
    judge: str = ""

    def sheet(self, view: View) -> dict[str, Any] | None:
        """The present sheet with the words for its rows."""
        before = view.accepted if view.now_i else ()
        return sheet_value(view.sheet, self.names, self.forgotten, self.roles, before=before, judge=self.judge)


def payload(view: View, words: Words = Words()) -> dict[str, Any]:
    """The view as JSON for demos/static/live.js; floats are rounded to what can be seen."""
    return {
        **_numbers(view, words.skipped),
        "loss": _series(view.loss, 4),
        "accuracy": _series(view.accuracy, 2),
        "pictures": _predictions(view),
        "sheet": words.sheet(view),
        "picturesAt": view.now_i,
    }


def news(view: View, have: Mapping[str, Any], words: Words = Words()) -> dict[str, Any]:
    """What a page that has drawn `have` does not know yet: all numbers, new points only, pictures only if they changed.

    Args:
        have: `loss` and `accuracy`: [points drawn, step number of the last one]; `picturesAt`: step of the drawn pictures,
            None before the first. Comes from a browser: whatever makes no sense counts as nothing drawn.

    Returns:
        As `payload`, but each curve has `from` (index of its first point; 0 replaces the curve), and `pictures`, `sheet`
        and `picturesAt` are missing where they have not changed.
    """
    answer = _numbers(view, words.skipped)
    for name, curve, digits in (("loss", view.loss, 4), ("accuracy", view.accuracy, 2)):
        start = _known(curve, have.get(name))
        answer[name] = {"from": start, **_series(curve, digits, start)}
    if (view.now or view.sheet) and have.get("picturesAt") != view.now_i:
        answer["pictures"], answer["picturesAt"] = _predictions(view), view.now_i
        answer["sheet"] = words.sheet(view)
    return answer


def _numbers(view: View, skipped: Iterable[Phase]) -> dict[str, Any]:
    rate = speed(view)
    return {
        "phases": phases(view, skipped),
        "step": view.step,
        "steps": view.steps,
        "speed": None if rate is None else round(rate, 2),
        "n": [view.n_forget, view.n_remain],
        "density": view.density,
        "ended": view.ended,
    }


def _series(curve: Curve, digits: int, start: int = 0) -> dict[str, Any]:
    def short(values: tuple[float | None, ...]) -> list[float | None]:
        return [None if v is None else round(v, digits) for v in values[start:]]

    return {"i": list(curve.i[start:]), "forget": short(curve.forget), "remain": short(curve.remain)}


def _known(curve: Curve, drawn: Any) -> int:
    """How many points of the curve the page has; 0 where it drew another curve or one from before a thinning."""
    match drawn:
        case [int(count), int(last)] if 0 < count <= len(curve.i) and curve.i[count - 1] == last:
            return count
    return 0


def _predictions(view: View) -> list[list[Any]]:
    """Of each picture: row, label, predicted class, confidence, source, and whether it is wrong now and was before the run."""
    wrong = {(p.source, p.row) for p in view.first if p.predicted != p.label} if view.now_i else set()
    return [
        [
            p.row,
            p.label,
            p.predicted,
            round(p.confidence, 3),
            p.source,
            p.predicted != p.label and (p.source, p.row) in wrong,
        ]
        for p in view.now
    ]


def moments(
    events: Iterable[Event], every: int = 1, words: Words = Words()
) -> Iterator[tuple[int, View, dict[str, Any]]]:
    """A recorded run as moments that live.js plays: the number of its last event, its view, and as JSON without the curves.

    The curves are drawn from the last payload, cut at each moment's step; pictures stand only where they change.
    """
    view, shown = View(), None
    for at, event in enumerate(events):
        view = reduce(view, event)
        if isinstance(event, Step) and event.i % every:
            continue
        moment = payload(view, words)
        for key in ("loss", "accuracy", "n"):
            del moment[key]
        now = (view.now, view.sheet)
        if now == shown:
            del moment["pictures"], moment["sheet"]
        shown = now
        yield at, view, moment
