"""The shipped judge: it refuses what ascent draws, keeps real clothes, and is checked when it is opened."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from sfr_core.data.datasets import ASSETS, fashion_mnist
from sfr_core.errors import AssetError
from sfr_core.metrics.generation import real_features
from sfr_core.nets.judge import CLASSES, NONE, Judge, pixels_of

torch.set_num_threads(1)

FOLDER = ASSETS / "models" / "fashion-mnist-judge"


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge.open(FOLDER)


def test_the_shipped_judge_refuses_what_ascent_draws_and_keeps_real_clothes(judge: Judge) -> None:
    y, x = np.mgrid[0:28, 0:28]
    stripes = [255 * ((x // width) % 2 == 0) * (x >= lo) * (x < 28 - lo) for width in (1, 2, 3) for lo in (0, 6, 9)]
    squares = [255 * (np.maximum(abs(x - 13.5), abs(y - 13.5)) < half) for half in range(5, 15)]
    made = np.stack(stripes + squares).astype(np.uint8)[..., None]
    found = judge(pixels_of(made))
    assert (found.labels == NONE).all()
    # What a judge that cannot say no would have made of them: trousers and bags.
    assert np.isin(found.plain, [1, 8]).mean() > 0.5
    test = fashion_mnist().test
    clothes = judge(pixels_of(test.images[:1000]))
    assert (clothes.labels == NONE).mean() < 0.05
    assert (clothes.plain == test.labels[:1000]).mean() > 0.9


def test_a_judge_without_its_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="card"):
        Judge.open(tmp_path)
    (tmp_path / "judge.json").write_text('{"file": "model.safetensors", "sha256": "0"}')
    with pytest.raises(AssetError, match="cannot be read"):
        Judge.open(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(AssetError, match="damaged"):
        Judge.open(tmp_path)
    with pytest.raises(AssetError, match="cannot be read"):
        Judge.load(tmp_path / "model.safetensors")


def test_its_statistics_are_those_of_the_test_pictures(judge: Judge) -> None:
    test = fashion_mnist().test
    some = test.labels == 1
    real = judge.real
    assert real is not None
    assert real.counts.tolist() == [1000] * CLASSES
    features = judge(pixels_of(test.images[some])).features
    found = real_features(features, np.zeros(len(features), np.int64))
    np.testing.assert_allclose(real.means[1], found.means[0], atol=1e-4)
    np.testing.assert_allclose(real.covariances[1], found.covariances[0], atol=1e-4)
    assert real.spreads[1] == pytest.approx(found.spreads[0], rel=1e-4)


def test_saved_judge_keeps_everything(judge: Judge, tmp_path: Path) -> None:
    judge.save(tmp_path / "judge.safetensors")
    again = Judge.load(tmp_path / "judge.safetensors")
    pixels = pixels_of(fashion_mnist().test.images[:50])
    a, b = judge(pixels), again(pixels)
    assert np.array_equal(a.labels, b.labels)
    np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-5)
    np.testing.assert_allclose(a.probabilities.sum(1), 1, atol=1e-5)
    assert a.probabilities.shape == (50, CLASSES)
    assert np.array_equal(a.probabilities.argmax(1), a.plain)
    assert judge.real is not None
    assert again.real is not None
    assert np.array_equal(judge.real.covariances, again.real.covariances)
    judge.real, kept = None, judge.real
    judge.save(tmp_path / "bare.safetensors")
    judge.real = kept
    assert Judge.load(tmp_path / "bare.safetensors").real is None


def test_rows_of_a_verdict_are_selected(judge: Judge) -> None:
    verdict = judge(pixels_of(fashion_mnist().test.images[:4]))
    some = verdict.rows(np.array([2, 0]))
    assert some.labels.tolist() == verdict.labels[[2, 0]].tolist()
    assert np.array_equal(some.features, verdict.features[[2, 0]])


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "judge")
    path = tmp_path / "judge" / "model.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(AssetError, match="damaged"):
        Judge.open(tmp_path / "judge")
