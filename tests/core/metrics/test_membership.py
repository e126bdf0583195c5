"""Both membership attacks against independent versions, and on sets whose answer is known."""

import math
import time

import numpy as np
import pytest
import scipy.optimize
from numpy.typing import NDArray
from sklearn.svm import SVC

from sfr_core.errors import InputError
from sfr_core.metrics.classification import entropy, softmax
from sfr_core.metrics.membership import entropy_attack, modified_entropy, relative_attack, svc_attack

Floats = NDArray[np.float64]


def balanced_logistic_by_hand(members: Floats, others: Floats, judged: Floats) -> float:
    """Share called member by the minimiser of w^2/2 + sum_i c_i * logloss_i, c_i = n / (2 * size of i's class)."""
    x = np.concatenate([members, others])
    sign = np.concatenate([np.ones(len(members)), -np.ones(len(others))])
    weight = np.where(sign > 0, len(x) / (2 * len(members)), len(x) / (2 * len(others)))

    def cost(params: Floats) -> float:
        margin = sign * (params[0] * x + params[1])
        return float(params[0] ** 2 / 2 + (weight * np.logaddexp(0, -margin)).sum())

    w, b = scipy.optimize.minimize(cost, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11}).x
    return 100 * float(np.mean(w * judged + b > 0))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_entropy_attack_agrees_with_a_hand_written_fit(seed: int) -> None:
    draw = np.random.default_rng(seed)
    remain, test, forget = draw.gamma(1, 0.3, 700), draw.gamma(2, 0.4, 250), draw.gamma(1.5, 0.4, 200)
    value = entropy_attack(remain, test, forget)
    assert 10 < value < 95
    assert value == pytest.approx(balanced_logistic_by_hand(remain, test, forget), abs=0.5)  # one row may flip


def test_entropy_attack_says_member_where_entropy_is_low() -> None:
    remain, test = np.full(50, 0.01), np.full(20, 2.0)
    assert entropy_attack(remain, test, [0.0, 0.02, 1.9, 2.3]) == 50.0


def test_entropy_attack_balances_the_classes() -> None:
    # Unbalanced, 5 to 1 members with overlapping entropies would all be called member.
    remain, test = np.repeat([0.4, 0.6], 500), np.repeat([0.5, 0.7], 100)
    assert entropy_attack(remain, test, [0.4, 0.7]) == 50.0


def test_modified_entropy_by_hand() -> None:
    p = [[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]]
    rows = modified_entropy(p, [0, 2, 0, 1, 2])
    first = -0.3 * math.log(0.7) - 0.2 * math.log(0.8) - 0.1 * math.log(0.9)
    second = -0.9 * math.log(0.1) - 0.7 * math.log(0.3) - 0.2 * math.log(0.8)
    uniform = -2 / 3 * math.log(1 / 3) - 2 / 3 * math.log(2 / 3)
    surely_wrong = 2 * 30 * math.log(10)  # ln of the floor twice: p_y = 0, and another p = 1
    np.testing.assert_allclose(rows, [first, second, 0.0, surely_wrong, uniform], rtol=1e-12, atol=1e-12)


def test_modified_entropy_agrees_with_a_loop() -> None:
    draw = np.random.default_rng(3)
    p, y = draw.dirichlet(np.ones(6), 50), draw.integers(0, 6, 50)
    for row, label, value in zip(p, y, modified_entropy(p, y), strict=True):
        wanted = -(1 - row[label]) * math.log(row[label])
        wanted -= sum(q * math.log(1 - q) for c, q in enumerate(row) if c != label)
        assert value == pytest.approx(wanted, rel=1e-12)


def a_set(draw: np.random.Generator, rows: int, sharpness: float) -> tuple[Floats, NDArray[np.int64]]:
    labels = draw.integers(0, 10, rows)
    logits = draw.normal(0, 1, (rows, 10))
    logits[np.arange(rows), labels] += sharpness
    return softmax(logits), labels


def test_svc_attack_agrees_with_three_plain_fits_on_the_rows_as_given() -> None:
    draw = np.random.default_rng(5)
    remain, test, forget = a_set(draw, 140, 4.0), a_set(draw, 90, 2.0), a_set(draw, 80, 3.0)
    shares = svc_attack(remain, test, forget, sample=None)

    def plain(feature) -> float:  # type: ignore[no-untyped-def]
        columns = [np.asarray(feature(*rows)).reshape(-1, 1) for rows in (remain, test, forget)]
        fit = SVC(C=3, gamma=1.0).fit(np.vstack(columns[:2]), np.r_[np.ones(140), np.zeros(90)])  # auto = 1 / features
        return 100 * float((fit.predict(columns[2]) == 0).mean())

    assert shares.confidence == plain(lambda p, y: p[np.arange(len(y)), y])
    assert shares.entropy == plain(lambda p, y: entropy(p))
    assert shares.modified_entropy == plain(modified_entropy)
    assert 0 < shares.confidence < 100


def test_svc_attack_draws_equal_samples_from_its_seed() -> None:
    draw = np.random.default_rng(6)
    remain, test, forget = a_set(draw, 900, 4.0), a_set(draw, 200, 2.0), a_set(draw, 300, 3.0)
    runs = [svc_attack(remain, test, forget, sample=150, seed=s) for s in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]
    assert svc_attack(remain, test, forget, sample=200) == svc_attack(remain, test, forget, sample=5000)  # 200 is all


def test_svc_attack_fits_on_as_many_members_as_others() -> None:
    def rows(sure: int, unsure: int) -> tuple[Floats, NDArray[np.int64]]:
        return np.repeat([[0.9, 0.1], [0.6, 0.4]], [sure, unsure], axis=0), np.zeros(sure + unsure, np.int64)

    # Two of three members are sure, one of three others; ten to one, every row would be called member.
    remain, test, forget = rows(800, 400), rows(40, 80), rows(3, 7)
    assert svc_attack(remain, test, forget).confidence == 70.0
    assert svc_attack(remain, test, forget, sample=None).confidence == 0.0


def test_svc_attack_says_non_member_in_percent() -> None:
    sure, unsure = np.array([[0.99, 0.01]] * 30), np.array([[0.5, 0.5]] * 30)
    zeros = np.zeros(30, np.int64)
    shares = svc_attack((sure, zeros), (unsure, zeros), (np.vstack([sure[:3], unsure[:1]]), zeros[:4]))
    assert (shares.confidence, shares.entropy, shares.modified_entropy) == (25.0, 25.0, 25.0)


def test_svc_attack_at_default_size_is_quick() -> None:
    draw = np.random.default_rng(7)
    sets = a_set(draw, 9000, 4.0), a_set(draw, 10000, 3.0), a_set(draw, 1000, 3.5)
    started = time.process_time()
    svc_attack(*sets)
    assert time.process_time() - started < 1.0


def test_attacks_refuse_empty_sets() -> None:
    with pytest.raises(InputError, match="forget set is empty"):
        entropy_attack([1.0], [2.0], [])
    rows = (np.full((2, 2), 0.5), np.array([0, 1]))
    with pytest.raises(InputError, match="test set has 0 labels"):
        svc_attack(rows, (np.zeros((0, 2)), np.zeros(0)), rows)
    with pytest.raises(InputError, match="test set has 1 labels for 2 rows"):
        svc_attack(rows, (rows[0], [0]), rows)
    with pytest.raises(InputError, match="at least one row"):
        svc_attack(rows, rows, rows, sample=0)


def test_relative_attack_by_hand() -> None:
    # Ratios of the model's chance to the reference's: population 0.5, 1, 2, 4; forget rows 2 and 0.5; others 1 and 1.
    population = ([0.2, 0.4, 0.8, 0.8], [0.4, 0.4, 0.4, 0.2])
    others = ([0.3, 0.6], [0.3, 0.6])
    # Scores: share of the population with a smaller ratio, and half of that with the same: 5/8 and 1/8; 3/8 and 3/8. Two of four pairs
    # are in order.
    assert relative_attack(([0.8, 0.1], [0.4, 0.2]), others, population) == 50.0
    assert relative_attack(([0.8, 0.9], [0.4, 0.3]), others, population) == 100.0
    assert relative_attack(([0.1, 0.0], [0.2, 0.2]), others, population) == 0.0
    assert relative_attack(others, others, population) == 50.0  # the reference itself
    # Others that are the population itself do not count themselves: a forget row above one of three of them is before it.
    own = ([0.1, 0.2, 0.4], [0.2, 0.2, 0.2])  # ratios 1/2, 1, 2
    assert relative_attack(([0.3], [0.2]), own, own) == pytest.approx(200 / 3)
    with pytest.raises(InputError):
        relative_attack(([], []), others, population)
