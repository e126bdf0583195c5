"""The rules of the sentence, each at and beyond its edge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from demos.records.summary import of_record, percent, points, subject, summarise
from sfr_core.data.splits import parse_forget
from sfr_core.events import Cancelled, Event
from tests.demos.compare_examples import (
    BEFORE,
    NAMES,
    RETRAINED,
    config,
    events,
    looked,
    measured,
    record,
    result,
    step,
)


def classes(**changes: Any) -> Any:
    return summarise(result(**changes), "Cat", whole_classes=True)


def samples(**changes: Any) -> Any:
    none = {"TA_forget": None, "TA_remain": None}
    base: dict[str, Any] = {
        "before": replace(BEFORE, FA=98.0, TA=92.0, MIA=95.0, **none),
        "after": measured(FA=92.0, TA=91.5, MIA=93.0, **none),
        "retrained": measured(FA=91.4, TA=91.6, MIA=92.5, **none),
        "avg_d": 0.8,
        "avg_d_before": 2.2,
    }
    return summarise(result(**{**base, **changes}), "the random 10 %", whole_classes=False)


def test_the_whole_sentence_of_a_forgotten_class() -> None:
    summary = classes()
    assert summary.text == (
        "Forgot Cat (97 to 0 %; retrained 0 %), the others lost 0.5 points, at 6 % of the passes of retraining; "
        "membership still 3 points above retrained."
    )
    assert summary.tone == "forgotten"


@pytest.mark.parametrize(
    ("left", "verb", "tone"),
    [
        (1.0, "Forgot", "forgotten"),
        (1.1, "Partly forgot", "partly"),
        (48.5, "Partly forgot", "partly"),
        (48.6, "Hardly forgot", "kept"),
        (95.9, "Hardly forgot", "kept"),
        (96.0, "Did not forget", "kept"),
        (99.0, "Did not forget", "kept"),
    ],
)
def test_edges_of_how_much_is_forgotten(left: float, verb: str, tone: str) -> None:
    summary = classes(after=measured(TA_forget=left))
    assert summary.text.startswith(f"{verb} Cat (97 to ")
    assert summary.tone == tone


def test_retrained_is_the_target_where_it_still_knows_something() -> None:
    # 20 % of the pictures look like another class to a model that never saw them: 20.5 is forgotten, not partly.
    summary = classes(after=measured(TA_forget=20.5), retrained=replace(RETRAINED, TA_forget=20.0))
    assert summary.text.startswith("Forgot Cat (97 to 20 %; retrained 20 %)")
    assert summary.tone == "forgotten"


@pytest.mark.parametrize(("after", "damaged"), [(89.6, False), (89.5, True)])
def test_over_forgotten_is_more_than_a_point_below_retrained(after: float, damaged: bool) -> None:
    summary = classes(after=measured(TA_remain=after))
    assert (summary.tone == "damaged") is damaged
    assert ("but the others lost 1.5 points and stand 1.1 points below retrained" in summary.text) is damaged


def test_damage_never_hides_that_nothing_was_forgotten() -> None:
    summary = classes(after=measured(TA_forget=97.0, TA_remain=50.0))
    assert summary.tone == "kept"
    assert "but the others lost 41 points" in summary.text


def after(**changes: Any) -> dict[str, Any]:
    return {"after": measured(**changes)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (after(TA_remain=91.0), "the others stayed the same"),
        (after(TA_remain=91.04), "stayed the same"),
        (after(TA_remain=91.3), "the others gained 0.3 points"),
        (after(TA_remain=90.0), "the others lost 1 point,"),
        (after(MIA=3.0), "; membership as in the retrained model."),
        (after(MIA=1.0), "; membership as in the retrained model."),
        (after(MIA=3.1), "; membership still 1.1 points above retrained."),
        (after(MIA=0.0), "; membership 2 points below retrained."),
        (after(MIA=92.0), "; membership 90 points above retrained."),
        (after(MIA=None), ", at 6 % of the passes of retraining."),
        ({"passes": 500.0}, "at under 1 % of the passes"),
        ({"passes": 1000.0}, "at 1 % of the passes"),
        ({"passes": 8400.0}, "at 8.4 % of the passes"),
        ({"passes": 250_000.0}, "at 250 % of the passes"),
    ],
)
def test_words_for_the_others_membership_and_time(changes: dict[str, Any], words: str) -> None:
    text = classes(**changes).text
    assert text.endswith(words) if words.endswith(".") else words in text


def test_without_a_retrained_model_the_target_of_a_class_is_zero() -> None:
    summary = classes(retrained=None, avg_d=None, avg_d_before=None, kl_floor=None, retrain_passes=None, seconds=12.4)
    assert summary.text == (
        "Forgot Cat (97 to 0 %; no retrained model to compare with), the others lost 0.5 points, in 12 s; membership 90 to 5 %."
    )


def test_a_random_share_is_judged_by_its_distance_to_retrained() -> None:
    summary = samples()
    assert summary.text == (
        "Forgot the random 10 % (98 to 92 %; retrained 91 %; mean gap to retrained 2.2 to 0.8 points), "
        "the test accuracy lost 0.5 points, at 6 % of the passes of retraining; membership as in the retrained model."
    )
    assert summary.tone == "forgotten"


@pytest.mark.parametrize(
    ("changes", "verb", "tone"),
    [
        ({"avg_d": 1.0}, "Forgot the", "forgotten"),
        ({"avg_d": 1.01}, "Partly forgot the", "partly"),
        ({"avg_d": 0.9, "avg_d_before": 1.7}, "Partly forgot the", "partly"),
        ({"avg_d": 2.2}, "Did not forget the", "kept"),
        ({"avg_d": 3.0}, "Did not forget the", "kept"),
        ({"after": measured(FA=90.3, TA=91.5, TA_forget=None, TA_remain=None)}, "Forgot too much of the", "damaged"),
        ({"after": measured(FA=90.4, TA=91.5, TA_forget=None, TA_remain=None)}, "Forgot the", "forgotten"),
    ],
)
def test_edges_of_a_random_share(changes: dict[str, Any], verb: str, tone: str) -> None:
    summary = samples(**changes)
    assert summary.text.startswith(verb)
    assert summary.tone == tone


def test_samples_without_a_retrained_model_get_no_verdict() -> None:
    summary = samples(retrained=None, avg_d=None, avg_d_before=None, retrain_seconds=None)
    assert summary.tone == "open"
    assert summary.text.startswith(
        "Without a retrained model to judge by, the accuracy on the random 10 % went 98 to 92 %"
    )


def test_a_stopped_run_says_so_first_and_stays_one_sentence() -> None:
    summary = summarise(result(), "Cat", whole_classes=True, stopped=(3, 10))
    assert summary.text.startswith("Stopped after step 3 of 10: forgot Cat (97 to 0 %")


FIRST = looked(0, 100.0, 98.0, 0)
STEPS = (step(1, 1.0, 0.5), step(2, 1.0, 0.5))
UNTOUCHED = "Stopped before the first step: the network is as it was."


@pytest.mark.parametrize(
    ("log", "text"),
    [
        (
            (*FIRST, *STEPS, *looked(2, 40.0, 95.0, 1), Cancelled(steps=2)),
            "Stopped after step 2 of 4: accuracy on Cat 100 to 40 %, on the rest 98 to 95 % "
            "(live subsets of n = 2 and 4; the full sets were not measured).",
        ),
        (
            (*FIRST, *STEPS, Cancelled(steps=2)),
            "Stopped after step 2 of 4: nothing was measured between the start and there, so how much it forgot is not known.",
        ),
        (
            (*FIRST, *looked(1, 40.0, 95.0, 1), *STEPS, Cancelled(steps=2)),
            "Stopped after step 2 of 4: accuracy on Cat 100 to 40 %, on the rest 98 to 95 % "
            "(live subsets of n = 2 and 4; the full sets were not measured). The last of these numbers are of step 1.",
        ),
        ((*FIRST, Cancelled(steps=0)), UNTOUCHED),
        ((Cancelled(steps=0),), UNTOUCHED),
    ],
)
def test_a_stopped_run_without_full_metrics_says_what_is_known(log: tuple[Event, ...], text: str) -> None:
    summary = of_record(record(state="cancelled", result=None, events=log, reports={}))
    assert summary is not None
    assert (summary.text, summary.tone) == (text, "open")


def test_a_run_that_measured_nothing_has_no_verdict() -> None:
    assert of_record(record(result=None, events=(), state="failed")) is None


def test_a_finished_record_is_judged_by_its_result() -> None:
    summary = of_record(record(events=events()))
    assert summary is not None
    assert summary.text.startswith("Forgot Cat (97 to 0 %")
    share = record(config=config(forget="random:0.1@2"), spec=parse_forget("random:0.1@2", NAMES))
    judged = of_record(share)
    assert judged is not None
    assert "the random 10 %" in judged.text
    assert "mean gap" in judged.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("class:Dog", "Dog"),
        ("class:Dog,Cat", "Cat and Dog"),
        ("random:0.005", "the random 0.5 %"),
        ("samples:4", "the chosen picture"),
        ("samples:4,2", "the 2 chosen pictures"),
    ],
)
def test_the_forget_set_in_words(text: str, words: str) -> None:
    assert subject(parse_forget(text, NAMES), NAMES) == words


def test_three_classes_and_an_unknown_data_set_in_words() -> None:
    assert subject(parse_forget("class:Cat,Dog,Owl", (*NAMES, "Fox")), (*NAMES, "Fox")) == "Cat, Dog and Owl"
    assert subject(None, (), "class:Red,Blue") == "Red, Blue"


@pytest.mark.parametrize(
    ("value", "text"), [(97.04, "97"), (0.0, "0"), (-0.01, "0"), (0.4, "0.4"), (9.96, "10"), (9.9, "9.9"), (12.5, "12")]
)
def test_percent_rounds_only_where_nothing_is_hidden(value: float, text: str) -> None:
    assert percent(value) == text


def test_points_count_one_and_many() -> None:
    assert [points(v) for v in (-1.0, 0.96, 1.1, 7.0)] == ["1 point", "1 point", "1.1 points", "7 points"]
