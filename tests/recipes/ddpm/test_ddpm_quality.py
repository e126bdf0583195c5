"""Quality of a diffusion model's card, with the shipped judge on real pictures in place of samples."""

import numpy as np
import pytest
import torch

from recipes.ddpm.quality import draw_samples, measure
from sfr_core.data.datasets import ASSETS, FASHION_CLASSES, Pictures, fashion_mnist, first_per_class
from sfr_core.metrics.generation import real_features
from sfr_core.nets.judge import NONE, Judge, pixels_of

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge.open(ASSETS / "models" / "fashion-mnist-judge")


@pytest.fixture(scope="module")
def real() -> Pictures:
    train = fashion_mnist().train
    rows = first_per_class(train.labels, 30)
    return train.rows(rows[np.argsort(train.labels[rows], kind="stable")])


def test_measure_counts_accepted_pictures_by_class(judge: Judge, real: Pictures) -> None:
    verdict = judge(pixels_of(real.images))
    known = real_features(verdict.features, real.labels)
    metrics, found = measure(judge, real.images, real.labels, real, known, FASHION_CLASSES)
    for c, row in enumerate(found["classes"].values()):
        assert row["accuracy"] == pytest.approx(100 * np.mean(verdict.labels[real.labels == c] == c), abs=0.01)
        assert row["accuracy"] + row["rejected"] <= 100.01
        assert row["frechet"] == pytest.approx(0.0, abs=1e-2)
        assert row["frechet_of_training_pictures"] == row["frechet"]
    assert metrics["judge_accuracy_weakest"] == min(row["accuracy"] for row in found["classes"].values())
    counts = np.array(found["confusion"])
    assert counts.shape == (10, 11)
    assert counts.sum() == len(real)
    assert np.diag(counts).tolist() == [((real.labels == c) & (verdict.labels == c)).sum() for c in range(10)]
    assert counts[:, NONE].tolist() == [((real.labels == c) & verdict.rejected).sum() for c in range(10)]
    assert metrics["judge_accuracy"] == pytest.approx(100 * np.mean(verdict.labels == real.labels), abs=0.01)


def flat(x: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The noise that leads from x to a picture flat in class / 9 (or grey for the null class, never asked alone)."""
    return x - (labels.view(-1, 1, 1, 1) / 9).clamp(max=1)


def test_samples_follow_the_labels() -> None:
    labels = np.repeat(np.arange(10), 2)
    samples = draw_samples(flat, labels, steps=5, guidance=1.0)
    assert np.array_equal(samples, draw_samples(flat, labels, steps=5, guidance=1.0))
    assert not np.array_equal(samples, draw_samples(flat, labels, steps=5, guidance=1.0, seed=1))
    assert (samples.shape, samples.dtype) == ((20, 28, 28, 1), np.uint8)
    assert np.array_equal(samples[2:4], draw_samples(flat, labels[2:4], steps=5, guidance=1.0))
