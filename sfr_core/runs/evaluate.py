"""What differs between kinds of models in a run: opening the task, and measuring before, after and retrained at its end."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

import numpy as np
import torch
from torch import nn

from sfr_core.cancel import CancelToken
from sfr_core.configs import MethodConfig, RunConfig, Trainable
from sfr_core.data.concepts import plan_prompts, read_concepts
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split
from sfr_core.errors import AssetError, InputError
from sfr_core.events import Evaluated, Event, PhaseProgress, PhaseStarted
from sfr_core.metrics.classifier import Answers, judge, report
from sfr_core.nets.prompt_judge import prompt_judge
from sfr_core.ops.device import is_out_of_memory
from sfr_core.results import GeneratorRecord, Record
from sfr_core.runs.sampling import (
    ConceptDrawn,
    Drawn,
    Plan,
    Samples,
    draw,
    draw_unjudged,
    known_record,
    plan,
    prompt_plan,
    protocol_of,
    unjudged_plan,
)
from sfr_core.tasks.base import RunTask
from sfr_core.tasks.classifier import ClassifierTask
from sfr_core.tasks.ddpm import ddpm_task
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.tasks.dit import dit_task
from sfr_core.tasks.text_to_image import GUIDANCE, TextToImageTask
from sfr_core.zoo.cards import ModelCard
from sfr_core.zoo.shipped import gold_standard, open_judge

if TYPE_CHECKING:
    from sfr_core.runs.session import Session

Who = Literal["before", "after", "retrained", "twin"]
Measured = Generator[Event, None, dict[Who, Record]]
ANSWERS_KEPT = 24
"""Answers of shipped models that stay in memory (about 1.6 MB each), so that a second run does not ask them again."""
SAMPLES_KEPT = 24
"""Samples of shipped generators that stay in memory, so that a second run does not draw them again: about 0.3 MB each with the
judge's features. The judge itself is one for all (zoo.open_judge)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a task is made of.

    Attributes:
        config: of the run. method: its settings, validated and whole.
        card, dataset, split: the model, its pictures, and what is forgotten.
        load: gives the network, or the pipeline that holds it.
        build: makes the same architecture with fresh weights.
    """

    config: RunConfig
    method: MethodConfig
    card: ModelCard
    dataset: Dataset
    split: Split
    load: Callable[[], Any]
    build: Callable[[], nn.Module]
    device: torch.device


class ModelKind(Protocol):
    """One kind of models."""

    def open(self, given: Opening) -> RunTask:
        """The task, with the network (or the pipeline that holds it) that `given.load` gives.

        Raises:
            InputError: a file is missing or damaged.
        """
        ...

    def measure(self, session: Session, steps: int, cancel: CancelToken) -> Measured:
        """The phase `evaluate`: records of all models, and `session.reports`.

        Args:
            steps: steps of the run, for the events.

        Raises:
            Stopped: `cancel` was set; asked at least before every batch.
        """
        ...


class ClassifierKind:
    """Classifiers: every model is asked about every picture."""

    def open(self, given: Opening) -> RunTask:
        return ClassifierTask(
            given.load(), given.build, given.dataset, given.split, device=given.device, seed=given.config.seed
        )

    def measure(self, session: Session, steps: int, cancel: CancelToken) -> Measured:
        order: tuple[Who, ...] = ("retrained", "twin", "before", "after")
        yield PhaseStarted(phase="evaluate", total=len(order))
        records: dict[Who, Record] = {}
        retrained: Answers | None = None
        for done, who in enumerate(order, 1):
            cancel.check()
            answers = self.answers(session, who, cancel)
            if who == "retrained":
                retrained = answers
            if answers is not None:
                records[who] = judge(answers, session.dataset, session.split, retrained)
                session.reports[who] = report(answers)
            yield PhaseProgress(phase="evaluate", done=done, total=len(order))
            if answers is not None and who != "twin":
                yield Evaluated(i=0 if who != "after" else steps, when=who, record=records[who])
        return records

    def answers(self, session: Session, who: Who, cancel: CancelToken | None = None) -> Answers | None:
        """Probabilities of one of the four models on every picture; None where there is no such retrained model."""
        task = session.task
        if not isinstance(task, ClassifierTask):
            raise InputError("Only a classifier has answers.", hint="Ask a generator for samples.")
        key = _key(session, who)
        found = None if key is None else _answers.get(key)
        if found is None:
            # After a run the live model is asked as it is, in the very layout in memory that it was trained in.
            module = None if who == "after" else session.reference(who)
            if module is None and who != "after":
                return None
            found = Answers.from_logits(task.predict("train", module, cancel), task.predict("test", module, cancel))
            if key is not None:
                _answers.put(key, found)
        return found


class GeneratorKind:
    """Pixel diffusion models. All models draw from the same noise: a whole record's samples, unless the card has the record."""

    order: tuple[Literal["before", "after", "retrained"], ...] = ("retrained", "before", "after")

    def open(self, given: Opening) -> RunTask:
        judge, config = open_judge(given.card), given.config
        return ddpm_task(
            given.load(), given.dataset, given.split, judge, device=given.device, seed=config.seed, data=config.data
        )

    def measure(self, session: Session, steps: int, cancel: CancelToken) -> Measured:
        task = session.task
        assert isinstance(task, DiffusionTask)
        if task.judge is None:
            try:
                yield from self._show(session, task, cancel)
            except (MemoryError, RuntimeError) as error:
                # The run itself is done: rather no pictures than no weights. That its phase breaks off tells it (events.broken_off).
                if not is_out_of_memory(error):
                    raise
            return {}
        wanted = self._wanted(session)
        known: dict[Who, GeneratorRecord | None] = {who: self._known(session, who, wanted) for who in self.order}
        present = [who for who in self.order if who == "after" or session.has(who)]
        keys = {who: self._key(session, who, wanted) for who in present}
        kept = {who: _samples.get(key) for who, key in keys.items() if key is not None}
        todo = [who for who in present if kept.get(who) is None]
        total = sum(wanted.steps(known[who] is None, task.shape) for who in todo)
        yield PhaseStarted(phase="evaluate", total=total)
        records: dict[Who, Record] = {}
        done = 0
        for who in present:
            record, drawn = known[who], kept.get(who)
            if drawn is None:
                model = None if who == "after" else session.reference(who)
                work = draw(task, task.judge, wanted.rows(whole=record is None), wanted.protocol, model)
                drawn = yield from _told(work, done, total, cancel)
                done += wanted.steps(record is None, task.shape)
                if (key := keys[who]) is not None:
                    _samples.put(key, drawn)
            records[who] = record = record or self._record(session, who, drawn)
            session.reports[who] = drawn.report(wanted.shown if len(drawn.labels) == len(wanted.labels) else None)
            yield Evaluated(i=0 if who != "after" else steps, when=who, record=record)
        return records

    def _show(self, session: Session, task: DiffusionTask, cancel: CancelToken) -> Generator[Event, None, None]:
        """A few pictures before and after, from the same noise, of a model that nobody can judge."""
        wanted = self._unjudged(session)
        models: tuple[Who, ...] = ("before", "after")
        total = len(models) * wanted.steps(True, task.shape)
        yield PhaseStarted(phase="evaluate", total=total)
        done = 0
        for who in models:
            model = None if who == "after" else session.reference(who)
            work = draw_unjudged(task, wanted.labels, wanted.protocol, model)
            session.reports[who] = (yield from _told(work, done, total, cancel)).report()
            done += wanted.steps(True, task.shape)

    def _unjudged(self, session: Session) -> Plan:
        forgotten = np.array(session.split.spec.classes, np.int64)
        others = np.setdiff1d(np.arange(len(session.dataset.class_names)), forgotten)
        return unjudged_plan(forgotten, others, protocol_of(session.card))

    def _wanted(self, session: Session) -> Plan:
        return plan(session.split.spec.classes, len(session.dataset.class_names), protocol_of(session.card))

    def _record(self, session: Session, who: Who, drawn: Drawn) -> GeneratorRecord:
        return drawn.record(session.split.spec.classes)

    def _known(self, session: Session, who: Who, wanted: Plan) -> GeneratorRecord | None:
        card, spec = session.card, session.split.spec
        gold = gold_standard(card, spec.text)
        found = {"before": card.records.get(spec.text, {}), "retrained": {} if gold is None else gold.records}
        return known_record(found.get(who, {}), wanted.protocol, wanted.labels, spec.classes)

    def _key(self, session: Session, who: Who, wanted: Plan) -> str | None:
        key = _key(session, who)
        return None if key is None else f"{key}/{session.split.spec.text}/{wanted.protocol.name}"


class DitKind(GeneratorKind):
    """Latent diffusion transformers, opened as a pipeline; measured as the others are."""

    def open(self, given: Opening) -> RunTask:
        card, config = given.card, given.config
        judge = None if card.judge is None else open_judge(card)
        if judge is not None and judge.names and judge.names != given.dataset.class_names:
            raise AssetError(f"The judge of '{card.id}' knows other classes.", hint="Make both by the same recipe.")
        pipeline = given.load()
        return dit_task(
            pipeline.transformer, pipeline.vae, given.dataset, given.split, judge, device=given.device, seed=config.seed,
            data=config.data, guidance=protocol_of(card).guidance,
        )  # fmt: skip


class TextToImageKind(GeneratorKind):
    """Stable Diffusions, opened as a pipeline. Whole records are always drawn: which paraphrases count, the original tells."""

    order = ("before", "retrained", "after")

    def open(self, given: Opening) -> RunTask:
        card, config = given.card, given.config
        prompts = plan_prompts(read_concepts(card.folder), given.split.spec, config.redirect)
        judge = None if card.judge is None else prompt_judge(open_judge(card), prompts)
        guidance = GUIDANCE if card.sampling is None else card.sampling.guidance
        # The method's own default where the config does not say it; a method in closed form chooses its layers itself.
        trainable: Trainable = getattr(given.method, "trainable", "full")
        return TextToImageTask(
            given.load(), prompts, judge, device=given.device, seed=config.seed, trainable=trainable, guidance=guidance
        )

    def _wanted(self, session: Session) -> Plan:
        task = session.task
        assert isinstance(task, TextToImageTask)
        return prompt_plan(task.plan, protocol_of(session.card))

    def _record(self, session: Session, who: Who, drawn: Drawn) -> GeneratorRecord:
        assert isinstance(drawn, ConceptDrawn)
        if who == "before":
            session.shown_before = drawn.shares()
        return drawn.concept_record(session.shown_before)

    def _known(self, session: Session, who: Who, wanted: Plan) -> GeneratorRecord | None:
        return None


S = TypeVar("S", bound=Samples)


def _told(work: Generator[int, None, S], done: int, total: int, cancel: CancelToken) -> Generator[Event, None, S]:
    """Draws what `work` draws and tells of each of its steps, `done` of `total` before them.

    Raises:
        Stopped: `cancel` was set; asked before every step.
    """
    try:
        while True:
            cancel.check()
            next(work)
            done += 1
            yield PhaseProgress(phase="evaluate", done=done, total=total)
    except StopIteration as end:
        drawn: S = end.value
        return drawn
    finally:
        work.close()


def _key(session: Session, who: Who) -> str | None:
    """Under which the answers of a shipped model are kept; None for all others."""
    card, gold = session.card, gold_standard(session.card, session.split.spec.text, twin=who == "twin")
    if card.source != "bundled" or who == "after" or (who != "before" and gold is None):
        return None
    which = who if who == "before" else f"{who}/{session.split.spec.text}"
    return f"{session.dataset.name}/{card.sha256}/{which}/{session.device.type}/{session.precision}"


T = TypeVar("T")


class _Kept(Generic[T]):
    """The last `most` results for shipped models; safe to use from several runs."""

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._most = most
        self._kept: OrderedDict[str, T] = OrderedDict()

    def get(self, key: str) -> T | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, value: T) -> None:
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


_answers: _Kept[Answers] = _Kept(ANSWERS_KEPT)
_samples: _Kept[Drawn] = _Kept(SAMPLES_KEPT)
