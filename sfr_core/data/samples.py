"""Which samples of a generator make one record, and which of them are shown: chosen without a network."""

from __future__ import annotations

from collections.abc import Collection
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from sfr_core.data.concepts import PromptPlan, Role
from sfr_core.errors import InputError

RECORD_SAMPLES = 100
"""Pictures of the forgotten classes or prompts behind a generator's record, and about as many of the others."""
SHOWN_FORGET, SHOWN_REMAIN = 8, 4
"""Pictures of each class in a report. Where a card has a model's record, these are all that is drawn of it."""


def sample_plan(forgotten: Collection[int], classes: int, n: int) -> NDArray[np.int64]:
    """Classes to sample for one record, sorted: n of the forgotten classes together, about n of the others.

    Every forgotten class gets n / (number of them), rounded up, and every other class n / (number of them), rounded to the
    nearest: of ten classes with one forgotten 100 and 9 x 11, or 500 and 9 x 56.

    Raises:
        InputError: nothing or everything is forgotten.
    """
    others = [c for c in range(classes) if c not in forgotten]
    if not others or len(others) == classes:
        raise InputError("A record needs classes to forget and classes to keep.", hint="Choose some of the classes.")
    each = -(-n // (classes - len(others)))
    rest = max(1, round(n / len(others)))
    return np.concatenate([np.full(each if c in forgotten else rest, c, np.int64) for c in range(classes)])


def sample_prompts(plan: PromptPlan, n: int) -> NDArray[np.int64]:
    """Prompts to sample for one record, sorted: n / 2 pictures each of the direct prompts, the paraphrases, the neighbours and
    the others, rounded up to whole prompts of at least two pictures each.
    """
    groups = by_role(plan).values()
    return np.concatenate([np.repeat(labels, max(2, -(-n // (2 * len(labels))))) for labels in groups])


def by_role(plan: PromptPlan) -> dict[Role, NDArray[np.int64]]:
    """Labels of the prompts of every role that has one."""
    return {role: labels for role in get_args(Role) if len(labels := plan.labels(role))}


def shown_rows(labels: NDArray[np.int64], forgotten: Collection[int] = ()) -> NDArray[np.int64]:
    """Rows of sorted `labels` that are shown: the first SHOWN_FORGET or SHOWN_REMAIN of every class, or prompt."""
    most = {int(c): SHOWN_FORGET if c in forgotten else SHOWN_REMAIN for c in np.unique(labels)}
    return np.concatenate([np.flatnonzero(labels == c)[:n] for c, n in most.items()]).astype(np.int64)
