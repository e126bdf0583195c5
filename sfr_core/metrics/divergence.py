"""Distances from the retrained model: KL and Jensen-Shannon of the answers, and Avg.D of the metrics."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sfr_core.metrics.classification import Floats
from sfr_core.results import ClassifierRecord

EPS = 1e-20
"""Added inside every logarithm (authors' code), so that a probability of 0 stays finite: at most about 46 nats."""


def kl_rows(retrained: ArrayLike, model: ArrayLike) -> Floats:
    """KL(retrained || model) = sum_c p ln(p / q) of each row, shape [n], nats; p of the retrained model, q of this one.

    Args:
        retrained, model: probabilities [n, classes] on the same rows.
    """
    p, q = np.asarray(retrained, np.float64), np.asarray(model, np.float64)
    rows: Floats = (p * (np.log(p + EPS) - np.log(q + EPS))).sum(axis=-1)
    return rows


def kl(retrained: ArrayLike, model: ArrayLike) -> float:
    """Mean of `kl_rows`, nats."""
    return float(kl_rows(retrained, model).mean())


def js_rows(first: ArrayLike, second: ArrayLike) -> Floats:
    """Jensen-Shannon divergence of each row, shape [n], nats, 0 to ln 2: half KL(p || m) + half KL(q || m), m the mean."""
    p, q = np.asarray(first, np.float64), np.asarray(second, np.float64)
    middle = (p + q) / 2.0
    return (kl_rows(p, middle) + kl_rows(q, middle)) / 2.0


def js(first: ArrayLike, second: ArrayLike) -> float:
    """Mean of `js_rows`, nats."""
    return float(js_rows(first, second).mean())


def avg_d(model: ClassifierRecord, retrained: ClassifierRecord) -> float | None:
    """Mean absolute gap to the retrained model over FA, RA, TA and MIA, percentage points; None without both MIAs."""
    if model.MIA is None or retrained.MIA is None:
        return None
    gaps = (model.FA - retrained.FA, model.RA - retrained.RA, model.TA - retrained.TA, model.MIA - retrained.MIA)
    return sum(abs(gap) for gap in gaps) / len(gaps)
