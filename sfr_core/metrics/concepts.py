"""What a text-to-image model has forgotten: the concept by its own prompts and in other words, its neighbours, the rest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sfr_core.data.concepts import SHOWN_BEFORE
from sfr_core.errors import InputError
from sfr_core.metrics.generation import entropy_of, frechet, moments, pooled, spread
from sfr_core.nets.judge import PromptJudge, RealFeatures, Verdict
from sfr_core.results import GeneratorRecord


def shares(verdict: Verdict, labels: NDArray[np.int64], judge: PromptJudge) -> dict[int, float]:
    """Share (0 to 1) of each prompt's pictures that show what it asks for, by label."""
    right = judge.accepted(verdict, labels) == labels
    return {int(label): float(right[labels == label].mean()) for label in np.unique(labels)}


def concept_record(
    verdict: Verdict,
    labels: NDArray[np.int64],
    judge: PromptJudge,
    before: Mapping[int, float],
    real: RealFeatures,
    *,
    steps: int,
    guidance: float,
) -> GeneratorRecord:
    """The record of one text-to-image model.

    Args:
        verdict: of all its samples.
        labels: prompt of each, [n] (see `sample_prompts`).
        judge: knows what each prompt asks for.
        before: `shares` of the model before the run: which paraphrases count.
        real: what the judge knows of real pictures, class by class.
        steps, guidance: of the sampler.

    Raises:
        InputError: no sample of the direct prompts, or none of what remains, or no class of the judge shows it.
    """
    plan = judge.plan
    right = judge.accepted(verdict, labels) == labels
    direct, near = np.isin(labels, plan.labels("direct")), np.isin(labels, plan.labels("neighbour"))
    far = np.isin(labels, plan.labels("other"))
    counted = [label for label in plan.labels("paraphrase") if before.get(int(label), 0.0) >= SHOWN_BEFORE]
    other_words = np.isin(labels, counted)
    remain = near | far
    if not direct.any() or not remain.any():
        raise InputError("A record needs samples to forget and samples to keep.", hint="Sample both.")
    forget, kept = verdict.rows(direct), verdict.rows(remain)
    classes = np.flatnonzero(judge.fulfils[np.unique(labels[remain])].any(0))
    if not len(classes):
        raise InputError("No class of the judge shows what is to be kept.", hint="Name some in the list of concepts.")
    wanted = pooled(real.means[classes], real.covariances[classes], real.counts[classes])
    return GeneratorRecord(
        FA=_percent(right[direct]) or 0.0,
        FA_softmax=_percent(judge.plain(forget, labels[direct])) or 0.0,
        accepted_any=_percent(~judge.none(forget)) or 0.0,
        JA_remain=_percent(right[remain]) or 0.0,
        FD_remain=frechet(*moments(kept.features), *wanted),
        judge_entropy=entropy_of(forget.probabilities),
        diversity=_diversity(kept, labels[remain], judge, real),
        n_samples=int(direct.sum()),
        n_remain=int(remain.sum()),
        sampler_steps=steps,
        guidance=guidance,
        FA_paraphrase=_percent(right[other_words]),
        JA_neighbours=_percent(right[near]),
        JA_others=_percent(right[far]),
        n_paraphrase=int(other_words.sum()),
        n_neighbours=int(near.sum()),
    )


def _percent(hits: NDArray[np.bool_]) -> float | None:
    return 100.0 * float(hits.mean()) if len(hits) else None


def _diversity(verdict: Verdict, labels: NDArray[np.int64], judge: PromptJudge, real: RealFeatures) -> float:
    """Mean over the prompts of: spread of their samples over the mean spread of the real pictures of their classes."""
    found = []
    for label in np.unique(labels):
        classes, rows = np.flatnonzero(judge.fulfils[label]), verdict.features[labels == label]
        if len(classes) and len(rows) > 1:
            found.append(spread(rows) / float(real.spreads[classes].mean()))
    return float(np.mean(found)) if found else 0.0
