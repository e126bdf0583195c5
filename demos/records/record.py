"""A run as the comparing parts read it: the same whether it ended a second ago, its weights are gone, or it came from a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from sfr_core.configs import RunConfig
from sfr_core.data.concepts import Role
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import ForgetSpec, split_rows
from sfr_core.errors import PlaygroundError
from sfr_core.events import (
    Cancelled,
    Evaluated,
    Event,
    Finished,
    Kept,
    MaskReady,
    Prediction,
    Preview,
    Sheet,
    Step,
    broken_off,
)
from sfr_core.hub.concepts import shown_blurred
from sfr_core.kinds import KINDS
from sfr_core.plan import ForgetPlan, plan_forget
from sfr_core.results import GeneratorRecord, GeneratorReport, LiveRecord, ModelReport, Report, RunResult
from sfr_core.zoo import shipped

if TYPE_CHECKING:
    from demos.jobs.book import Job

CONCEPT = "concept:"
"""Beginning of the forget specifications of concepts."""
USED = ("device", "precision", "threads")
"""Fields of a config that a result has as they were used, whatever was asked for."""
State = Literal["queued", "running", "finished", "cancelled", "failed", "imported"]


@dataclass(frozen=True, slots=True)
class Moment:
    """What was recorded after step `i`: live figures, predictions of the fixed pictures or samples, and that step itself."""

    i: int
    live: LiveRecord | None = None
    predictions: tuple[Prediction, ...] = ()
    sheet: Sheet | None = None
    step: Step | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """Which moment of a run is nearest to the retrained model by the live numbers, of those whose weights are here.

    Attributes:
        step: of it. live: its numbers. goal: those of the retrained model.
        outcome: step of the weights that are the outcome now. last: the run's last step where its weights are held, else None.
    """

    step: int
    live: LiveRecord
    goal: LiveRecord
    outcome: int
    last: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run.

    Attributes:
        key: job id, or the token of an import; never shown in an address.
        config: what was to be run.
        state: how far it came.
        result: full-set metrics; None where the run never reached them.
        events: the log so far.
        dataset: its pictures, and the names of its labels (classes, or prompts); None where the model is not in this
            program's shipped.
        spec: the parsed forget specification; None where `dataset` is.
        roles: of a run that forgets a concept, what each prompt is to it.
        shown_before: likewise, share (0 to 1) of each prompt's samples that showed it before the run; empty once the
            weights are gone.
        reports: predictions of every picture, or samples, of "before", "after", "retrained"; empty for imported runs.
        created: Unix time of submission, None for imported runs.
        took: seconds from the start of the run to its end, the finished comparison; None before, and for imported runs.
        expected: the same as it was told; None where it was not known.
        nearest: which moment is nearest to the retrained model; None where none is held.
        too_large: bytes of one moment's weights, where they are too many for any to be held; else 0.
    """

    key: str
    config: RunConfig
    state: State
    result: RunResult | None = None
    events: tuple[Event, ...] = ()
    dataset: Dataset | None = None
    spec: ForgetSpec | None = None
    roles: tuple[Role, ...] = ()
    shown_before: Mapping[int, float] = field(default_factory=dict)
    reports: Mapping[str, Report] = field(default_factory=dict)
    created: float | None = None
    took: float | None = None
    expected: float | None = None
    nearest: Nearest | None = None
    too_large: int = 0

    @property
    def predictions(self) -> dict[str, ModelReport]:
        """What classifiers predict of every picture, by model; empty for a generator."""
        return {who: report for who, report in self.reports.items() if isinstance(report, ModelReport)}

    @property
    def samples(self) -> dict[str, GeneratorReport]:
        """What generators drew, by model; empty for a classifier."""
        return {who: report for who, report in self.reports.items() if isinstance(report, GeneratorReport)}

    @property
    def generates(self) -> bool:
        """True for a generator's run: its numbers say so, or its pictures, or else the shipped."""
        if self.result is not None:
            return isinstance(self.result.after, GeneratorRecord)
        previews = [event for event in self.events if isinstance(event, Preview)]
        return any(event.sheet for event in previews) if previews else KINDS[kind_of(self.config.model)].draws

    @property
    def used(self) -> RunConfig:
        """The config with the device, precision and threads that were used, where the result says so."""
        if self.result is None:
            return self.config
        said = {name: self.result.config[name] for name in USED if name in self.result.config}
        return replace(self.config, **said)

    @property
    def imported(self) -> bool:
        """True for a run from files."""
        return self.state == "imported"

    @property
    def of_concept(self) -> bool:
        """True for a run that forgets a concept: its labels are prompts."""
        return self.config.forget.strip().startswith(CONCEPT)

    @property
    def blurred(self) -> bool:
        """True where its pictures are shown only to those who ask for them."""
        return self.generates and shown_blurred(self.config.model)

    @property
    def unjudged(self) -> bool:
        """True for a finished run of a generator that has no judge: it has pictures and no numbers."""
        return (
            self.state in ("finished", "imported")
            and self.result is None
            and self.generates
            and not judged(self.config.model)
        )

    @property
    def undrawn(self) -> bool:
        """True for such a run that had too little memory in the end to draw all of its pictures."""
        return self.state in ("finished", "imported") and self.result is None and broken_off(self.events)

    @property
    def forgotten(self) -> tuple[int, ...]:
        """Labels to forget, where they are known."""
        return self.spec.classes if self.spec else ()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes; empty where the data are unknown."""
        return self.dataset.class_names if self.dataset else ()

    def forget_rows(self) -> NDArray[np.int64]:
        """Training rows of the forget set, sorted; empty where the data are unknown."""
        if self.dataset is None or self.spec is None:
            return np.zeros(0, np.int64)
        return split_rows(self.spec, self.dataset.train.labels).forget

    @property
    def mask(self) -> MaskReady | None:
        """The saliency mask of the run, if it made one."""
        return next((event for event in self.events if isinstance(event, MaskReady)), None)

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in order."""
        return tuple(event for event in self.events if isinstance(event, Step))

    @property
    def stopped_after(self) -> int | None:
        """Whole steps before an early stop; None for a run that was not stopped."""
        return next((event.steps for event in self.events if isinstance(event, Cancelled)), None)

    @property
    def kept_step(self) -> int | None:
        """The step whose weights were kept as the outcome; None where it is the last one."""
        kept = [event.steps for event in self.events if isinstance(event, Kept)]
        return kept[-1] if kept and kept[-1] != len(self.steps) else None

    @property
    def planned_steps(self) -> int | None:
        """Steps that the run was going to take, as its events say; None before the first."""
        return next((step.total for step in self.steps), None)

    def live(self) -> tuple[Evaluated, ...]:
        """Live evaluations, in order of their step."""
        found = [e for e in self.events if isinstance(e, Evaluated) and isinstance(e.record, LiveRecord)]
        return tuple(sorted(found, key=lambda e: e.i))

    def timeline(self) -> tuple[Moment, ...]:
        """Every step at which something was recorded, in order; pictures and numbers of one moment belong together."""
        live = {e.i: e.record for e in self.live() if isinstance(e.record, LiveRecord)}
        previews = {e.i: e for e in self.events if isinstance(e, Preview)}
        steps = {step.i: step for step in self.steps}
        nothing = Preview(i=0)
        return tuple(
            Moment(i, live.get(i), previews.get(i, nothing).predictions, previews.get(i, nothing).sheet, steps.get(i))
            for i in sorted(live.keys() | previews.keys())
        )


def result_in(events: Iterable[Event]) -> RunResult | None:
    """The result that a log ends with; None where the weights that were kept last were not measured."""
    found = None
    for event in events:
        if isinstance(event, Kept):
            found = None
        elif isinstance(event, Finished):
            found = event.result
    return found


def kind_of(model: str) -> str:
    """The kind of a model, the first one where the zoo does not know it."""
    try:
        return shipped.card(model).kind
    except PlaygroundError:
        return next(iter(KINDS))


def judged(model: str) -> bool:
    """Whether somebody judges what the model draws; of an unknown one the Hub's have no judge."""
    try:
        return shipped.card(model).judge is not None
    except PlaygroundError:
        return not model.startswith((shipped.HUB, shipped.LOCAL))


def dataset_of(model: str) -> Dataset | None:
    """The data of a model in the zoo, or None where the zoo does not know it or its files are gone."""
    try:
        # The zoo holds the pictures, and lets go of visitors' ones: nothing here may keep them longer.
        return shipped.open_dataset(shipped.card(model))
    except PlaygroundError:
        return None


def labels_of(config: RunConfig, dataset: Dataset | None) -> tuple[Dataset | None, ForgetSpec | None, tuple[Role, ...]]:
    """Data, forget specification and roles of a record, as far as this program knows the model; `dataset`: its pictures."""
    try:
        found = None if dataset is None else plan_forget(config, shipped.card(config.model), dataset)
    except PlaygroundError:
        found = None
    if found is None:
        return (None if config.forget.strip().startswith(CONCEPT) else dataset), None, ()
    return labelled(dataset, found)


def labelled(dataset: Dataset | None, forget: ForgetPlan) -> tuple[Dataset | None, ForgetSpec | None, tuple[Role, ...]]:
    """The pictures under the names of a run's labels, and what it forgets; nothing where the pictures are gone."""
    if dataset is None:
        return None, None, ()
    same = dataset.class_names == forget.names
    return dataset if same else replace(dataset, class_names=forget.names), forget.spec, forget.roles


def from_job(job: Job) -> RunRecord:
    """Takes a snapshot of a job; the job may go on running."""
    session: Any = job.session
    known = session.dataset if session is not None else dataset_of(job.config.model)
    dataset, spec, roles = labelled(known, job.plan.forget)
    result = job.result
    if result is None:
        result = result_in(job.log)
    return RunRecord(
        key=job.id,
        config=job.config,
        state=job.state,
        result=result,
        events=tuple(job.log),
        dataset=dataset,
        spec=spec,
        roles=roles,
        shown_before=dict(getattr(session, "shown_before", {})),
        reports=dict(session.reports) if session is not None else {},
        created=job.created,
        took=job.took,
        expected=None if job.expected is None else job.expected.seconds,
        nearest=None if job.active else nearest_of(session),
        too_large=0 if job.active else too_large(session),
    )


def too_large(session: Any) -> int:
    """Bytes of a moment's weights of a session that could hold none; 0 where that is not why."""
    moments: Any = getattr(session, "moments", None)
    asked = moments is not None and not moments.room and session.has("retrained")
    return int(moments.bytes) if asked else 0


def nearest_of(session: Any) -> Nearest | None:
    """What a session's held moments say; None where it holds none."""
    moments: Any = getattr(session, "moments", None)
    best = None if moments is None or session.after is None else moments.nearest
    if best is None:
        return None
    last = max(moments.held)
    return Nearest(
        step=best.step,
        live=best.record,
        goal=moments.goal,
        outcome=session.tally.steps,
        last=last if last != session.tally.steps else None,
    )
