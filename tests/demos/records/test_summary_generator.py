"""The rules of the sentence on a generator, each at and beyond its edge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from demos.records.summary import of_record
from demos.records.summary_generator import summarise
from demos.records.summary_text import About, Summary
from sfr_core.data.splits import parse_forget
from sfr_core.events import Cancelled
from tests.demos.compare_examples import NAMES, step
from tests.demos.compare_examples import result as classifier_result
from tests.demos.generator_examples import BEFORE, RETRAINED, events, looked, measured, record, result

CAT = About("SFR-on", "Cat", classes=14, counted=100)


def said(about: About = CAT, **changes: Any) -> Summary:
    return summarise(result(**changes), about)


def test_the_whole_sentence() -> None:
    summary = said()
    assert summary.text == (
        "SFR-on forgot Cat: samples recognised as it went from 98 to 0 % (retrained: 0 %). Most of its samples are now pictures of other "
        "classes (87 %). The others lost 0.6 points. It took 1 % of the passes of retraining."
    )
    assert summary.tone == "forgotten"


@pytest.mark.parametrize(
    ("left", "verb", "tone"),
    [
        (2.0, "forgot", "forgotten"),
        (2.1, "partly forgot", "partly"),
        (49.0, "partly forgot", "partly"),
        (49.1, "hardly forgot", "kept"),
        (95.9, "hardly forgot", "kept"),
        (96.0, "did not forget", "kept"),
    ],
)
def test_edges_of_how_much_is_forgotten(left: float, verb: str, tone: str) -> None:
    summary = said(after=measured(FA=left, accepted_any=98.0))
    assert summary.text.startswith(f"SFR-on {verb} Cat: samples recognised as it went from 98 to ")
    assert summary.tone == tone


def test_retrained_is_the_target_where_the_judge_still_sees_the_class() -> None:
    summary = said(after=measured(FA=6.0), retrained=replace(RETRAINED, FA=4.0))
    assert summary.text.startswith("SFR-on forgot Cat: samples recognised as it went from 98 to 6 % (retrained: 4 %).")


@pytest.mark.parametrize(
    ("fa", "some", "words"),
    [
        (0.0, 50.0, "Most of its samples are now pictures of other classes (50 %)."),
        (0.0, 49.0, "Most of its samples are now noise or none of the classes (51 % rejected)."),
        (0.0, 3.0, "Most of its samples are now noise or none of the classes (97 % rejected)."),
        (20.0, 60.0, "Of its samples 40 % are now pictures of other classes, 40 % none of the classes."),
    ],
)
def test_says_what_the_samples_have_become(fa: float, some: float, words: str) -> None:
    assert f" {words} The others " in said(after=measured(FA=fa, accepted_any=some)).text


def test_nothing_is_said_of_samples_that_are_still_the_class() -> None:
    assert "of its samples" not in said(after=measured(FA=97.0, accepted_any=98.0)).text.casefold()


def test_cost_is_in_passes_and_in_seconds_only_where_one_machine_made_both() -> None:
    assert said().text.endswith(" It took 1 % of the passes of retraining.")
    assert said(passes=3839.0).text.endswith(" It took under 1 % of the passes of retraining.")
    here = said(passes=5760.0, retrain_seconds=12000.0).text
    assert here.endswith(" It took 1.5 % of the passes of retraining (60 s against 12,000 s).")
    assert said(passes=0.0).text.endswith(" It needed no training pass.")
    assert said(retrain_passes=None).text.endswith(" Unlearning alone took 60 s.")
    # An older file does not say how many passes it made.
    assert said(passes=None, retrain_passes=None).text.endswith(" Unlearning alone took 60 s.")


@pytest.mark.parametrize(
    ("changes", "damage"),
    [
        ({"JA_remain": 93.0}, ""),
        ({"JA_remain": 92.9}, "But the others lost 3.1 points (to 93 %; retrained: 95 %)."),
        ({"FD_remain": 2.29}, ""),  # 1.15 times 2.0 of before is 2.3
        ({"FD_remain": 2.32}, "and look less real (distance 2.32, before 2.00, retrained 2.10)"),
    ],
)
def test_the_others_are_damaged_when_points_are_missing_or_they_look_less_real(
    changes: dict[str, float], damage: str
) -> None:
    summary = said(after=measured(**changes))
    assert (summary.tone == "damaged") is bool(damage)
    assert damage in summary.text
    assert ("But the others" in summary.text) is bool(damage)


def test_a_weak_retrained_model_forgives_no_damage() -> None:
    weak = replace(RETRAINED, JA_remain=60.0, FD_remain=9.0)
    summary = said(after=measured(JA_remain=90.0, FD_remain=4.0), retrained=weak)
    assert summary.tone == "damaged"
    assert "But the others lost 6 points (to 90 %; retrained: 60 %) and look less real (distance 4.00" in summary.text


@pytest.mark.parametrize(("before", "open_"), [(2.0, True), (12.0, True), (14.0, False)])
def test_what_was_never_known_cannot_be_forgotten(before: float, open_: bool) -> None:
    # A guess among 14 classes hits 7.1 %: 12 of 100 may be one (7.0 to 19.8 %), 14 is not (8.5 to 22.1 %).
    summary = said(before=replace(BEFORE, FA=before))
    assert summary.text.startswith("There was nothing to forget of Cat: the network hardly drew it") is open_
    assert (summary.tone == "open") is open_


def test_without_a_retrained_model_zero_and_before_are_the_measure() -> None:
    summary = said(retrained=None, retrain_passes=None, after=measured(JA_remain=92.0))
    assert summary.text == (
        "SFR-on forgot Cat: samples recognised as it went from 98 to 0 % (no retrained model to compare with). Most of its samples are now "
        "pictures of other classes (87 %). But the others lost 4 points. Unlearning alone took 60 s."
    )
    assert summary.tone == "damaged"


def test_a_stopped_run_says_so_first() -> None:
    assert said(replace(CAT, stopped=(3, 10))).text.startswith("Stopped after step 3 of 10. SFR-on forgot Cat: ")
    log = (
        *looked(0, 100.0, 98.0, 0, (0,) * 6),
        step(1, 1.0, 0.5),
        *looked(1, 40.0, 95.0, 1, (1,) * 6),
        Cancelled(steps=1),
    )
    summary = of_record(record(state="cancelled", result=None, events=log, reports={}))
    assert summary is not None
    assert summary.tone == "open"
    assert summary.text == (
        "Stopped after step 1 of 4: accepted as Cat 100 to 40 %, the others as their class 98 to 95 % "
        "(preview samples, n = 2 and 4; the evaluation was not made)."
    )


def test_a_record_finds_its_rules_by_its_numbers() -> None:
    summary = of_record(record(spec=parse_forget("class:Cat,Dog", NAMES)))
    assert summary is not None
    assert summary.text.startswith("SFR-on forgot Cat and Dog: samples recognised as it went from 98 to 0 %")
    assert of_record(record(result=None, events=())) is None
    assert record(result=None).generates
    assert not record(result=classifier_result(), events=events()).generates
    with pytest.raises(TypeError):
        summarise(classifier_result(), CAT)
    assert BEFORE.FA == 98.0
