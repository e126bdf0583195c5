"""The five lines of a result, on runs whose numbers are known by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from demos.records.brief import lines, neighbour_classes
from sfr_core.data.concepts import Role
from tests.demos import compare_examples, generator_examples


def test_a_classifiers_five_lines() -> None:
    said = dict(lines(compare_examples.record()))
    assert list(said) == [
        "What is left of it",
        "What the rest lost",
        "Its neighbours",
        "How far from retrained",
        "What it cost",
    ]
    assert said["What is left of it"] == "0 % of its test pictures are still recognised (before 97 %, retrained 0 %)."
    assert "90 % of the other test pictures" in said["What the rest lost"] or "91 %" in said["What the rest lost"]
    assert said["What the rest lost"].endswith("0.5 points less than before.")
    assert said["How far from retrained"].startswith(
        "1.2 points apart on average over four measures, before the run 54.6"
    )


def test_copies_of_forgotten_pictures_that_were_kept_are_said() -> None:
    def left(copies: int | None) -> str:
        return dict(lines(compare_examples.record(result=compare_examples.result(copies=copies))))["What is left of it"]

    assert left(3).endswith("retrained 0 %). 3 pictures of the remain set are exact copies of forgotten ones.")
    assert left(1).endswith(" 1 picture of the remain set is an exact copy of a forgotten one.")
    assert left(0) == left(None) == dict(lines(compare_examples.record()))["What is left of it"]


def test_neighbours_are_what_was_most_often_mistaken_for_it() -> None:
    one = compare_examples.record()
    assert neighbour_classes(one) == ()  # before, no cat was taken for anything else, and nothing for a cat
    assert dict(lines(one))["Its neighbours"].startswith("None")
    before = compare_examples.report([0] * 6, [0, 2, 1, 0, 2, 0])  # a cat for an owl; a dog and an owl for a cat
    known = replace(one, reports={**one.reports, "before": before})
    assert neighbour_classes(known) == (2, 1)
    # owls: 1 of 2 right before, 0 of 2 after; dogs: 1 of 2 before and after
    assert dict(lines(known))["Its neighbours"] == (
        "Owl and Dog, most often mistaken for it before: 0 and 50 % recognised (before 50 and 50 %)."
    )
    assert "not saved in files" in dict(lines(replace(one, reports={})))["Its neighbours"]


def test_a_generators_five_lines_name_the_class_that_lost_most() -> None:
    said = dict(lines(generator_examples.record()))
    # owls: 2 of 2 before, 1 of 2 after; dogs stay
    assert said["The most affected of the others"] == "Owl: 1 of 2 samples recognised, before 2 of 2."
    assert said["How far from retrained"] == "0.0 points apart on the forgotten samples, 0.4 on the others."


def test_a_concepts_five_lines_name_its_neighbours() -> None:
    before = generator_examples.measured(FA=98.0, FA_paraphrase=90.0, JA_neighbours=96.0, JA_others=97.0)
    after = generator_examples.measured(FA_paraphrase=4.0, JA_neighbours=94.0, JA_others=97.0)
    roles: tuple[Role, ...] = ("direct", "neighbour", "other")
    result = generator_examples.result(before=before, after=after, retrained=None)
    run = generator_examples.record(config=generator_examples.config(forget="concept:cat"), result=result, roles=roles)
    said = dict(lines(run))
    assert said["What is left of it"] == (
        "0 % of the samples that ask for it show it (before 98 %). Asked in other words: 4 % (before 90 %)."
    )
    assert said["Its neighbours"] == "Dog: 94 % of their samples show what was asked for (before 96 %)."
    assert said["How far from retrained"] == "Not known: there is no retrained model for this choice."


def test_a_run_that_was_not_evaluated_has_none() -> None:
    assert lines(compare_examples.record(result=None)) == ()
    assert np.size(neighbour_classes(compare_examples.record(dataset=None))) == 0
