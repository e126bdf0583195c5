"""The judge's way to say no: the pictures it learns from and its thresholds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from recipes.judge.pictures import FASHION_JUDGE, train
from recipes.judge.rejects import GROUPS, KINDS, Maker, reject_pictures
from recipes.judge.training import _limit, calibrate
from sfr_core.data.datasets import Pictures, fashion_mnist, first_per_class
from sfr_core.nets.judge import NONE, Judge, distances, features_of, pixels_of

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def real() -> Pictures:
    train = fashion_mnist().train
    return train.rows(first_per_class(train.labels, 60))


@pytest.fixture(scope="module")
def judge(real: Pictures) -> Judge:
    recipe = replace(FASHION_JUDGE, widths=(8, 16, 32), epochs=8, rejects=150)
    return calibrate(train(real, recipe, seed=0), recipe, real, real, kept=0.95)


@pytest.mark.parametrize("kind", list(KINDS))
def test_rejects_are_grey_pictures_that_differ(real: Pictures, kind: str) -> None:
    made = reject_pictures(real, 40, np.random.default_rng(0), kind)
    assert (made.shape, made.dtype) == ((40, 28, 28, 1), np.uint8)
    assert len({m.tobytes() for m in made}) > 30
    known = {m.tobytes() for m in real.images}
    assert not any(m.tobytes() in known for m in made)
    assert np.array_equal(made, reject_pictures(real, 40, np.random.default_rng(0), kind))
    assert not np.array_equal(made, reject_pictures(real, 40, np.random.default_rng(1), kind))


def test_rejects_without_a_kind_take_turns(real: Pictures) -> None:
    mixed = reject_pictures(real, 1, np.random.default_rng(7))
    assert np.array_equal(mixed, reject_pictures(real, 1, np.random.default_rng(7), "noise"))
    second = Maker(real, np.random.default_rng(7))
    first, then = second.noise(), second.saturated()
    two = reject_pictures(real, 2, np.random.default_rng(7))
    assert np.array_equal(two, np.stack([first, then]).round().astype(np.uint8))


def test_shuffled_picture_keeps_its_pixels(real: Pictures) -> None:
    one = real.rows(np.array([5]))
    for made in reject_pictures(one, 10, np.random.default_rng(0), "shuffled"):
        assert np.array_equal(np.sort(made, axis=None), np.sort(one.images[0], axis=None))
        assert not np.array_equal(made, one.images[0])


def test_pasted_parts_come_from_different_groups(real: Pictures) -> None:
    # Pictures flat in the number of their group: a paste must show two of the numbers, or their mean.
    flat = np.broadcast_to((10 + 40 * GROUPS[real.labels])[:, None, None, None], (len(real), 28, 28, 1))
    marked = Pictures(np.ascontiguousarray(flat, dtype=np.uint8), real.labels)
    for made in reject_pictures(marked, 60, np.random.default_rng(0), "pasted"):
        values = set(np.unique(made).tolist())
        assert len(values) == 2 or values <= {30, 50, 70, 90, 110}


def test_saturated_and_striped_kinds_reach_black_and_white(real: Pictures) -> None:
    for kind in ("saturated", "striped"):
        made = reject_pictures(real, 60, np.random.default_rng(0), kind)
        assert np.mean([(m < 20).any() or (m > 235).any() for m in made]) > 0.8


def test_thresholds_keep_the_share_they_promise(real: Pictures, judge: Judge) -> None:
    labels = torch.from_numpy(real.labels)
    found = distances(features_of(judge.network, pixels_of(real.images)), judge.means[labels], judge.whitening)
    kept = (found <= judge.limits[labels]).reshape(-1)
    for c in range(10):
        assert float(kept[labels == c].float().mean()) == pytest.approx(0.95, abs=0.02)


def test_whitening_makes_the_common_spread_round(real: Pictures, judge: Judge) -> None:
    labels = torch.from_numpy(real.labels)
    spread = (features_of(judge.network, pixels_of(real.images)) - judge.means[labels]) @ judge.whitening
    # A ridge of a thousandth leaves the strong directions at variance 1 and shrinks the weak ones.
    covariance = (spread.T @ spread / len(spread)).diagonal()
    assert float(covariance.max()) == pytest.approx(1.0, abs=0.02)


def test_judge_knows_clothes_and_refuses_noise(real: Pictures, judge: Judge) -> None:
    test = fashion_mnist().test
    test = test.rows(first_per_class(test.labels, 20))
    found = judge(pixels_of(test.images))
    assert (found.plain == test.labels).mean() > 0.6
    assert np.isin(found.labels[found.labels != NONE], range(10)).all()
    noise = judge(pixels_of(reject_pictures(test, 100, np.random.default_rng(9), "noise")))
    assert (noise.labels == NONE).mean() > (found.labels == NONE).mean() + 0.5


def test_a_far_picture_is_refused_however_sure_the_softmax_is(judge: Judge, real: Pictures) -> None:
    pixels = pixels_of(real.images)
    strict = Judge(judge.network, judge.means, judge.whitening, torch.zeros(10))
    assert (strict(pixels).labels == NONE).all()
    assert np.array_equal(strict(pixels).plain, judge(pixels).plain)
    lenient = Judge(judge.network, judge.means, judge.whitening, torch.full((10,), torch.inf))
    assert (lenient(pixels).labels == NONE).mean() < (judge(pixels).labels == NONE).mean()


def test_a_small_class_turns_none_of_its_own_away() -> None:
    distances_of = torch.arange(1.0, 9.0)
    assert float(_limit(distances_of, 0.98)) == 8.0  # an interpolated quantile, 7.86, would reject one of eight
    assert float(_limit(torch.arange(1.0, 101.0), 0.98)) == pytest.approx(98.02)
