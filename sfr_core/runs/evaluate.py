"""What the models of a run are at its end: classifiers are asked about every picture, generators drawn from. Nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

import numpy as np
from torch import nn

from sfr_core.cancel import CancelToken, Stopped
from sfr_core.configs import RunConfig
from sfr_core.data.concepts import PromptPlan
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split
from sfr_core.errors import AssetError
from sfr_core.events import Evaluated, Event, PhaseProgress, PhaseStarted
from sfr_core.kinds import KINDS
from sfr_core.kinds.base import named
from sfr_core.metrics.classifier import Answers, judge, relative, report
from sfr_core.metrics.generation import SAMPLE_SEED
from sfr_core.ops.device import UsedPrecision, is_out_of_memory
from sfr_core.reading import read
from sfr_core.results import ClassifierRecord, GeneratorRecord, Record, Report
from sfr_core.runs.known import Key, digest, known, machine_of
from sfr_core.runs.sampling import (
    ConceptDrawn,
    Plan,
    Samples,
    draw,
    draw_unjudged,
    judged,
    known_record,
    plan,
    prompt_plan,
    protocol_of,
    unjudged_plan,
)
from sfr_core.tasks.base import Previewed
from sfr_core.tasks.classifier import ClassifierTask
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.tasks.text_to_image import TextToImageTask
from sfr_core.zoo.cards import ModelCard
from sfr_core.zoo.shipped import retrained_model

Who = Literal["before", "after", "retrained", "second"]
Models = Mapping[Who, Callable[[], nn.Module | None]]
"""The models that there are; each is made when it is asked. None stands for the live one, as it was trained, in its very layout in memory."""
CHANNELS_FIRST, CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
"""Samples are kept in the layout in which they were drawn: the judge's last bits depend on it."""

DIGITS = 6
"""Of chances, by which a record is found again."""


class Place(NamedTuple):
    """What predictions and samples depend on beside weights and noise: precision, and the machine (known.machine_of)."""

    precision: UsedPrecision
    machine: str


def place_of(task: ClassifierTask | DiffusionTask) -> Place:
    """Where a task computes."""
    return Place(task.precision, machine_of(task.device))


class Planned(Protocol):
    """What a run does, as far as its evaluation must know."""

    config: RunConfig
    card: ModelCard
    dataset: Dataset
    split: Split


@dataclass(slots=True, kw_only=True)
class Evaluation:
    """What was measured, by model.

    Attributes:
        records: metrics; empty of a generator that nobody can judge.
        reports: answers picture by picture, or samples.
        shown_before: of a text-to-image model, share (0 to 1) of each prompt's samples that fulfil it before the run.
        stopped: it was stopped, and so this is only the beginning.
    """

    records: dict[Who, Record] = field(default_factory=dict)
    reports: dict[Who, Report] = field(default_factory=dict)
    shown_before: dict[int, float] = field(default_factory=dict)
    stopped: bool = False


Measured = Generator[Event, None, None]


def evaluate(
    task: Any, run: Planned, models: Models, *, steps: int, cancel: CancelToken
) -> Generator[Event, None, Evaluation]:
    """The phase `evaluate` of a run; `Kind.measures` says how.

    Args:
        task: of the run. No weight, mode or generator of it is changed.
        run: what was run on what.
        models: the live one among them, as `after`.
        steps: of the run, for the events.
        cancel: asked at least before every batch.
    """
    found = Evaluation()
    measure: Callable[..., Measured] = named(KINDS[run.card.kind].measures)
    try:
        yield from measure(task, run, models, found, steps=steps, cancel=cancel)
    except Stopped:
        found.stopped = True
    return found


def by_answers(
    task: ClassifierTask, run: Planned, models: Models, found: Evaluation, *, steps: int, cancel: CancelToken
) -> Measured:
    """Classifiers: every model is asked about every picture; fills `found`."""
    order: tuple[Who, ...] = ("retrained", "second", "before", "after")
    yield PhaseStarted(phase="evaluate", total=len(order))
    retrained: Answers | None = None
    for done, who in enumerate(order, 1):
        cancel.check()
        answers = answers_of(task, run, models, who, cancel)
        if who == "retrained":
            retrained = answers
        if answers is not None:
            record = _judged(task, run, who, answers, retrained)
            unseen = None if retrained is None else relative(answers, run.dataset, run.split, retrained)
            found.records[who] = replace(record, RMIA=unseen)
            found.reports[who] = report(answers)
        yield PhaseProgress(phase="evaluate", done=done, total=len(order))
        if answers is not None and who != "second":
            yield Evaluated(i=0 if who != "after" else steps, when=who, record=found.records[who])


def _judged(
    task: ClassifierTask, run: Planned, who: Who, answers: Answers, retrained: Answers | None
) -> ClassifierRecord:
    """The record of one of a classifier's models: its attacks take seconds, so that of a shipped model is made once."""
    # Rounded: the last bits of a softmax depend on the processor, and shipped entries hold on all.
    compared = "" if retrained is None else digest(retrained.train[run.split.forget].round(DIGITS))
    key = key_of(
        place_of(task), run, who, {"what": "record", "forget": run.split.spec.text, "rows": digest(run.split.forget), "retrained": compared}
    )  # fmt: skip
    kept = None if key is None else known().get(key)
    if kept is not None:
        with suppress(AssetError, ValueError, KeyError):  # of a damaged entry nothing is taken
            return read(ClassifierRecord, json.loads(str(kept["record"])), "a kept record", hint="")
    made = judge(answers, run.dataset, run.split, retrained)
    if key is not None:
        known().put(key, {"record": np.array(json.dumps(asdict(made)))})
    return made


def answers_of(
    task: ClassifierTask, run: Planned, models: Models, who: Who, cancel: CancelToken | None = None
) -> Answers | None:
    """Probabilities of one of a classifier's models on every picture; None where there is no such model.

    Raises:
        Stopped: `cancel` was set; asked before every batch.
    """
    if who not in models:
        return None
    key = predictions_key(place_of(task), run, who)
    logits = None if key is None else known().get(key)
    if logits is None:
        model = models[who]()
        logits = {"train": task.predict("train", model, cancel), "test": task.predict("test", model, cancel)}
        if key is not None:
            known().put(key, logits)
    return Answers.from_logits(logits["train"], logits["test"])


def by_samples(
    task: DiffusionTask, run: Planned, models: Models, found: Evaluation, *, steps: int, cancel: CancelToken
) -> Measured:
    """Generators: all models draw from the same noise, a whole record's samples, unless the card has the record; fills `found`."""
    if task.judge is None:
        try:
            yield from _unjudged(task, run, models, found, cancel)
        except (MemoryError, RuntimeError) as error:
            # The run itself is done: rather no pictures than no weights. That its phase breaks off tells it (events.broken_off).
            if not is_out_of_memory(error):
                raise
        return
    # Which paraphrases count in a concept's record, the original tells.
    order: tuple[Literal["before", "after", "retrained"], ...] = ("retrained", "before", "after")
    prompts, place = _prompts(task), place_of(task)
    if prompts is not None:
        order = ("before", "retrained", "after")
    wanted = wanted_of(run, prompts, task.classes, judged=True)
    present = [who for who in order if who in models]
    records = {who: known_of(prompts, run, who, wanted) for who in present}
    keys = {who: samples_key(place, run, who, wanted, whole=records[who] is None) for who in present}
    kept = {who: known().get(key) for who, key in keys.items() if key is not None}
    total = sum(wanted.steps(records[who] is None, task.shape) for who in present if kept.get(who) is None)
    yield PhaseStarted(phase="evaluate", total=total)
    done = 0
    for who in present:
        record, images = records[who], kept.get(who)
        labels = wanted.rows(whole=record is None)
        if images is not None:
            drawn = judged(images["images"].transpose(CHANNELS_LAST), labels, task.judge, wanted.protocol)
        else:
            work = draw(task, task.judge, labels, wanted.protocol, models[who]())
            drawn = yield from _told(work, done, total, cancel)
            done += wanted.steps(record is None, task.shape)
            if (key := keys[who]) is not None:
                known().put(key, {"images": drawn.images.transpose(CHANNELS_FIRST)})
        if isinstance(drawn, ConceptDrawn):
            if who == "before":
                found.shown_before = drawn.shares()
            record = drawn.concept_record(found.shown_before)
        found.records[who] = record = record or drawn.record(run.split.spec.classes)
        found.reports[who] = drawn.report(wanted.shown if len(drawn.labels) == len(wanted.labels) else None)
        yield Evaluated(i=0 if who != "after" else steps, when=who, record=record)


def _unjudged(task: DiffusionTask, run: Planned, models: Models, found: Evaluation, cancel: CancelToken) -> Measured:
    """A few pictures before and after, from the same noise, of a model that nobody can judge."""
    wanted = wanted_of(run, _prompts(task), task.classes, judged=False)
    both: tuple[Who, ...] = ("before", "after")
    each = wanted.steps(True, task.shape)
    yield PhaseStarted(phase="evaluate", total=len(both) * each)
    for i, who in enumerate(both):
        work = draw_unjudged(task, wanted.labels, wanted.protocol, models[who]())
        found.reports[who] = (yield from _told(work, i * each, len(both) * each, cancel)).report()


def _prompts(task: DiffusionTask) -> PromptPlan | None:
    return task.plan if isinstance(task, TextToImageTask) else None


def wanted_of(run: Planned, prompts: PromptPlan | None, classes: int, *, judged: bool) -> Plan:
    """What is drawn of each model of a run.

    Args:
        prompts: of a run that forgets a concept. classes: number of labels. judged: whether somebody judges it.
    """
    forgotten, protocol = run.split.spec.classes, protocol_of(run.card)
    if not judged:
        mine = np.array(forgotten, np.int64)
        return unjudged_plan(mine, np.setdiff1d(np.arange(classes), mine), protocol)
    return plan(forgotten, classes, protocol) if prompts is None else prompt_plan(prompts, protocol)


def known_of(prompts: PromptPlan | None, run: Planned, who: Who, wanted: Plan) -> GeneratorRecord | None:
    """The record that the card has of a model, made as `wanted`; None where it has none. A concept's is always made anew."""
    card, spec = run.card, run.split.spec
    reference = retrained_model(card, spec.text)
    found = {"before": card.records.get(spec.text, {}), "retrained": {} if reference is None else reference.records}
    if prompts is not None:
        return None
    return known_record(found.get(who, {}), wanted.protocol, wanted.labels, spec.classes)


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


def texts_of(task: DiffusionTask, run: Planned) -> Sequence[str]:
    """What a generator's labels stand for."""
    return task.plan.texts if isinstance(task, TextToImageTask) else run.dataset.class_names


def preview_of(
    task: DiffusionTask, run: Planned, who: Who, model: Callable[[], nn.Module | None], cancel: CancelToken
) -> Previewed | None:
    """A preview of the model before the run, or of the retrained one: what a shipped one draws there is drawn once on a machine.

    Args:
        model: makes it; None stands for the live one.

    Returns:
        None if it was stopped.
    """
    key = key_of(place_of(task), run, who, {**task.about_preview(), "prompts": texts_of(task, run)})
    found = None if key is None else known().get(key)
    images = task.preview_samples(cancel, model()) if found is None else found["images"]
    if images is None:
        return None
    if key is not None and found is None:
        known().put(key, {"images": images})
    return task.previewed(images)


def samples_key(place: Place, run: Planned, who: Who, wanted: Plan, *, whole: bool) -> Key | None:
    """Under which the samples of a shipped model are known; None for all others."""
    protocol = wanted.protocol
    about = {
        "what": "samples", "labels": digest(wanted.rows(whole)), "prompts": run.dataset.class_names, "seed": SAMPLE_SEED,
        "steps": protocol.steps, "guidance": protocol.guidance,
    }  # fmt: skip
    return key_of(place, run, who, about)


def predictions_key(place: Place, run: Planned, who: Who) -> Key | None:
    """The same of a classifier's predictions on every picture."""
    return key_of(place, run, who, {"what": "predictions"})


def key_of(place: Place, run: Planned, who: Who, about: Mapping[str, Any]) -> Key | None:
    """Under which something about one of a run's models is known; None where it is not a shipped one.

    Args:
        about: what, beside the weights, the pictures and the precision.
    """
    card = run.card
    reference = retrained_model(card, run.split.spec.text, second=who == "second")
    if card.source != "bundled" or who == "after":
        return None
    weights = card.weight_files
    if who != "before":
        if reference is None:
            return None
        weights = {**weights, card.file: reference.sha256}
    shared = {
        "weights": weights, "dataset": run.dataset.name, "precision": place.precision, "memory": run.config.memory
    }  # fmt: skip
    return Key({**about, **shared}, place.machine)


def pictures_key(task: object, run: Planned) -> Key | None:
    """Under which the pictures that a run's model still has to draw of itself are known; None where there are none to know."""
    if not isinstance(task, DiffusionTask) or task.store.about is None:
        return None
    return key_of(place_of(task), run, "before", {**task.store.about, "prompts": texts_of(task, run)})
