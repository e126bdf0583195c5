"""Records by prompt, from verdicts whose shares can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from sfr_core.data.concepts import Concept, Concepts, PromptPlan, plan_prompts
from sfr_core.data.samples import sample_prompts
from sfr_core.data.splits import ForgetSpec
from sfr_core.errors import InputError
from sfr_core.metrics.concepts import concept_record, shares
from sfr_core.metrics.generation import frechet, moments, pooled, real_features
from sfr_core.nets.judge import PromptJudge, Verdict
from tests.core.tiny_sd import named_judge

NAMES = ("cat", "tiger", "car")
LIST = Concepts(
    ("a thing",),
    (
        Concept(name="cat", kind="object", shows=("cat",), direct=("cat", "a cat"), paraphrases=("kitty", "puss"), neighbours=("tiger",)),
        Concept(name="tiger", kind="object", shows=("tiger",), direct=("tiger",)),
        Concept(name="car", kind="object", shows=("car",), direct=("car",)),
    ),
)  # fmt: skip
ASKED = np.repeat(np.arange(6), 4)
"""Four pictures of each prompt: cat, a cat, kitty, puss, tiger, car."""
RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(24, 2)).astype(np.float32)
REAL = real_features(RNG.normal(size=(30, 2)), np.repeat(np.arange(3), 10))


def plan() -> PromptPlan:
    return plan_prompts(LIST, ForgetSpec(text="concept:cat", concept="cat"))


def judge() -> PromptJudge:
    return PromptJudge(named_judge(), NAMES, plan())


def verdict(labels: list[list[int]], plain: list[list[int]] | None = None) -> Verdict:
    """`labels`: four classes for each of the six prompts; 3 is rejected."""
    chances = np.full((24, 3), 1 / 3, np.float32)
    return Verdict(np.ravel(labels), np.ravel(plain or labels), FEATURES, chances)


BEFORE = verdict([[0, 0, 0, 0], [0, 0, 0, 3], [0, 0, 0, 0], [0, 0, 0, 1], [1, 1, 1, 1], [2, 2, 2, 2]])
AFTER = verdict(
    [[3, 3, 0, 1], [3, 2, 2, 2], [0, 3, 3, 3], [0, 0, 0, 0], [1, 1, 3, 0], [2, 2, 2, 2]],
    [[0, 0, 0, 1], [2, 2, 2, 2], [0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0], [2, 2, 2, 2]],
)


def test_shares_by_prompt() -> None:
    assert shares(BEFORE, ASKED, judge()) == {0: 1.0, 1: 0.75, 2: 1.0, 3: 0.75, 4: 1.0, 5: 1.0}


def test_a_record_counted_by_hand() -> None:
    record = concept_record(AFTER, ASKED, judge(), shares(BEFORE, ASKED, judge()), REAL, steps=20, guidance=3.0)
    assert record.FA == 12.5  # one of eight
    assert record.FA_softmax == 37.5  # three of eight
    assert record.accepted_any == 62.5  # all but three
    # "puss" was shown in 75 % before: it does not count, though it still shows four cats.
    assert (record.FA_paraphrase, record.n_paraphrase) == (25.0, 4)
    assert (record.JA_neighbours, record.JA_others, record.JA_remain) == (50.0, 100.0, 75.0)
    assert (record.n_samples, record.n_remain, record.sampler_steps, record.guidance) == (8, 8, 20, 3.0)
    assert record.n_neighbours == 4
    assert record.judge_entropy == pytest.approx(np.log(3), rel=1e-5)
    wanted = pooled(REAL.means[1:], REAL.covariances[1:], REAL.counts[1:])
    assert record.FD_remain == pytest.approx(frechet(*moments(FEATURES[16:]), *wanted))
    pairs = [np.linalg.norm(a - b) for rows in (FEATURES[16:20], FEATURES[20:]) for a in rows for b in rows]
    spreads = [sum(pairs[:16]) / 12 / REAL.spreads[1], sum(pairs[16:]) / 12 / REAL.spreads[2]]
    assert record.diversity == pytest.approx(np.mean(spreads), rel=1e-5)


def test_without_paraphrases_that_worked_there_is_no_number() -> None:
    record = concept_record(AFTER, ASKED, judge(), {}, REAL, steps=20, guidance=3.0)
    assert (record.FA_paraphrase, record.n_paraphrase) == (None, 0)


def test_both_sides_must_be_sampled() -> None:
    for rows in (ASKED < 4, ASKED > 3):
        with pytest.raises(InputError, match="Sample both"):
            concept_record(AFTER.rows(rows), ASKED[rows], judge(), {}, REAL, steps=20, guidance=3.0)


def test_half_as_many_of_each_role_spread_over_its_prompts() -> None:
    labels = sample_prompts(plan(), 20)
    assert np.array_equal(labels, np.sort(labels))
    assert np.bincount(labels).tolist() == [5, 5, 5, 5, 10, 10]
    assert np.bincount(sample_prompts(plan(), 2)).tolist() == [2] * 6  # a spread needs two
