"""Quality of a diffusion model's card, with the shipped judge on real pictures in place of samples."""

import numpy as np
import pytest
import torch

from recipes.ddpm.quality import class_sheet, draw_samples, measure, mistakes
from sfr_core.data.datasets import ASSETS, FASHION_CLASSES, Pictures, fashion_mnist, first_per_class
from sfr_core.metrics.generation import real_features
from sfr_core.nets.judge import NONE, Judge, Verdict, pixels_of

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
    assert np.sum(found["confusion"]) == len(real)
    assert metrics["judge_accuracy"] == pytest.approx(100 * np.mean(verdict.labels == real.labels), abs=0.01)


def test_confusion_has_a_column_for_rejected() -> None:
    verdict = Verdict(
        np.array([1, NONE, 1]), np.array([1, 1, 1]), np.zeros((3, 2), np.float32), np.full((3, 10), 0.1, np.float32)
    )
    table = np.array(mistakes(verdict, np.array([1, 1, 4])))
    assert table.shape == (10, 11)
    assert (table[1, 1], table[1, NONE], table[4, 1], table.sum()) == (1, 1, 1, 3)


def flat(x: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The noise that leads from x to a picture flat in class / 9 (or grey for the null class, never asked alone)."""
    return x - (labels.view(-1, 1, 1, 1) / 9).clamp(max=1)


def test_samples_follow_the_labels_and_fill_the_sheet() -> None:
    labels = np.repeat(np.arange(10), 2)
    samples = draw_samples(flat, labels, steps=5, guidance=1.0)
    assert np.array_equal(samples, draw_samples(flat, labels, steps=5, guidance=1.0))
    assert not np.array_equal(samples, draw_samples(flat, labels, steps=5, guidance=1.0, seed=1))
    assert (samples.shape, samples.dtype) == ((20, 28, 28, 1), np.uint8)
    assert np.array_equal(samples[2:4], draw_samples(flat, labels[2:4], steps=5, guidance=1.0))
    assert class_sheet(samples, labels, scale=1).size == (2 * 30, 10 * 30)
    assert class_sheet(samples[4:], labels[4:], scale=1).size == (2 * 30, 8 * 30)
