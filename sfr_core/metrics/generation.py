"""What a generator has forgotten and what it still knows, from its guided samples and the bundled judge."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sfr_core.data.samples import RECORD_SAMPLES
from sfr_core.errors import InputError
from sfr_core.nets.judge import RealFeatures, Verdict
from sfr_core.results import GeneratorRecord

SAMPLE_SEED = 1000
"""Of the noise that every evaluation starts from: before, after and retrained see the same."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Protocol:
    """How much is sampled for one record: `n` pictures of the forgotten classes and about as many of the others."""

    n: int
    steps: int
    guidance: float = 2.0

    @property
    def name(self) -> str:
        """As cards and tables call it: "100@20", and the guidance where it is not 2."""
        return f"{self.n}@{self.steps}" + ("" if self.guidance == 2.0 else f" guidance {self.guidance:g}")


PAGE = Protocol(RECORD_SAMPLES, 20)
BENCH = Protocol(500, 50)


def frechet(mean_a: Floats, covariance_a: Floats, mean_b: Floats, covariance_b: Floats) -> float:
    """Squared Frechet (2-Wasserstein) distance of two normal distributions, means [d], covariances [d, d].

    |mean a - mean b|^2 + tr(A + B - 2 (A B)^(1/2)) (Dowson and Landau 1982), with the trace of the root taken from the
    eigenvalues of the symmetric A^(1/2) B A^(1/2), which keeps rank-deficient covariances real.
    """
    values, vectors = np.linalg.eigh(covariance_a)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ covariance_b @ root).clip(0)).sum()
    gap = float(((mean_a - mean_b) ** 2).sum())
    return max(0.0, float(gap + np.trace(covariance_a) + np.trace(covariance_b) - 2 * cross))


def moments(features: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Mean [d] and unbiased covariance [d, d] of features [n, d].

    Raises:
        InputError: fewer than two rows.
    """
    if len(features) < 2:
        raise InputError("A spread needs at least two pictures.", hint="Sample more.")
    wide = features.astype(np.float64)
    return wide.mean(0), np.cov(wide, rowvar=False)


def pooled(means: Floats, covariances: Floats, counts: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Mean and unbiased covariance of the union of groups, exactly, from those of each [k, d], [k, d, d] and sizes [k]."""
    n = counts.sum()
    mean = (counts[:, None] * means).sum(0) / n
    gaps = means - mean
    within = ((counts - 1)[:, None, None] * covariances).sum(0)
    between = (counts[:, None] * gaps).T @ gaps
    return mean, (within + between) / (n - 1)


def spread(features: NDArray[np.floating]) -> float:
    """Mean Euclidean distance over all pairs of different rows of [n, d].

    Raises:
        InputError: fewer than two rows.
    """
    if len(features) < 2:
        raise InputError("A spread needs at least two pictures.", hint="Sample more.")
    wide = features.astype(np.float64)
    squares = (wide**2).sum(1)
    found = np.sqrt((squares[:, None] + squares[None] - 2 * wide @ wide.T).clip(0))
    np.fill_diagonal(found, 0)
    return float(found.sum() / (len(wide) * (len(wide) - 1)))


def diversity(features: NDArray[np.floating], labels: NDArray[np.int64], real: RealFeatures) -> float:
    """Spread of the samples of each class over that of its test pictures, mean over the classes; 1 is as varied as real.

    Args:
        features: [n, d].
        labels: class asked for [n]; every class that occurs must occur twice.
        real: of the test pictures.
    """
    shares = [spread(features[labels == c]) / real.spreads[c] for c in np.unique(labels)]
    return float(np.mean(shares))


def real_features(features: NDArray[np.floating], labels: NDArray[np.int64]) -> RealFeatures:
    """What a judge keeps of the features [n, d] of real pictures with `labels` [n], classes 0 to k-1."""
    groups = [features[labels == c] for c in range(int(labels.max()) + 1)]
    found = [moments(group) for group in groups]
    return RealFeatures(
        np.stack([mean for mean, _ in found]),
        np.stack([covariance for _, covariance in found]),
        np.array([len(group) for group in groups], np.int64),
        np.array([spread(group) for group in groups]),
    )


def entropy_of(probabilities: NDArray[np.floating]) -> float:
    """Mean entropy of rows [n, k] that sum to 1, in nats."""
    wide = probabilities.astype(np.float64)
    terms = np.where(wide > 0, wide * np.log(np.where(wide > 0, wide, 1.0)), 0.0)
    return float(-terms.sum(1).mean())


def generator_record(
    verdict: Verdict,
    labels: NDArray[np.int64],
    forgotten: Collection[int],
    real: RealFeatures,
    *,
    steps: int,
    guidance: float,
) -> GeneratorRecord:
    """The record of one generator.

    Args:
        verdict: of all its samples.
        labels: class asked for, row by row [n] (see `sample_plan`).
        forgotten: the forgotten classes.
        real: what the judge knows of the test pictures.
        steps, guidance: of the sampler.

    Raises:
        InputError: no sample of the forgotten or fewer than two of one of the other classes.
    """
    mine = np.isin(labels, list(forgotten))
    if not mine.any() or mine.all():
        raise InputError("A record needs samples to forget and samples to keep.", hint="Sample both.")
    forget, remain = verdict.rows(mine), verdict.rows(~mine)
    kept = labels[~mine]
    others = np.unique(kept)
    wanted = pooled(real.means[others], real.covariances[others], real.counts[others])
    return GeneratorRecord(
        FA=_percent(forget.labels == labels[mine]),
        FA_softmax=_percent(forget.plain == labels[mine]),
        accepted_any=_percent(~forget.rejected),
        JA_remain=_percent(remain.labels == kept),
        FD_remain=frechet(*moments(remain.features), *wanted),
        judge_entropy=entropy_of(forget.probabilities),
        diversity=diversity(remain.features, kept, real),
        n_samples=int(mine.sum()),
        n_remain=int((~mine).sum()),
        sampler_steps=steps,
        guidance=guidance,
    )


def _percent(hits: NDArray[np.bool_]) -> float:
    return 100.0 * float(hits.mean())
