"""What a generator draws: the samples behind its record, and pictures that a visitor asks for. Needs no run."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from sfr_core.data.class_sets import evenly
from sfr_core.data.concepts import PromptPlan
from sfr_core.data.samples import sample_plan, sample_prompts, shown_rows
from sfr_core.errors import AssetError
from sfr_core.metrics.concepts import concept_record, shares
from sfr_core.metrics.generation import PAGE, SAMPLE_SEED, Protocol, generator_record
from sfr_core.nets.judge import Judge, PromptJudge, RealFeatures, pixels_of
from sfr_core.ops.device import UsedPrecision
from sfr_core.ops.sampling import sampler_steps
from sfr_core.ops.stepwise import drained
from sfr_core.results import GeneratorRecord, GeneratorReport
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.zoo.shipped import ModelCard

UNJUDGED_FORGET, UNJUDGED_REMAIN, UNJUDGED_EACH = 4, 6, 4
"""Labels to forget and to keep in the report of a model that has no judge, and pictures of each."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is drawn of a model.

    Attributes:
        labels: class of each sample of a whole record, sorted.
        shown: rows of `labels` that make the report; a model of which nothing else is drawn gets the same pictures.
    """

    protocol: Protocol
    labels: NDArray[np.int64]
    shown: NDArray[np.int64]

    def rows(self, whole: bool) -> NDArray[np.int64]:
        """Labels to draw."""
        return self.labels if whole else self.labels[self.shown]

    def steps(self, whole: bool, shape: Sequence[int]) -> int:
        """Sampler steps that this takes with pictures or latents of a shape."""
        return sampler_steps(len(self.rows(whole)), self.protocol.steps, shape)


def protocol_of(card: ModelCard) -> Protocol:
    """The protocol of a run's evaluation: the page's, with the sampling that the card names."""
    if card.sampling is None:
        return PAGE
    return Protocol(PAGE.n, card.sampling.steps, card.sampling.guidance)


def plan(forgotten: Collection[int], classes: int, protocol: Protocol) -> Plan:
    """Samples of one record, and the first SHOWN_FORGET or SHOWN_REMAIN of every class for the report."""
    labels = sample_plan(forgotten, classes, protocol.n)
    return Plan(protocol, labels, shown_rows(labels, forgotten))


def prompt_plan(prompts: PromptPlan, protocol: Protocol) -> Plan:
    """Samples of a text-to-image record, and the first few of every prompt for the report."""
    labels = sample_prompts(prompts, protocol.n)
    return Plan(protocol, labels, shown_rows(labels))


def unjudged_plan(forgotten: NDArray[np.int64], others: NDArray[np.int64], protocol: Protocol) -> Plan:
    """A few pictures to look at, where no judge could count more: of what is forgotten, and of some of what is kept."""
    shown = np.concatenate([evenly(forgotten, UNJUDGED_FORGET), evenly(others, UNJUDGED_REMAIN)])
    labels = np.repeat(np.sort(shown), UNJUDGED_EACH)
    return Plan(protocol, labels, np.arange(len(labels)))


def known_record(
    records: dict[str, GeneratorRecord], protocol: Protocol, labels: NDArray[np.int64], forgotten: Collection[int]
) -> GeneratorRecord | None:
    """The card's record for this protocol, unless it was made from other numbers of samples or another sampler."""
    record = records.get(protocol.name)
    mine = int(np.isin(labels, list(forgotten)).sum())
    wanted = (mine, len(labels) - mine, protocol.steps, protocol.guidance)
    if record is None or (record.n_samples, record.n_remain, record.sampler_steps, record.guidance) != wanted:
        return None
    return record


def draw(
    task: DiffusionTask,
    judge: Judge | PromptJudge,
    labels: NDArray[np.int64],
    sampler: Protocol,
    model: nn.Module | None = None,
    *,
    seed: int = SAMPLE_SEED,
) -> Generator[int, None, Drawn]:
    """Draws and judges a sample for each label; yields the sampler steps done. Records take the default seed."""
    images = (yield from draw_unjudged(task, labels, sampler, model, seed=seed)).images
    return judged(images, labels, judge, sampler)


def judged(
    images: NDArray[np.uint8], labels: NDArray[np.int64], judge: Judge | PromptJudge, sampler: Protocol
) -> Drawn:
    """Samples [n, h, w, c] of labels [n] that were drawn, judged."""
    if isinstance(judge, PromptJudge):
        return ConceptDrawn(images, labels, judge, sampler)
    return Drawn(images, labels, judge, sampler)


def draw_unjudged(
    task: DiffusionTask,
    labels: NDArray[np.int64],
    sampler: Protocol,
    model: nn.Module | None = None,
    *,
    seed: int = SAMPLE_SEED,
) -> Generator[int, None, Samples]:
    """As `draw`, where nobody judges."""
    images = yield from task.sample(labels, seed=seed, steps=sampler.steps, guidance=sampler.guidance, model=model)
    return Samples(images, labels, sampler)


class Samples:
    """Samples: uint8 `images` [n, h, w, c] with the `labels` [n] that were asked for."""

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.int64], sampler: Protocol) -> None:
        self.images, self.labels, self.sampler = images, labels, sampler

    def report(self, rows: NDArray[np.int64] | None = None) -> GeneratorReport:
        """What the page shows: all samples, or those of `rows`."""
        at = np.arange(len(self.labels)) if rows is None else rows
        return GeneratorReport(
            images=self.images[at],
            labels=self.labels[at],
            accepted=np.zeros(0, np.int64),
            sampler_steps=self.sampler.steps,
            guidance=self.sampler.guidance,
        )


class Drawn(Samples):
    """Judged samples."""

    def __init__(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64], judge: Judge | PromptJudge, sampler: Protocol
    ) -> None:
        super().__init__(images, labels, sampler)
        self._judge = judge
        self.verdict = judge(pixels_of(images))

    def record(self, forgotten: Collection[int]) -> GeneratorRecord:
        """All metrics.

        Raises:
            InputError: the judge knows nothing of real pictures, or there are too few samples.
        """
        return generator_record(
            self.verdict,
            self.labels,
            forgotten,
            self._real(),
            steps=self.sampler.steps,
            guidance=self.sampler.guidance,
        )

    def _real(self) -> RealFeatures:
        judge = self._judge.judge if isinstance(self._judge, PromptJudge) else self._judge
        if judge.real is None:
            raise AssetError("The judge knows no real pictures.", hint="Make it anew with the recipe in its card.")
        return judge.real

    def accepted(self) -> NDArray[np.int64]:
        """Class that the judge accepts for each sample, or prompt that it fulfils, -1 where none, [n]."""
        return self._judge.accepted(self.verdict, self.labels)

    def report(self, rows: NDArray[np.int64] | None = None) -> GeneratorReport:
        """As of unjudged samples, with what the judge accepts."""
        accepted = self.accepted()
        return replace(super().report(rows), accepted=accepted if rows is None else accepted[rows])


class ConceptDrawn(Drawn):
    """Judged samples of a text-to-image model; `labels` are numbers of prompts."""

    def __init__(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64], judge: PromptJudge, sampler: Protocol
    ) -> None:
        super().__init__(images, labels, judge, sampler)
        self._prompts = judge

    def shares(self) -> dict[int, float]:
        """Share (0 to 1) of each prompt's samples that fulfil it."""
        return shares(self.verdict, self.labels, self._prompts)

    def concept_record(self, before: Mapping[int, float]) -> GeneratorRecord:
        """All metrics; `before`: the `shares` of the model before the run.

        Raises:
            InputError: the judge knows nothing of real pictures, or there are too few samples.
        """
        return concept_record(
            self.verdict,
            self.labels,
            self._prompts,
            before,
            self._real(),
            steps=self.sampler.steps,
            guidance=self.sampler.guidance,
        )


class OriginalSamples:
    """The samples of a model before its runs, drawn once for all classes that are asked about, in each precision.

    Args:
        sampler: how they are drawn.
        seed: of their noise; records take the default.
    """

    def __init__(self, sampler: Protocol, seed: int = SAMPLE_SEED) -> None:
        self._sampler, self._seed = sampler, seed
        self._drawn: dict[UsedPrecision, dict[int, NDArray[np.uint8]]] = {}

    def drawn(self, task: DiffusionTask, model: nn.Module | None, labels: NDArray[np.int64]) -> Drawn:
        """The samples of `model` for sorted `labels` [n]: a row depends on its class and its number in the class only."""
        if not isinstance(task.judge, Judge):
            raise AssetError("The model has no judge.", hint="Choose one whose card names a judge.")
        by_label = self._drawn.setdefault(task.precision, {})
        parts = []
        for label, n in zip(*np.unique(labels, return_counts=True), strict=True):
            if len(by_label.get(label, ())) < n:
                asked = np.full(n, label, np.int64)
                by_label[label] = drained(draw(task, task.judge, asked, self._sampler, model, seed=self._seed)).images
            parts.append(by_label[label][:n])
        return Drawn(np.concatenate(parts), labels, task.judge, self._sampler)
