"""What to try after a run, by stated rules: a finding from the summary's own thresholds, and changes of settings that answer it.

Pure: a record in, suggestions out. Which setting does what stands with the setting (`Setting.up`), so that the rules know no method.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from demos.records.brief import neighbour_classes
from demos.records.record import RunRecord
from demos.records.summary import of_record
from demos.text import what_now as texts
from demos.text.unlearn import PRESETS
from demos.text.what_now import Finding
from sfr_core import presets
from sfr_core.catalog.base import MethodSpec
from sfr_core.catalog.retrain import RETRAIN
from sfr_core.configs import RunConfig
from sfr_core.configs.base import Setting
from sfr_core.data.concepts import read_concepts
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.metrics.thresholds import MEMBERSHIP_GAP, SAME
from sfr_core.plan import RunPlan, plan
from sfr_core.results import ClassifierRecord, RunResult

FACTOR = 2
"""By which a setting is turned up or down: less is hardly seen, more overshoots."""
MOST = 3
"""Suggestions for one finding."""
RATE, EVERY, STRENGTH, CLIP = "lr", "forget_every", "alpha", "clip_forget"
"""Settings that depend on each other: a clipped push is no stronger for a larger alpha; a larger K only repairs more with more steps; every
method has a learning rate, the bluntest of all."""
ADAPTIVE = ("adam", "adamw")
"""Optimisers that divide a gradient by its own size."""
CLIPPED = 0.999
"""Share of the longest allowed gradient from which on a step counts as clipped."""

Change = dict[str, Any]
"""Settings with their new values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One button.

    Attributes:
        words: on it. run: what the form then holds, planned; None where the button opens a tab.
        tab: which, else "".
    """

    words: str
    run: RunPlan | None = None
    tab: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What was found, and what may help."""

    finding: Finding
    offers: tuple[Offer, ...]


def advice(record: RunRecord) -> tuple[Advice, ...]:
    """What to try after a run; empty where the form cannot hold it, as of a model that is gone."""
    with suppress(PlaygroundError):
        planned = plan(record.config)
        found = ((finding, tuple(_offers(finding, record, planned))) for finding in findings(record))
        return tuple(Advice(finding=finding, offers=offers) for finding, offers in found if offers)
    return ()


def offers(record: RunRecord) -> tuple[Offer, ...]:
    """All buttons, in the order in which they are drawn."""
    return tuple(offer for found in advice(record) for offer in found.offers)


def chosen(found: Sequence[Offer], at: Any) -> RunPlan:
    """The run of one of them by its number, whatever a caller sent.

    Raises:
        InputError: there is none of this number.
    """
    run = found[at].run if type(at) is int and 0 <= at < len(found) else None
    if run is None:
        raise InputError(texts.GONE, hint=texts.GONE_HINT)
    return run


def findings(record: RunRecord) -> tuple[Finding, ...]:
    """What is wrong with a finished run, the most important first; of a good one that nothing is."""
    summary, result = of_record(record), record.result
    if summary is None:
        return ()
    if result is None:
        return ("stopped",)
    if summary.reached == "open":
        return ("open",)
    kept, noticed = _forgetting(record, result, summary.reached in ("partly", "kept"), summary.reached == "damaged")
    wrong: tuple[tuple[bool, Finding], ...] = ((kept, "kept"), (summary.lost, "lost"), (noticed, "noticed"))
    return tuple(finding for there, finding in wrong if there) or ("fine",)


def _forgetting(record: RunRecord, result: RunResult, short: bool, much: bool) -> tuple[bool, bool]:
    """Whether too little was forgotten, and whether too much.

    Args:
        short, much: whether the summary's first sentence says that it is not forgotten, or that too much is.
    """
    after, goal = result.after, result.retrained
    if not isinstance(after, ClassifierRecord) or not isinstance(goal, ClassifierRecord):
        return short, False
    gap = 0.0 if after.MIA is None or goal.MIA is None else after.MIA - goal.MIA
    whole = record.config.forget.strip().startswith("class:")
    if whole:
        return short, not short and gap <= -MEMBERSHIP_GAP
    kept = after.FA - goal.FA > SAME or gap >= MEMBERSHIP_GAP
    noticed = much or gap <= -MEMBERSHIP_GAP
    return kept, noticed and not kept


def _offers(finding: Finding, record: RunRecord, planned: RunPlan) -> Iterator[Offer]:
    """The buttons of a finding: those that the form accepts."""
    if finding == "stopped":
        yield Offer(words=texts.OFFER["stopped"], run=planned)
        return
    wanted = _harder(record, planned) if finding in ("fine", "open") else _turned(finding, record, planned)
    for words, config in islice(wanted, MOST):
        with suppress(PlaygroundError):
            yield Offer(words=words, run=plan(config, card=planned.card))
    if finding == "fine" and planned.card.source == "bundled":
        yield Offer(words=texts.OFFER["compare"], tab="compare")


def _turned(finding: Finding, record: RunRecord, planned: RunPlan) -> Iterator[tuple[str, RunConfig]]:
    values = planned.settings.to_dict()
    known = {setting.name: setting for setting in planned.method.config_cls.settings()}
    whole, clipped = bool(planned.forget.spec.classes), _clipped(record, values)
    for said, thorough in _thorough(planned) if finding == "noticed" else ():
        # Where somebody has tuned a firmer repair, it comes before one that nobody has tried.
        if thorough.settings.get(RATE, 0.0) > values.get(RATE, 0.0):
            yield said, thorough
    for kind, change in changes(finding, planned.method, values, whole=whole, clipped=clipped):
        said = ", ".join(_said(known[name], values[name], new) for name, new in change.items())
        yield texts.OFFER[kind].format(what=said), replace(planned.config, settings={**values, **change})


def changes(
    finding: Finding, method: MethodSpec, values: Mapping[str, Any], *, whole: bool = True, clipped: bool | None = None
) -> Iterator[tuple[str, Change]]:
    """What may help, the best first: the kind of each (a key of texts.OFFER) and the settings that it changes.

    Args:
        values: of all settings. whole: whether a whole class is forgotten. clipped: whether every push of the run was clipped; None where that is not known.
    """
    settings = method.config_cls.settings()
    forgets = _usable(settings, "forgets", {STRENGTH} if clipped else {CLIP})
    keeps, both = _usable(settings, "keeps"), _usable(settings, "both")
    switches = [s.name for s in settings if s.kind == "bool" and s.up == "keeps" and not values[s.name]]
    repairs, up, down = bool(method.parts.remaining), float(FACTOR), 1 / FACTOR
    if method.id == RETRAIN:  # it forgets by what it does not see
        if finding == "lost":
            yield from _each("lost", [both], [up], values)
    elif finding == "kept":
        stronger, turns = [forgets[:1], keeps[:1], both], [up, down, up]
        # Adam's step is as long whatever the gradient's length: a stronger push moves the weights little further, more steps do.
        last = 2 if values.get("optimizer") in ADAPTIVE else 0
        yield from _each("kept", stronger[last:] + stronger[:last], turns[last:] + turns[:last], values)
    elif finding == "lost":
        every = [s for s in keeps if s.name == EVERY]
        others = [s for s in keeps if s.name != EVERY]
        more = [[*every, *both] if every else [], others[:1], [] if every or not repairs else both]
        yield from _each("lost", more, [up, up, up], values)
        yield from _each("gentler", [forgets[:1], [] if repairs else both], [down, down], values)
    elif finding == "noticed":
        # A repair that moves far makes a class look as if it had never been learned (docs/experiments/0071); a random share it did not.
        rates = {
            s.name: turned(s, values[s.name], up if s.name == RATE else down)
            for s in settings
            if s.name in (RATE, STRENGTH)
        }
        if whole and EVERY in values and len(rates) == 2 and None not in rates.values():
            yield "firmer", rates
        once = values.get(EVERY, 0) >= values.get("steps", 1)
        yield from _each("noticed", [[] if once else keeps[:1]], [up], values)
        # Of a whole class no picture looks so unseen that it would be left alone.
        yield from (("noticed", {name: True}) for name in switches[:1] if not whole)
        yield from _each("noticed", [forgets[:1], [] if repairs else both], [down, down], values)


def _usable(settings: Sequence[Setting], up: str, without: Collection[str] = ()) -> list[Setting]:
    """The numbers that do this when turned up, in the order of the form; the learning rate last."""
    found = [s for s in settings if s.up == up and s.kind in ("int", "float") and s.name not in without]
    return sorted(found, key=lambda s: s.name == RATE)


def _each(
    kind: str, groups: Sequence[Sequence[Setting]], factors: Sequence[float], values: Mapping[str, Any]
) -> Iterator[tuple[str, Change]]:
    """One change for each group whose settings all can be turned by its factor."""
    for group, factor in zip(groups, factors, strict=True):
        change = {s.name: turned(s, values[s.name], factor) for s in group}
        if change and all(new is not None for new in change.values()):
            yield kind, change


def turned(setting: Setting, value: Any, factor: float) -> Any:
    """A number turned up or down as far as its range allows; None where it cannot move."""
    if value is None or setting.low is None or setting.high is None or (not value and factor < 1):
        return None
    new = min(max(value * factor, setting.low), setting.high)
    new = max(1, round(new)) if setting.kind == "int" else float(f"{new:.4g}")
    return None if new == value else new


def _clipped(record: RunRecord, values: Mapping[str, Any]) -> bool | None:
    """Whether the longest allowed gradient bounded every push of the run; None of a run whose steps are not known."""
    norms = [step.forget_grad_norm for step in record.steps if step.forget_grad_norm is not None]
    clip = values.get(CLIP)
    return None if not norms or clip is None else min(norms) >= CLIPPED * clip


def _said(setting: Setting, old: Any, new: Any) -> str:
    name = texts.NAMED.format(label=setting.label, symbol=setting.symbol) if setting.symbol else setting.label
    if setting.kind == "bool":
        return texts.ON.format(name=name)
    return texts.CHANGE.format(name=name, old=f"{old:g}", new=f"{new:g}")


def _harder(record: RunRecord, planned: RunPlan) -> Iterator[tuple[str, RunConfig]]:
    """Another thing to forget, and more care for the same."""
    config, spec = planned.config, planned.forget.spec
    kind = planned.card.kind
    if spec.concept:
        offered = list(read_concepts(planned.card.folder).offered)
        other = _next(offered, spec.concept)
        if other:
            forget = f"concept:{other}"
            yield texts.OFFER["concept"].format(what=other), _anew(config, kind, forget=forget, redirect="")
    elif planned.forget.names:
        names = planned.forget.names
        near = neighbour_classes(record)
        last = names[spec.classes[-1]] if spec.classes else names[-1]
        other = names[near[0]] if near else _next(list(names), last)
        word = "class" if spec.classes else "whole"
        if other:
            yield texts.OFFER[word].format(what=other), _anew(config, kind, forget=f"class:{other}")
    yield from _thorough(planned)


def _thorough(planned: RunPlan) -> Iterator[tuple[str, RunConfig]]:
    """The same with the thorough preset, where there is one and the run was quick."""
    config, kind = planned.config, planned.card.kind
    if config.preset == "quick" and "thorough" in presets.preset_names(config.model, config.method, kind=kind):
        title = PRESETS.get("thorough", "thorough")
        yield texts.OFFER["preset"].format(what=title), _anew(config, kind, preset="thorough")


def _anew(config: RunConfig, kind: str, **fields: Any) -> RunConfig:
    """The run with other fields, on what its preset then says."""
    run = replace(config, **fields)
    usual = presets.resolve(run.model, run.method, run.preset, run.variant, forget=run.forget, kind=kind)
    return replace(run, settings=usual)


def _next(names: Sequence[str], name: str) -> str:
    """The one that follows, round and round; "" where there is no other."""
    at = names.index(name) + 1 if name in names else 0
    found = names[at % len(names)] if names else ""
    return "" if found == name else found
