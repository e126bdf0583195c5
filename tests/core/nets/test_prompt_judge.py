"""The judge that answers in prompts, on verdicts written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sfr_core.data.concepts import Concept, Concepts, PromptPlan, plan_prompts
from sfr_core.data.splits import ForgetSpec
from sfr_core.errors import AssetError
from sfr_core.nets.judge import Judge, PromptJudge, Verdict, prompt_judge
from tests.core.tiny_sd import concept_plan, named_judge

NAMES = ("cat", "dog", "car", "sun")
LIST = Concepts(
    ("a thing",),
    (
        Concept(name="pet", kind="category", shows=("cat", "dog"), direct=("pet", "a pet"), paraphrases=("companion",)),
        Concept(name="car", kind="object", shows=("car",), direct=("car",)),
    ),
)


def plan() -> PromptPlan:
    """Labels: pet 0, a pet 1, companion 2, car 3."""
    return plan_prompts(LIST, ForgetSpec(text="concept:pet", concept="pet"))


def verdict(labels: list[int], plain: list[int] | None = None) -> Verdict:
    n = len(labels)
    return Verdict(
        np.array(labels), np.array(plain or labels), np.zeros((n, 3), np.float32), np.full((n, 4), 0.25, np.float32)
    )


def judge_of(names: tuple[str, ...] = NAMES) -> PromptJudge:
    judge: Judge = named_judge()
    return PromptJudge(judge, names, plan())


def test_which_class_fulfils_which_prompt() -> None:
    assert judge_of().fulfils.astype(int).tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0]]


def test_a_picture_fulfils_what_was_asked_or_else_the_first_that_it_could() -> None:
    # A dog for each pet prompt; a dog where a car was asked is a pet; a car for a pet is a car; a sun is nothing; 4: rejected.
    said = judge_of().accepted(verdict([1, 1, 1, 1, 2, 3, 4]), np.array([0, 1, 2, 3, 1, 3, 0]))
    assert said.tolist() == [0, 1, 2, 0, 3, -1, -1]


def test_doubt_counts_only_where_it_may() -> None:
    judge, found = judge_of(), verdict([4, 4, 2], plain=[0, 2, 2])
    assert judge.none(found).tolist() == [True, True, False]
    assert judge.plain(found, np.array([0, 1, 3])).tolist() == [True, False, True]


def test_a_class_that_the_judge_lacks_is_named() -> None:
    with pytest.raises(AssetError, match="no class 'dog'"):
        judge_of(("cat", "car"))


def test_without_a_class_for_the_concept_there_is_no_judge() -> None:
    judge = named_judge()
    assert prompt_judge(judge, concept_plan()) is not None
    free = plan_prompts(Concepts(), ForgetSpec(text="concept:cat", concept="cat"), "a photo")
    assert prompt_judge(judge, free) is None
