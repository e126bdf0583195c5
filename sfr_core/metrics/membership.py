"""Membership inference: does the model still answer on the forget set as on data it was trained on?

Two attacks with opposite senses. The entropy attack is the paper's MIA (share called *member*); SalUn's SVC attack
reports the share called *non-member*. Neither is good when high or low: both should be near the retrained model's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sfr_core.errors import InputError
from sfr_core.metrics.classification import Floats, entropy

SMALLEST = 1e-30
"""Floor inside the logarithms of the modified entropy, so that p = 0 gives about 69 nats instead of infinity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SvcShares:
    """Share of forget rows called NON-member, percent (0 to 100), by the feature that the attack saw."""

    confidence: float
    entropy: float
    modified_entropy: float


def entropy_attack(remain: ArrayLike, test: ArrayLike, forget: ArrayLike) -> float:
    """The paper's MIA: a logistic regression on the entropy tells members from others, then judges the forget set.

    Fitted on all remain rows (member) against all test rows (not), classes balanced, C = 1 (authors' code; recorded
    numbers in tests/golden).

    Args:
        remain, test, forget: softmax entropies of the rows, each [n], nats.

    Returns:
        Share of forget rows called member, percent (0 to 100).

    Raises:
        InputError: an empty set.
    """
    from sklearn.linear_model import LogisticRegression

    members, others, judged = (_column(name, v) for name, v in (("remain", remain), ("test", test), ("forget", forget)))
    attack = LogisticRegression(class_weight="balanced", C=1.0)
    attack.fit(np.concatenate([members, others]), _membership(len(members), len(others)))
    return 100.0 * float(np.mean(attack.predict(judged) == 1))


def modified_entropy(probabilities: ArrayLike, labels: ArrayLike) -> Floats:
    """-(1-p_y) ln p_y - sum_{c != y} p_c ln(1-p_c) of each row, shape [n], nats: 0 if sure and right, large if sure and wrong.

    Song and Mittal 2021 (arXiv 2003.10595, equation 5). The published code of SalUn and SFR-on takes every label's
    column for every row and ln p where ln(1-p) is meant; this does not.
    """
    p, y = np.asarray(probabilities, np.float64), np.asarray(labels, np.int64)
    rows = np.arange(len(y))
    right = p[rows, y]
    others = p * np.log(np.maximum(1.0 - p, SMALLEST))
    others[rows, y] = 0.0
    value: Floats = -(1.0 - right) * np.log(np.maximum(right, SMALLEST)) - others.sum(axis=1)
    return np.maximum(value, 0.0)


def svc_attack(
    remain: tuple[ArrayLike, ArrayLike],
    test: tuple[ArrayLike, ArrayLike],
    forget: tuple[ArrayLike, ArrayLike],
    *,
    sample: int | None = 1000,
    seed: int = 0,
) -> SvcShares:
    """SalUn's attack: an RBF support-vector classifier (C = 3, gamma auto) on one feature at a time.

    Args:
        remain, test, forget: (probabilities [n, classes], labels [n]) of each set.
        sample: so many remain rows and equally many test rows are drawn to fit on (fewer where a set is smaller);
            None fits on all rows as given, which takes minutes for 10,000.
        seed: of that draw.

    Returns:
        Share of forget rows called NON-member by each feature, percent.

    Raises:
        InputError: an empty set, or `sample` below 1.
    """
    from sklearn.svm import SVC

    if sample is not None and sample < 1:
        raise InputError("The attack needs at least one row of each set.", hint="Give a larger sample.")
    sets = [_features(name, *rows) for name, rows in (("remain", remain), ("test", test), ("forget", forget))]
    members, others, judged = sets
    if sample is not None:
        draw = np.random.default_rng(seed)
        size = min(sample, len(members), len(others))
        members, others = (rows[np.sort(draw.permutation(len(rows))[:size])] for rows in (members, others))
    shares = []
    for k in range(judged.shape[1]):
        attack = SVC(C=3, gamma="auto", kernel="rbf")
        attack.fit(np.concatenate([members, others])[:, k : k + 1], _membership(len(members), len(others)))
        shares.append(100.0 * float(np.mean(attack.predict(judged[:, k : k + 1]) == 0)))
    return SvcShares(confidence=shares[0], entropy=shares[1], modified_entropy=shares[2])


def relative_attack(
    forget: tuple[ArrayLike, ArrayLike], others: tuple[ArrayLike, ArrayLike], population: tuple[ArrayLike, ArrayLike]
) -> float:
    """RMIA with one reference: how well the likelihood ratio tells forget rows from others that no model was trained on.

    Of a row x and rows z of a population, LR(x, z) = [p(x|θ) / p(x)] / [p(z|θ) / p(z)], where p(.) is a reference that was not
    trained on x; the score of x is the share of z with LR > 1 and half of that with LR = 1 (Zarifzadeh et al., ICML 2024, arXiv 2312.03262, offline form with a = 1:
    p(x) is the reference's own chance). The score grows with a row's own ratio whatever the population, which decides ties alone.

    Args:
        forget, others, population: of each set the chance of the true class by the model and by the reference, each [n].

    Returns:
        Area under the ROC curve of the scores, percent: 50 if the scores tell nothing, 100 if every forget row looks more
        like a member than every other row, 0 the reverse.

    Raises:
        InputError: an empty set.
    """
    from sklearn.metrics import roc_auc_score

    inside, outside, rest = (
        _log_ratio(name, *rows) for name, rows in (("forget", forget), ("test", others), ("test", population))
    )
    rest.sort()
    rows = np.concatenate([inside, outside])
    # Half of the equal ones: the other rows are of the population, and each would count itself.
    scores = (np.searchsorted(rest, rows, side="left") + np.searchsorted(rest, rows, side="right")) / (2 * len(rest))
    return 100.0 * float(roc_auc_score(_membership(len(inside), len(outside)), scores))


def _log_ratio(name: str, model: ArrayLike, reference: ArrayLike) -> Floats:
    p, q = (np.maximum(_column(name, values)[:, 0], SMALLEST) for values in (model, reference))
    ratio: Floats = np.log(p) - np.log(q)
    return ratio


def _features(name: str, probabilities: ArrayLike, labels: ArrayLike) -> Floats:
    p, y = np.asarray(probabilities, np.float64), np.asarray(labels, np.int64)
    if not len(y) or p.ndim != 2 or len(p) != len(y):
        raise InputError(f"The {name} set has {len(y)} labels for {len(p)} rows.", hint="Give one label per row.")
    return np.stack([p[np.arange(len(y)), y], entropy(p), modified_entropy(p, y)], axis=1)


def _column(name: str, values: ArrayLike) -> Floats:
    column = np.asarray(values, np.float64).reshape(-1, 1)
    if not len(column):
        raise InputError(f"The {name} set is empty.", hint="The attack needs rows of all three sets.")
    return column


def _membership(members: int, others: int) -> NDArray[np.int64]:
    return np.repeat(np.array([1, 0], np.int64), [members, others])
