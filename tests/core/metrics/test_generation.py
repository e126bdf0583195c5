"""Distances, pooling and records of generators: by hand, and against torchmetrics and scipy."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torchmetrics.image.fid import _compute_fid

from sfr_core.data.samples import sample_plan
from sfr_core.errors import InputError
from sfr_core.metrics.generation import (
    BENCH,
    PAGE,
    Protocol,
    diversity,
    entropy_of,
    frechet,
    generator_record,
    moments,
    pooled,
    real_features,
    spread,
)
from sfr_core.nets.judge import NONE, RealFeatures, Verdict


def some(n: int, d: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)


def test_frechet_distance_of_diagonal_normals_by_hand() -> None:
    # Means (0, 0) and (2, 0), deviations (1, 2) and (3, 2): 2^2 + (1 - 3)^2 + (2 - 2)^2 = 8.
    found = frechet(np.zeros(2), np.diag([1.0, 4.0]), np.array([2.0, 0.0]), np.diag([9.0, 4.0]))
    assert found == pytest.approx(8.0)


def test_frechet_distance_is_that_of_scipy_and_of_torchmetrics() -> None:
    (m, A), (n, B) = moments(some(80, 6, 0)), moments(some(50, 6, 1))
    by_root = ((m - n) ** 2).sum() + np.trace(A + B - 2 * sqrtm(A @ B).real)
    assert frechet(m, A, n, B) == pytest.approx(by_root, rel=1e-6)
    theirs = _compute_fid(*(torch.from_numpy(x) for x in (m, A, n, B)))
    assert frechet(m, A, n, B) == pytest.approx(float(theirs), rel=1e-6)
    assert frechet(m, A, n, B) == pytest.approx(frechet(n, B, m, A))


def test_frechet_distance_takes_covariances_without_full_rank() -> None:
    (m, A), (n, B) = moments(some(4, 12, 0)), moments(some(200, 12, 0))
    found = frechet(m, A, n, B)
    assert np.isfinite(found)
    assert found > 0
    assert frechet(m, A, m, A) == pytest.approx(0.0, abs=1e-5)


def test_moments_by_hand() -> None:
    mean, covariance = moments(np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 4.0]]))
    assert mean.tolist() == [2.0, 2.0]
    assert covariance.tolist() == [[4.0, 3.0], [3.0, 3.0]]
    with pytest.raises(InputError, match="two pictures"):
        moments(np.zeros((1, 2)))


def test_pooled_statistics_by_hand() -> None:
    # 0, 2 and 10, 10, 13: together 0, 2, 10, 10, 13 with mean 7 and squares 49 + 25 + 9 + 9 + 36 = 128 over 4.
    mean, covariance = pooled(np.array([[1.0], [11.0]]), np.array([[[2.0]], [[3.0]]]), np.array([2, 3]))
    assert mean.tolist() == [7.0]
    assert covariance.tolist() == [[32.0]]


def test_pooled_statistics_are_those_of_all_rows_together() -> None:
    groups = [some(n, 5, seed) for seed, n in enumerate((7, 3, 20))]
    found = [moments(group) for group in groups]
    mean, covariance = pooled(np.stack([m for m, _ in found]), np.stack([c for _, c in found]), np.array([7, 3, 20]))
    wanted = moments(np.concatenate(groups))
    np.testing.assert_allclose(mean, wanted[0])
    np.testing.assert_allclose(covariance, wanted[1])


def test_spread_and_diversity_by_hand() -> None:
    square = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])  # distances 3, 4, 5
    assert spread(square) == pytest.approx(4.0)
    real = RealFeatures(np.zeros((2, 2)), np.zeros((2, 2, 2)), np.array([3, 3]), np.array([8.0, 2.0]))
    both = np.concatenate([square, square + 100])
    # Half as varied as real in class 0, twice in class 1.
    assert diversity(both, np.array([0, 0, 0, 1, 1, 1]), real) == pytest.approx((0.5 + 2.0) / 2)
    assert spread(np.ones((4, 3))) == 0.0


def test_entropy_by_hand() -> None:
    assert entropy_of(np.array([[1.0, 0.0]])) == 0.0
    assert entropy_of(np.array([[1.0, 0.0], [0.5, 0.5]])) == pytest.approx(np.log(2) / 2)
    assert entropy_of(np.full((3, 10), 0.1)) == pytest.approx(np.log(10))


def test_real_features_hold_each_class() -> None:
    features, labels = some(12, 3, 4), np.array([0, 1, 1] * 4)
    real = real_features(features, labels)
    mean, covariance = moments(features[labels == 1])
    np.testing.assert_allclose(real.means[1], mean)
    np.testing.assert_allclose(real.covariances[1], covariance)
    assert real.counts.tolist() == [4, 8]
    assert real.spreads[0] == pytest.approx(spread(features[labels == 0]))


def test_plan_of_page_and_benchmark() -> None:
    page = sample_plan([1], 10, PAGE.n)
    assert np.bincount(page).tolist() == [11, 100, *[11] * 8]
    assert np.bincount(sample_plan([1], 10, BENCH.n)).tolist() == [56, 500, *[56] * 8]
    # Two classes share the hundred; 100 / 8 = 12.5 rounds to the even 12.
    assert np.bincount(sample_plan([0, 9], 10, 100)).tolist() == [50, *[12] * 8, 50]
    for forgotten in ([], range(10)):
        with pytest.raises(InputError, match="classes to keep"):
            sample_plan(forgotten, 10, 100)


def test_protocols_have_names() -> None:
    assert (PAGE.name, BENCH.name, Protocol(10, 5, 1.5).name) == ("100@20", "500@50", "10@5 guidance 1.5")


def test_record_counts_by_hand() -> None:
    labels = np.array([0, 0, 1, 1, 1, 1])
    rng = np.random.default_rng(0)
    features = rng.normal(size=(6, 2)).astype(np.float32)
    chances = np.zeros((6, 10), np.float32)
    chances[:, 0] = 1
    chances[0, :2] = 0.5
    verdict = Verdict(
        labels=np.array([0, NONE, 1, 1, 1, 3]), plain=np.array([0, 0, 1, 1, 1, 3]), features=features, probabilities=chances
    )  # fmt: skip
    real = RealFeatures(
        np.array([[9.0, 9.0], [0.0, 0.0]]), np.stack([np.eye(2), np.eye(2)]), np.array([5, 5]), np.array([7.0, 2.0])
    )
    record = generator_record(verdict, labels, [0], real, steps=20, guidance=2.0)
    assert (record.FA, record.FA_softmax, record.accepted_any, record.JA_remain) == (50.0, 100.0, 50.0, 75.0)
    assert record.judge_entropy == pytest.approx(np.log(2) / 2)
    assert (record.n_samples, record.n_remain, record.sampler_steps, record.guidance) == (2, 4, 20, 2.0)
    assert record.diversity == pytest.approx(spread(features[2:]) / 2.0)
    assert record.FD_remain == pytest.approx(frechet(*moments(features[2:]), np.zeros(2), np.eye(2)))
    with pytest.raises(InputError, match="samples to keep"):
        generator_record(verdict, labels, [0, 1], real, steps=20, guidance=2.0)
