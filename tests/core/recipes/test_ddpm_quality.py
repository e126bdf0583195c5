"""Quality and records of a diffusion model's card, with the shipped judge on real pictures in place of samples."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from recipes import ddpm_quality
from recipes.ddpm_folder import QUALITY, WEIGHTS
from recipes.ddpm_quality import add_bench, card_quality, draw_samples, first_rows, measure, mistakes, records, sheet
from recipes.ddpm_sets import RECIPES
from sfr_core.data.datasets import ASSETS, FASHION_CLASSES, Pictures, fashion_mnist, first_per_class
from sfr_core.errors import InputError
from sfr_core.metrics.generation import Protocol, generator_record, real_features
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
    samples = pixels_of(real.images)
    verdict = judge(samples)
    found = measure(judge, samples, real.labels, real, real_features(verdict.features, real.labels), FASHION_CLASSES)
    for c, row in enumerate(found["classes"].values()):
        assert row["accuracy"] == pytest.approx(100 * np.mean(verdict.labels[real.labels == c] == c), abs=0.01)
        assert row["accuracy"] + row["rejected"] <= 100.01
        assert row["frechet"] == pytest.approx(0.0, abs=1e-2)
        assert row["frechet_of_training_pictures"] == row["frechet"]
    assert found["weakest"] == min(row["accuracy"] for row in found["classes"].values())
    assert np.sum(found["confusion"]) == len(real)
    metrics, said = card_quality(found, Protocol(30, 50), 1.0)
    assert metrics["judge_accuracy"] == pytest.approx(100 * np.mean(verdict.labels == real.labels), abs=0.01)
    assert (metrics["judge_accuracy_weakest"], said["per_class"], said["steps"]) == (found["weakest"], 30, 50)


def test_confusion_has_a_column_for_rejected() -> None:
    verdict = Verdict(
        np.array([1, NONE, 1]), np.array([1, 1, 1]), np.zeros((3, 2), np.float32), np.full((3, 10), 0.1, np.float32)
    )
    table = np.array(mistakes(verdict, np.array([1, 1, 4]))["confusion"])
    assert table.shape == (10, 11)
    assert (table[1, 1], table[1, NONE], table[4, 1], table.sum()) == (1, 1, 1, 3)


def flat(x: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The noise that leads from x to a picture flat in class / 9 (or grey for the null class, never asked alone)."""
    return x - (labels.view(-1, 1, 1, 1) / 9).clamp(max=1)


def test_samples_follow_the_labels_and_fill_the_sheet() -> None:
    labels = np.repeat(np.arange(10), 2)
    samples = draw_samples(flat, labels, steps=5, guidance=1.0)
    assert torch.equal(samples, draw_samples(flat, labels, steps=5, guidance=1.0))
    assert not torch.equal(samples, draw_samples(flat, labels, steps=5, guidance=1.0, seed=1))
    assert (samples.shape, float(samples.min()) >= 0, float(samples.max()) <= 1) == ((20, 1, 28, 28), True, True)
    assert torch.equal(samples[2:4], draw_samples(flat, labels[2:4], steps=5, guidance=1.0))
    assert sheet(samples, labels, scale=1).size == (2 * 30, 10 * 30)
    assert sheet(samples[4:], labels[4:], scale=1).size == (2 * 30, 8 * 30)


def test_first_rows_of_each_class_make_up_a_plan() -> None:
    labels = np.array([2, 0, 0, 2, 0, 1])
    assert first_rows(labels, np.array([0, 0, 1, 2])).tolist() == [1, 2, 5, 0]
    with pytest.raises(ValueError, match="1 samples of class 1, 2 are needed"):
        first_rows(labels, np.array([1, 1]))


def test_records_of_all_classes_share_their_samples(judge: Judge, real: Pictures) -> None:
    verdict = judge(pixels_of(real.images))
    statistics = judge.real
    assert statistics is not None
    protocol = Protocol(18, 20)  # 18 of the class and 2 of each other
    made = records(verdict, real.labels, statistics, protocol, range(10), FASHION_CLASSES)
    assert list(made)[1] == "class:Trouser"
    record = made["class:Trouser"]["18@20"]
    assert (record.n_samples, record.n_remain, record.sampler_steps) == (18, 18, 20)
    rows = np.concatenate([np.flatnonzero(real.labels == c)[: 18 if c == 1 else 2] for c in range(10)])
    alone = generator_record(verdict.rows(rows), real.labels[rows], [1], statistics, steps=20, guidance=2.0)
    assert record == alone
    assert record.FA > 70


def test_benchmark_record_joins_what_was_measured_on_the_same_weights(
    judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ddpm_quality, "BENCH", Protocol(9, 5))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / WEIGHTS).write_bytes(b"weights")
    with pytest.raises(ValueError, match=r"holds no quality\.json"):
        add_bench(tmp_path, flat, judge, [1], RECIPES["fashion-mnist", "small"])
    digest = hashlib.sha256(b"weights").hexdigest()
    before = {"sha256": digest, "metrics": {"a": 1.0}, "quality": {}, "records": {"class:Trouser": {"100@20": {}}}}
    (tmp_path / QUALITY).write_text(json.dumps(before))
    with pytest.raises(InputError, match="two pictures"):  # one of each other class has no spread
        add_bench(tmp_path, flat, judge, [1], RECIPES["fashion-mnist", "small"])
    monkeypatch.setattr(ddpm_quality, "BENCH", Protocol(18, 5))
    add_bench(tmp_path, flat, judge, [1], RECIPES["fashion-mnist", "small"])
    after = json.loads((tmp_path / QUALITY).read_text())
    assert list(after["records"]["class:Trouser"]) == ["100@20", "18@5"]
    assert after["records"]["class:Trouser"]["18@5"]["n_remain"] == 18
    assert (after["metrics"], after["sha256"]) == ({"a": 1.0}, digest)
