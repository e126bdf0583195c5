"""The value of the live component (static/live.js): a job as it stands, or a recorded run that plays by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from demos.jobs import hardware
from demos.jobs.book import Job
from demos.live import view as bridge
from demos.live.left import seconds_left
from demos.pictures.inline import picture
from demos.pictures.judge_text import judge_note
from demos.records.summary_text import UNTOUCHED
from demos.text import live as live_text
from demos.text import unlearn as copy
from sfr_core import catalog
from sfr_core.configs import RunConfig
from sfr_core.data.datasets import ASSETS
from sfr_core.data.splits import ForgetSpec
from sfr_core.errors import AssetError, PlaygroundError
from sfr_core.events import Event, Phase, Preview, from_json
from sfr_core.hub.concepts import shown_blurred
from sfr_core.kinds import KINDS
from sfr_core.plan import ForgetPlan, RunPlan, plan
from sfr_core.zoo import shipped as zoo

RECORDED = ASSETS / "recorded"
"""Recorded runs, a file each."""
PLAY_SECONDS = 14.0
"""A recorded run plays in about this time, whatever it took."""


PREPARING: tuple[Phase, ...] = ("fisher", "mask")
"""Phases that a method may have before its first step."""


def forget_words(spec: ForgetSpec, class_names: tuple[str, ...]) -> str:
    """What is forgotten, in words."""
    if spec.concept:
        return spec.concept
    if spec.classes:
        return copy.FORGETS_CLASS.format(names=", ".join(class_names[c] for c in spec.classes))
    if spec.share is not None:
        return copy.FORGETS_SHARE.format(share=100 * spec.share, seed=spec.seed)
    return copy.FORGETS_ROWS[min(len(spec.rows), 2)].format(n=len(spec.rows))


def title(config: RunConfig, forget: ForgetPlan) -> str:
    """A run in one line: "SFR-on forgets Sneaker"."""
    words = forget_words(forget.spec, forget.names)
    if config.redirect:
        words = copy.REDIRECTED.format(what=words, prompt=config.redirect)
    return copy.RECORDED_SUMMARY.format(method=catalog.title_of(config.method), what=words)


def skipped(run: RunPlan) -> tuple[Phase, ...]:
    """Phases before the first step that this method and these settings do not have."""
    has = run.method.prepares(run.settings)
    return tuple(phase for phase in PREPARING if phase not in has)


def generates(run: RunPlan) -> bool:
    """True for a run of a generator."""
    return KINDS[run.card.kind].draws


def kind_words(model: str) -> list[str]:
    """Which words the live view uses for a model's kind, the more special first (text/live.py); none for a classifier, or a model that is gone."""
    try:
        kind = KINDS[zoo.card(model).kind]
    except PlaygroundError:
        return []
    return [*(["concept"] if kind.prompts else []), *(["generator"] if kind.draws else [])]


def words_of(run: RunPlan) -> bridge.Words:
    """What the live view must know of a run beside its events."""
    judge = judge_note(run.config.model)
    return bridge.Words(skipped(run), run.forget.names, run.forget.spec.classes, run.forget.roles, judge)


def phase_line(view: bridge.View, draws: bool = False, paused: str = "") -> str:
    """What happens now, in one sentence; "" before anything does.

    Args:
        draws: a generator's run. paused: the line of a step that does not forget (`paused_line`).
    """
    if view.phase is None:
        return ""
    values = {"done": view.done, "total": view.total, "step": view.step, "steps": view.steps}
    lines = {**live_text.PHASE_LINES, **live_text.PHASE_LINES_GENERATOR} if draws else live_text.PHASE_LINES
    name = "prepare_free" if draws and view.phase == "prepare" and view.total else view.phase
    if paused and view.phase == "unlearn" and view.step and view.loss.forget[-1:] == (None,):
        return paused.format(**values)
    return lines[name].format(**values)


def paused_line(config: RunConfig) -> str:
    """What a step without forgetting says, where every step forgets until SFR-on redirected's forget_steps, forget_down_to or forget_until; else ""."""
    if config.settings.get("forget_every") != 1:
        return ""
    if any(config.settings.get(name) is not None for name in ("forget_steps", "forget_down_to")):
        return live_text.REPAIRING_LINE
    return live_text.PAUSED_LINE if config.settings.get("forget_until") is not None else ""


def empty(key: str, title: str, words: Sequence[str] = ()) -> dict[str, Any]:
    """The value of a run that cannot be shown, or of none."""
    return {
        "key": key,
        "title": title,
        "classes": [],
        "forgotten": None,
        "generates": "generator" in words,
        "blurred": False,
        "words": list(words),
        "pictures": {},
        "view": bridge.payload(bridge.View()),
    }


def _base(run: RunPlan, key: str, view: bridge.View) -> dict[str, Any]:
    config, forget = run.config, run.forget
    try:
        zoo.card(config.model)
    except AssetError as error:  # a visitor's model that was removed meanwhile: its run has a state, but no pictures
        return empty(key, str(error))
    words, draws = kind_words(config.model), generates(run)
    relative = ["relative"] if config.settings.get("forget_loss") == "relative" else []
    return {
        **empty(key, title(config, forget), [*relative, *words]),
        "classes": list(forget.names),
        "forgotten": list(forget.spec.classes) or None,
        "blurred": draws and shown_blurred(config.model),
        "pictures": _images(config, view),
        "view": bridge.payload(view, words_of(run)),
    }


def job_line(job: Job, view: bridge.View, place: int, wait: float | None = None) -> str:
    """The state of a job in one sentence; `wait`: seconds until it begins, where they are known."""
    lines = live_text.STATE_LINES
    if job.state == "queued":
        line = lines["queued_next"] if place <= 1 else lines["queued"].format(place=place)
        return line if wait is None else f"{line} {lines['begins'].format(time=copy.about(wait))}"
    if job.state == "failed":
        return lines["failed"].format(error=job.error)
    if view.ended is not None and view.step == 0:
        return lines["deadline_early"] if view.ended == "deadline" else UNTOUCHED
    if job.settled == "kept" and not job.active:
        kept = copy.KEPT.format(step=view.step)
        return (
            f"{kept} {copy.KEPT_NOT_MEASURED if job.error is None else job.error}" if view.ended != "finished" else kept
        )
    if job.settled == "rolled back":
        return copy.ROLLED_BACK
    if view.ended is not None:
        return lines[view.ended].format(steps=view.step)
    if job.stopping:
        return lines["stopping"]
    return phase_line(view, generates(job.plan), paused_line(job.config)) or lines["starting"]


def job_note(job: Job) -> str:
    """What one should know beside the line: where the rest is, or that the run's own process is out of reach."""
    if job.state == "finished" or (job.settled == "kept" and job.result is not None):
        retrained = job.result is not None and job.result.retrained is not None
        return live_text.COMPARE_BELOW.format(retrained=live_text.COMPARE_RETRAINED if retrained else "")
    return live_text.STATE_LINES["remote"] if job.state == "running" and hardware.on_zerogpu() else ""


def of_job(
    job: Job, view: bridge.View, *, place: int, now: float, machine: str, wait: float | None = None, follow: str = ""
) -> dict[str, Any]:
    """The live value of a job.

    Args:
        place: in the queue. wait: seconds until it begins. follow: a handle for polls of what comes (live/feed.py); "" when nothing comes.
    """
    return {
        **_base(job.plan, f"job-{job.created:.3f}", view),
        **_moving(job, view, place, now, machine, wait),
        "mode": "live",
        "follow": follow,
    }


def poll(
    job: Job,
    view: bridge.View,
    have: Mapping[str, Any],
    *,
    place: int,
    now: float,
    machine: str,
    wait: float | None = None,
) -> dict[str, Any]:
    """What is new since a page drew `have` (see `bridge.news`); `images` come once, with the first predictions."""
    answer = {**_moving(job, view, place, now, machine, wait), "view": bridge.news(view, have, words_of(job.plan))}
    if view.first and not have.get("images"):
        answer["images"] = _images(job.config, view)
    return answer


def left(job: Job, view: bridge.View, now: float) -> float | None:
    """Seconds from its start, or from now, to the job's finished comparison; None where nothing is expected or it has ended."""
    if job.expected is None or not job.active:
        return None
    elapsed = 0.0 if job.started is None else now - job.started
    opened, last = (job.times[0], job.times[-1]) if job.times else (None, 0.0)
    return seconds_left(job.expected, view, elapsed, opened, max(0.0, elapsed - last))


def _moving(job: Job, view: bridge.View, place: int, now: float, machine: str, wait: float | None) -> dict[str, Any]:
    end, to_come = job.ended if job.ended is not None else now, left(job, view, now)
    return {
        "state": job.state,
        "stopping": job.stopping,
        "line": job_line(job, view, place, wait),
        "elapsed": None if job.started is None else round(end - job.started, 1),
        "left": None if to_come is None else round(to_come + (wait or 0.0), 1),
        "machine": machine,
        "note": job_note(job),
    }


def _images(config: RunConfig, view: bridge.View) -> dict[str, str]:
    try:
        return {f"{p.source}:{p.row}": picture(config.model, p.source, p.row) for p in view.first}
    except AssetError:  # a visitor's model that was removed meanwhile
        return {}


def of_record(run: RunPlan, events: list[Event], machine: str, times: Sequence[float]) -> dict[str, Any]:
    """The live value of a recorded run: its last view and the moments that lead to it; `times`: of each event, seconds."""
    config, view, took = run.config, bridge.reduce_all(events), (times or [0.0])[-1]
    frames = []
    for at, so_far, moment in bridge.moments(events, max(1, view.steps // 80), words_of(run)):
        line = phase_line(so_far, generates(run), paused_line(config))
        if so_far.ended is not None:
            line = live_text.STATE_LINES["finished"].format(steps=so_far.step)
        frames.append(
            {**moment, "line": line, "elapsed": round(times[at], 1), "left": round(took - times[at], 1) or None}
        )
    pace = max(40, round(1000 * PLAY_SECONDS / max(1, len(frames))))
    return {
        **_base(run, f"recorded-{config.model}-{config.forget}", view),
        "mode": "recorded",
        "state": "recorded",
        "line": "",
        "elapsed": None,
        "left": None,
        "machine": machine,
        "note": live_text.LIVE["recordedOn"].format(
            model=run.card.title,
            machine=machine,
            took=copy.duration(took),
            plays=copy.duration(pace * len(frames) / 1000),
        ),
        "took": took,
        "frames": frames,
        "pace": pace,
    }


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of RECORDED: a run with its events, when each came (seconds), the machine, and what the retrained model said or drew."""

    plan: RunPlan
    events: list[Event]
    times: list[float]
    machine: str
    retrained: Preview | None


@cache
def read_recording(path: Path) -> Recording:
    """Reads a recorded run.

    Raises:
        AssetError: missing or unreadable.
    """
    try:
        data: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        run = plan(RunConfig.from_json(data["config"]))
        events = [from_json(event) for event in data["events"]]
        times = [float(seconds) for seconds in data["times"]]
        retrained = from_json(data["retrained"]) if data.get("retrained") else None
        if len(times) != len(events) or not isinstance(retrained, Preview | None):
            raise ValueError("a time is missing, or the look at the retrained model is none")
        return Recording(run, events, times, str(data["machine"]), retrained)
    except (OSError, ValueError, KeyError, TypeError, PlaygroundError) as error:
        raise AssetError(
            f"The recorded run {path} cannot be read ({error}).", hint="Make it anew with: python -m recipes.recorded"
        ) from None


def recorded(path: Path) -> tuple[RunPlan, dict[str, Any]]:
    """A recorded run as the live view plays it, with its plan.

    Raises:
        AssetError: missing or unreadable.
    """
    found = read_recording(path)
    return found.plan, of_record(found.plan, found.events, found.machine, found.times)
