"""KL, JS and Avg.D against torchmetrics, scipy and numbers computed by hand."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.spatial.distance
import torch
from torchmetrics.functional.regression import kl_divergence

from sfr_core.metrics.divergence import avg_d, js, js_rows, kl, kl_rows
from sfr_core.results import ClassifierRecord


def test_kl_by_hand_and_its_direction() -> None:
    retrained, model = [[0.5, 0.5]], [[0.9, 0.1]]
    assert kl(retrained, model) == pytest.approx(0.5 * math.log(5 / 9) + 0.5 * math.log(5), rel=1e-12)
    assert kl(model, retrained) == pytest.approx(0.9 * math.log(1.8) + 0.1 * math.log(0.2), rel=1e-12)
    assert kl(retrained, retrained) == 0.0


def test_zero_probabilities_stay_finite() -> None:
    rows = kl_rows([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
    np.testing.assert_allclose(rows, [20 * math.log(10), math.log(2), 0.0], atol=1e-12)


def test_kl_agrees_with_torchmetrics() -> None:
    draw = np.random.default_rng(0)
    p, q = draw.dirichlet(np.ones(10), 200), draw.dirichlet(np.ones(10), 200)
    assert kl(p, q) == pytest.approx(float(kl_divergence(torch.tensor(p), torch.tensor(q))), rel=1e-9)
    assert kl(p, q) == pytest.approx(kl_rows(p, q).mean())
    assert kl_rows(p, q).shape == (200,)


def test_js_agrees_with_scipy_and_its_bounds() -> None:
    draw = np.random.default_rng(1)
    p, q = draw.dirichlet(np.ones(10), 100), draw.dirichlet(np.ones(10), 100)
    theirs = [scipy.spatial.distance.jensenshannon(a, b) ** 2 for a, b in zip(p, q, strict=True)]
    np.testing.assert_allclose(js_rows(p, q), theirs, atol=1e-12)
    np.testing.assert_allclose(js_rows(q, p), theirs, atol=1e-12)
    assert js([[1.0, 0.0]], [[0.0, 1.0]]) == pytest.approx(math.log(2))
    assert js(p, p) == 0.0


RETRAINED = ClassifierRecord(FA=95.62, RA=100.0, TA=95.34, MIA=74.84)


@pytest.mark.parametrize(
    ("row", "published"),
    [
        ((96.58, 99.88, 94.19, 72.26), 1.20),  # SFR-on
        ((99.44, 99.88, 94.13, 87.43), 4.43),  # SCRUB
        ((93.91, 93.76, 87.00, 77.19), 4.66),  # GA: gaps of both signs
        ((95.62, 100.0, 95.34, 74.84), 0.0),
    ],
)
def test_avg_d_repeats_published_rows(row: tuple[float, float, float, float], published: float) -> None:
    record = ClassifierRecord(FA=row[0], RA=row[1], TA=row[2], MIA=row[3])
    assert avg_d(record, RETRAINED) == pytest.approx(published, abs=0.0101)


def test_avg_d_needs_both_mias() -> None:
    without = dataclasses.replace(RETRAINED, MIA=None)
    assert avg_d(without, RETRAINED) is None
    assert avg_d(RETRAINED, without) is None
