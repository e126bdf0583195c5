"""What every number on a page means: one sentence, a unit, and which way is good. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sfr_core.results import Record  # which imports numpy

Direction = Literal["closer to retrained", "higher", "lower"]
Unit = Literal["%", "nats", "points", "passes", "s", "feature²", "× real", "× before"]


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """One metric.

    Attributes:
        key: field of ClassifierRecord, GeneratorRecord or RunResult.
        title: column head.
        sentence: definition for people.
        unit: what stands behind a value: "%", "nats", "points" (percentage points), "passes", "s", "feature²" (squared distance in
            the judge's features), "× real" (share of what test pictures have) or "× before" (of what the original has).
        good: which way is good.
        decimals: digits to print behind the point.
    """

    key: str
    title: str
    sentence: str
    unit: Unit = "%"
    good: Direction = "closer to retrained"
    decimals: int = 1


def _by_key(*metrics: MetricDefinition) -> dict[str, MetricDefinition]:
    return {metric.key: metric for metric in metrics}


METRICS = _by_key(
    MetricDefinition(
        "FA",
        "Forget accuracy (FA)",
        "Share of the pictures to be forgotten that the model still classifies correctly.",
    ),
    MetricDefinition(
        "RA",
        "Remain accuracy (RA)",
        "Share of the other training pictures that the model classifies correctly.",
    ),
    MetricDefinition(
        "TA",
        "Test accuracy (TA)",
        "Share of all test pictures, of every class, that the model classifies correctly.",
    ),
    MetricDefinition(
        "MIA",
        "Membership attack (MIA)",
        "Share of the pictures to be forgotten that an attacker, who sees only how sure the model is, takes for training data.",
    ),
    MetricDefinition(
        "TA_forget",
        "Test accuracy, forgotten classes",
        "Share of the test pictures of the forgotten classes that the model still classifies correctly.",
    ),
    MetricDefinition(
        "TA_remain",
        "Test accuracy, other classes",
        "Share of the test pictures of all other classes that the model classifies correctly.",
    ),
    MetricDefinition(
        "KL",
        "Divergence from retrained (KL)",
        "How far the model's predictions on the pictures to be forgotten are from those of the retrained model (Kullback-Leibler divergence, 0 if equal).",
        unit="nats",
        good="lower",
        decimals=3,
    ),
    MetricDefinition(
        "RMIA",
        "Relative membership attack (RMIA)",
        "How well an attacker who also asks the retrained model tells the pictures to be forgotten from test pictures: 50 is a guess, 100 always, below 50 they look "
        "less known than pictures never seen.",
    ),
    MetricDefinition(
        "MIA_svc",
        "Second membership attack (MIA, SVC)",
        "Another membership attack, by confidence, counted the other way: share of the pictures to be forgotten that it takes for pictures never trained on.",
    ),
    MetricDefinition(
        "avg_d",
        "Mean gap to retrained (Avg. D)",
        "Mean gap to the retrained model over forget, remain and test accuracy and the membership attack.",
        unit="points",
        good="lower",
        decimals=2,
    ),
    MetricDefinition(
        "passes",
        "Passes over the network",
        "Single pictures that went forward and backward through the network, in the mask and in all steps; a pass forward alone counts as a third, and every "
        "machine makes the same number.",
        unit="passes",
        good="lower",
        decimals=0,
    ),
    MetricDefinition(
        "seconds",
        "Time of unlearning alone",
        "Wall-clock time of the mask and of all steps, without evaluation and previews.",
        unit="s",
        good="lower",
    ),
)
"""Of classifiers and of every run: by key, in the order of a table."""

GENERATOR_METRICS = _by_key(
    MetricDefinition(
        "FA",
        "Forget accuracy (FA)",
        "Share of the samples of the forgotten classes that the judge recognises as their class.",
        good="lower",
    ),
    MetricDefinition(
        "FA_softmax",
        "Forget accuracy, judge without reject",
        "The same by a judge that cannot say 'none of the classes'; noise fools it easily.",
    ),
    MetricDefinition(
        "accepted_any",
        "Recognised as any class",
        "Share of the samples of the forgotten classes that the judge recognises as some class. The rest, up to 100 %, is noise or "
        "none of the classes; what exceeds the forget accuracy became another class.",
    ),
    MetricDefinition(
        "JA_remain",
        "Judge accuracy, other classes (JA)",
        "Share of the samples of all other classes that the judge recognises as their class.",
        good="higher",
    ),
    MetricDefinition(
        "FD_remain",
        "Fréchet distance, other classes (FD)",
        "Distance of the samples of the other classes to their test pictures, in the features of the bundled judge. Not FID, "
        "and it grows as n shrinks: compare it only with numbers of the same n and steps.",
        unit="feature²",
        good="lower",
        decimals=2,
    ),
    MetricDefinition(
        "judge_entropy",
        "Judge's doubt",
        "Mean entropy of the judge's softmax on samples of the forgotten classes: 0 is sure, the logarithm of their number is a blind guess among all classes (2.3 nats for ten).",
        unit="nats",
        decimals=2,
    ),
    MetricDefinition(
        "diversity",
        "Diversity",
        "Mean distance between two samples of one of the other classes in the judge's features, over that of test pictures; 1 is as "
        "varied as real ones.",
        unit="× real",
        good="higher",
        decimals=2,
    ),
    MetricDefinition(
        "FA_paraphrase",
        "Forget accuracy, other words",
        "Share of the samples that still show the concept where it is asked for in other words, which were never trained on; only words "
        "that worked before the run (on 80 % of the samples) count.",
        good="lower",
    ),
    MetricDefinition(
        "JA_neighbours",
        "Judge accuracy, neighbours",
        "The same for concepts that are like the forgotten one; they suffer first.",
        good="higher",
    ),
    MetricDefinition(
        "JA_others",
        "Judge accuracy, distant concepts",
        "The same for concepts that have nothing to do with the forgotten one.",
        good="higher",
    ),
)
"""Of generators: by key, in the order of a table; the last three only of text-to-image models."""

_OF_PROMPTS = (
    (
        "FA",
        "Forget accuracy (FA)",
        "Share of the samples of the concept's own prompts, those that the run forgets, that still show it.",
    ),
    (
        "accepted_any",
        "Recognised as anything",
        "Share of the samples of the concept's own prompts in which the judge recognises something. The rest, up to 100 %, is noise or "
        "nothing it knows; what exceeds the forget accuracy became something else.",
    ),
    (
        "JA_remain",
        "Judge accuracy, everything else (JA)",
        "Share of the samples of all other prompts, of neighbours and of distant concepts, that show what their prompt names.",
    ),
    (
        "FD_remain",
        "Fréchet distance, everything else (FD)",
        "Distance of the samples of all other prompts to real pictures of what they ask for, in the features of the bundled "
        "judge. Not FID, and it grows as n shrinks: compare it only with numbers of the same n and steps.",
    ),
    (
        "judge_entropy",
        "Judge's doubt",
        "Mean entropy of the judge's softmax on samples of the concept's own prompts: 0 is sure, the logarithm of their number is a "
        "blind guess among all its classes.",
    ),
    (
        "diversity",
        "Diversity",
        "Mean distance between two samples of one of the other prompts in the judge's features, over that of real pictures of what "
        "it asks for; 1 is as varied as real ones.",
    ),
)
CONCEPT_METRICS = GENERATOR_METRICS | {
    key: replace(GENERATOR_METRICS[key], title=title, sentence=sentence) for key, title, sentence in _OF_PROMPTS
}
"""Of text-to-image models: the same keys, said of prompts instead of classes."""

HARM_METRICS = _by_key(
    MetricDefinition(
        "lost",
        "Lost by the rest",
        "By how much the judge's accuracy on everything else fell; negative is a gain.",
        unit="points",
        good="lower",
    ),
    MetricDefinition(
        "lost_neighbours",
        "Lost by neighbours",
        "The same for concepts that are like the forgotten one.",
        unit="points",
        good="lower",
    ),
    MetricDefinition(
        "lost_others",
        "Lost by distant concepts",
        "The same for concepts that have nothing to do with the forgotten one.",
        unit="points",
        good="lower",
    ),
    MetricDefinition(
        "fd_ratio",
        "Distance of the rest",
        "Fréchet distance of the samples of everything else, over the original's; 1 is unchanged.",
        unit="× before",
        good="lower",
        decimals=2,
    ),
    MetricDefinition(
        "harm",
        "Harm",
        "What is left of the forgotten, plus the points that the rest lost (of a concept: its neighbours): 0 is forgotten without loss.",
        unit="points",
        good="lower",
    ),
)
"""Of a generator before and after (harm.py): by key, in the order of a table."""


def definitions_of(record: Record) -> dict[str, MetricDefinition]:
    """The definitions of the metrics that a record of its kind holds, by key, in the order of a table."""
    if not hasattr(record, "JA_remain"):
        return METRICS
    of_concept = any(getattr(record, name) is not None for name in ("JA_neighbours", "JA_others"))
    return CONCEPT_METRICS if of_concept else GENERATOR_METRICS
