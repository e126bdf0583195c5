"""How long a run takes from its start to the finished comparison: what it has to compute, at this machine's pace (runs/pace.py)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from sfr_core.configs import RunConfig
from sfr_core.configs.recovery import Attack
from sfr_core.data.class_sets import PreviewSettings, SelfGenerated
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split
from sfr_core.kinds import KINDS
from sfr_core.ops.device import is_out_of_memory
from sfr_core.passes import cost_of, sizes
from sfr_core.plan import RunPlan
from sfr_core.runs.evaluate import Place, Planned, Who, key_of, known_of, predictions_key, samples_key, wanted_of
from sfr_core.runs.known import Key, known
from sfr_core.runs.pace import Pace, Paces, Ran
from sfr_core.runs.sampling import protocol_of
from sfr_core.runs.session import Session
from sfr_core.tasks.classifier import LIVE_ROWS, PREVIEW_PICTURES, PREVIEWS
from sfr_core.tasks.pictures import about_own
from sfr_core.zoo.cards import ModelCard, retrained_model
from sfr_core.zoo.shipped import open_dataset

GUIDED = 2
"""Answers of the network for one picture with guidance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a run has to compute, in single pictures.

    Attributes:
        own: answers for the pictures that a generator draws of itself before the run.
        fisher, steps: forward-backward passes.
        previews: how many come after the one before the first step. preview: answers for each.
        evaluate: answers at the end. units: of the phase `evaluate`, those that take time; 0: all do.
        shown, judged: samples that are shown and judged in a preview, and at the end.
    """

    own: float = 0.0
    fisher: float = 0.0
    steps: float = 0.0
    previews: int = 0
    preview: float = 0.0
    evaluate: float = 0.0
    units: int = 0
    shown: int = 0
    judged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Seconds of a run, part by part; `preview` is one of `previews` + 1.

    Attributes:
        units: see Work.
        factors: what earlier runs corrected the method's part (fisher, steps) and all else but `opening` by.
    """

    opening: float
    own: float
    fisher: float
    steps: float
    previews: int
    preview: float
    evaluate: float
    units: int = 0
    factors: tuple[float, float] = (1.0, 1.0)

    @property
    def method(self) -> float:
        """What the run's own record calls its seconds."""
        return self.fisher + self.steps

    @property
    def rest(self) -> float:
        """Own pictures, previews and the evaluation."""
        return self.own + (self.previews + 1) * self.preview + self.evaluate

    @property
    def seconds(self) -> float:
        """From the start of the run to the finished comparison."""
        return self.opening + self.method + self.rest

    def ran(self, name: str, *, method: float | None, seconds: float) -> Ran:
        """What a run of the method `name` teaches.

        Args:
            method: its own seconds; None where it has no record. seconds: of the whole run after its opening.
        """
        by_method, by_rest = self.factors
        if method is None:
            ratio = seconds / max(self.method + self.rest, 1e-9)
            return Ran(name=name, method=ratio * by_method, rest=ratio * by_rest)
        return Ran(
            name=name,
            method=by_method * (method / self.method if self.method > 0 else 1.0),
            rest=by_rest * ((seconds - method) / self.rest if self.rest > 0 else 1.0),
        )


def expected(run: RunPlan, paces: Paces, dataset: Dataset | None = None) -> Expected | None:
    """The expected time of a run, its evaluation included; None where no pass of its model was timed on this machine.

    Args:
        dataset: the model's pictures where the zoo does not know them.
    """
    pace = paces.of(run)
    return None if pace is None else at_pace(work_of(run, pace, dataset), pace, run.config.method)


def expected_race(runs: Iterable[RunPlan], paces: Paces, dataset: Dataset | None = None) -> list[Expected] | None:
    """The expected times of the runs of a race, one after the other; None where that of one is not known.

    What an earlier run asks of a shipped model is known when a later one needs it.
    """
    found: list[Expected] = []
    told: set[str] = set()
    for run in runs:
        pace = paces.of(run)
        if pace is None:
            return None
        found.append(at_pace(work_of(run, pace, dataset, told), pace, run.config.method))
    return found


def opened(session: Session, seconds: float, paces: Paces) -> Expected | None:
    """The same at the begin of a run, whose model was opened in some seconds; passes are timed now where none were."""
    try:
        paces.measure(session, seconds)
    except (MemoryError, RuntimeError) as error:  # the run itself may need less
        if not is_out_of_memory(error):
            raise
        return None
    found = expected(session.plan, paces, session.dataset)
    return None if found is None else replace(found, opening=seconds)


def at_pace(work: Work, pace: Pace, method: str) -> Expected:
    """The time of some work of a method."""
    rates, (by_method, by_rest) = pace.rates, pace.factors(method)
    return Expected(
        opening=rates.opening,
        own=by_rest * work.own * rates.forward,
        fisher=by_method * work.fisher * rates.train,
        steps=by_method * work.steps * rates.train,
        previews=work.previews,
        preview=by_rest * (work.preview * rates.forward + work.shown * rates.look),
        evaluate=by_rest * (work.evaluate * rates.forward + work.judged * rates.look),
        units=work.units,
        factors=(by_method, by_rest),
    )


def drawing(run: RunPlan, paces: Paces, n: int) -> float | None:
    """Expected seconds of drawing and judging n samples of one of a run's models; None as `expected`."""
    pace = paces.of(run)
    if pace is None:
        return None
    _, by_rest = pace.factors(run.config.method)
    return by_rest * n * (GUIDED * protocol_of(run.card).steps * pace.rates.forward + pace.rates.look)


def attacking(run: RunPlan, paces: Paces) -> float | None:
    """Expected seconds of a recovery attack on one of a run's models; None as `expected`."""
    how, pace = Attack(), paces.of(run)
    drawn = drawing(run, paces, how.samples)
    if pace is None or drawn is None:
        return None
    # No weight has a gradient there: backward is one forward more.
    return drawn + GUIDED * how.steps * how.batch_size * pace.rates.forward


@dataclass(slots=True)
class _Run:
    """What an evaluation must know of a run, before there is a session."""

    config: RunConfig
    card: ModelCard
    dataset: Dataset
    split: Split


class _Knowledge:
    """What is known when a run needs it: on disk already, or made known by a run before it."""

    def __init__(self, told: set[str]) -> None:
        self._told = told

    def __call__(self, key: Key | None) -> bool:
        """Whether an entry will be there; after this one it is."""
        if key is None:
            return False
        kept = known()
        found = key.text() in self._told or kept.has(key)
        if kept.keeps:
            self._told.add(key.text())
        return found


def work_of(run: RunPlan, pace: Pace, dataset: Dataset | None = None, told: set[str] | None = None) -> Work:
    """What a run has to compute where the machine of `pace` knows what it knows.

    Args:
        dataset: as for `expected`. told: keys that runs before it will have made known; those of this one are added.
    """
    is_known = _Knowledge(set() if told is None else told)
    cost, kind = cost_of(run), KINDS[run.card.kind]
    dataset = dataset or open_dataset(run.card)
    asked = _Run(run.config, run.card, replace(dataset, class_names=run.forget.names), run.forget.split)
    place = Place(pace.rates.precision, pace.machine)
    method = Work(fisher=cost.fisher * kind.passes_per_mask, steps=cost.forget + cost.remain)
    return (_drawing if kind.draws else _answering)(run, asked, place, method, is_known)


def _previews(run: RunPlan, most: int) -> int:
    """How often a run looks between its steps (runner.run)."""
    steps = getattr(run.settings, "steps", most)
    return math.ceil(steps / math.ceil(steps / most))


def _answering(run: RunPlan, asked: Planned, place: Place, work: Work, is_known: _Knowledge) -> Work:
    n_forget, n_remain, n_test = sizes(run)
    unknown = sum(not is_known(predictions_key(place, asked, who)) for who in _models(run))
    return replace(
        work,
        previews=_previews(run, PREVIEWS),
        preview=min(n_forget, LIVE_ROWS) + min(n_remain, LIVE_ROWS) + PREVIEW_PICTURES,
        evaluate=unknown * (n_forget + n_remain + n_test),
        units=unknown,
    )


def _drawing(run: RunPlan, asked: Planned, place: Place, work: Work, is_known: _Knowledge) -> Work:
    kind, forget, card = KINDS[run.card.kind], run.forget, run.card
    previews = kind.previews or PreviewSettings()
    shown = _previewed(run, previews)
    wanted = wanted_of(asked, forget.prompts, len(forget.names), judged=card.judge is not None)
    drawn = looked_at = 0
    for who in _models(run):
        if card.judge is None and who == "retrained":
            continue
        whole = card.judge is None or known_of(forget.prompts, asked, who, wanted) is None
        rows = len(wanted.rows(whole))
        looked_at += rows
        drawn += 0 if is_known(samples_key(place, asked, who, wanted, whole=whole)) else rows
    return replace(
        work,
        own=_own(run, asked, place, is_known),
        previews=_previews(run, previews.times),
        preview=GUIDED * shown * previews.steps,
        evaluate=GUIDED * drawn * wanted.protocol.steps,
        shown=shown,
        judged=looked_at,
    )


def _models(run: RunPlan) -> list[Who]:
    """The models that are compared at the end."""
    spec, there = run.forget.spec.text, list[Who](("before", "after"))
    there += ["retrained"] if retrained_model(run.card, spec) else []
    # Only classifiers are compared with a second one (runs/evaluate.py).
    return (
        [*there, "second"] if retrained_model(run.card, spec, second=True) and not KINDS[run.card.kind].draws else there
    )


def _previewed(run: RunPlan, previews: PreviewSettings) -> int:
    """Samples of one preview."""
    forget = run.forget
    if forget.prompts is not None:
        return previews.columns * len(forget.prompts.previewed(previews.classes))
    others = np.setdiff1d(np.arange(len(forget.names)), forget.spec.classes)
    return len(previews.labels(forget.spec.classes, others))


def _own(run: RunPlan, asked: Planned, place: Place, is_known: _Knowledge) -> float:
    """Answers for the pictures that a model without data draws of itself: those to keep are drawn without guidance."""
    forget, kind = run.forget, KINDS[run.card.kind]
    if forget.prompts is None and run.config.data != "data-free":
        return 0.0
    own = kind.own or SelfGenerated()
    if kind.pipeline is not None and run.card.sampling is not None:
        own = replace(own, guidance=run.card.sampling.guidance)
    if forget.prompts is not None:
        labels, texts = forget.prompts.generated_labels, forget.prompts.texts
    else:
        others = np.setdiff1d(np.arange(len(forget.names)), forget.spec.classes)
        labels, texts = own.labels(forget.spec.classes, others), forget.names
    if is_known(key_of(place, asked, "before", {**about_own(labels, own, run.config.seed), "prompts": texts})):
        return 0.0
    mine = int(np.isin(labels, forget.spec.classes).sum())
    return float((GUIDED * mine + len(labels) - mine) * own.steps)
