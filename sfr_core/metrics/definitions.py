"""What every number on a page means: one sentence, a unit, and which way is good. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sfr_core.errors import UnknownName

Direction = Literal["closer to retrained", "higher", "lower"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDefinition:
    """One metric.

    Attributes:
        key: field of ClassifierRecord or RunResult.
        title: column head.
        sentence: definition for people.
        unit: what stands behind a value: "%", "nats", "points" (percentage points) or "s".
        good: which way is good.
        decimals: digits to print behind the point.
    """

    key: str
    title: str
    sentence: str
    unit: Literal["%", "nats", "points", "s"]
    good: Direction
    decimals: int


def _define(
    *rows: tuple[str, str, str, Literal["%", "nats", "points", "s"], Direction, int],
) -> dict[str, MetricDefinition]:
    return {
        key: MetricDefinition(key=key, title=title, sentence=sentence, unit=unit, good=good, decimals=decimals)
        for key, title, sentence, unit, good, decimals in rows
    }


METRICS = _define(
    (
        "FA",
        "FA",
        "Forget accuracy: share of the pictures to be forgotten that the model still classifies correctly.",
        "%",
        "closer to retrained",
        1,
    ),
    (
        "RA",
        "RA",
        "Remain accuracy: share of the other training pictures that the model classifies correctly.",
        "%",
        "closer to retrained",
        1,
    ),
    (
        "TA",
        "TA",
        "Test accuracy: share of all test pictures, of every class, that the model classifies correctly.",
        "%",
        "closer to retrained",
        1,
    ),
    (
        "MIA",
        "MIA",
        "Membership attack: share of the pictures to be forgotten that an attacker who sees only how sure the model is takes for training data.",
        "%",
        "closer to retrained",
        1,
    ),
    (
        "TA_forget",
        "TA, forgotten classes",
        "Share of the test pictures of the forgotten classes that the model still classifies correctly.",
        "%",
        "closer to retrained",
        1,
    ),
    (
        "TA_remain",
        "TA, other classes",
        "Share of the test pictures of all other classes that the model classifies correctly.",
        "%",
        "closer to retrained",
        1,
    ),
    (
        "KL",
        "KL",
        "How far the model's answers on the pictures to be forgotten are from those of the retrained model (Kullback-Leibler divergence, 0 if equal).",
        "nats",
        "lower",
        3,
    ),
    (
        "MIA_svc",
        "MIA (SVC)",
        "A second membership attack, by confidence and with the opposite sense: share of the pictures to be forgotten that it takes for pictures never trained on.",
        "%",
        "closer to retrained",
        1,
    ),
    (
        "avg_d",
        "Avg. D",
        "Mean distance from the retrained model over FA, RA, TA and MIA.",
        "points",
        "lower",
        2,
    ),
    (
        "seconds",
        "Time",
        "Wall-clock time of the unlearning itself, mask included, evaluation and previews not.",
        "s",
        "lower",
        1,
    ),
)
"""By key, in the order of a table."""


def definition(key: str) -> MetricDefinition:
    """The definition of one metric.

    Raises:
        UnknownName: no such metric; names the nearest.
    """
    try:
        return METRICS[key]
    except KeyError:
        raise UnknownName("metric", key, METRICS) from None
