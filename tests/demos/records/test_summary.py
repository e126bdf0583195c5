"""The rules of the sentence, each at and beyond its edge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from demos.records.summary import of_record, summarise
from demos.records.summary_text import About, Summary, moved, percent, points, subject
from sfr_core.configs import EpochConfig
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

CAT = About("SFR-on", "Cat", classes=3, counted=1000)
NO_RETRAINED: dict[str, Any] = {"retrained": None, "avg_d": None, "avg_d_before": None, "kl_floor": None}


def classes(about: About = CAT, **changes: Any) -> Summary:
    return summarise(result(**changes), about, whole_classes=True)


def samples(counted: int = 0, **changes: Any) -> Summary:
    none = {"TA_forget": None, "TA_remain": None}
    base: dict[str, Any] = {
        "before": replace(BEFORE, FA=98.0, TA=92.0, MIA=95.0, **none),
        "after": measured(FA=92.0, TA=91.5, MIA=93.0, **none),
        "retrained": measured(FA=91.4, TA=91.6, MIA=92.5, **none),
        "avg_d": 0.8,
        "avg_d_before": 2.2,
    }
    return summarise(
        result(**{**base, **changes}), About("SFR-on", "the random 10 %", counted=counted), whole_classes=False
    )


def test_all_sentences_on_a_forgotten_class() -> None:
    summary = classes()
    assert summary.text == (
        "SFR-on forgot Cat: test accuracy on it went from 97 to 0 % (retrained: 0 %). The others lost 0.5 points. "
        "A membership attack flags 3 points more of these pictures than after retraining. "
        "It took 6 % of the passes of retraining."
    )
    assert (summary.tone, summary.doubt) == ("forgotten", "")


@pytest.mark.parametrize(
    ("left", "verb", "tone"),
    [
        (1.0, "forgot", "forgotten"),
        (1.1, "partly forgot", "partly"),
        (48.5, "partly forgot", "partly"),
        (48.6, "hardly forgot", "kept"),
        (95.9, "hardly forgot", "kept"),
        (96.0, "did not forget", "kept"),
        (99.0, "did not forget", "kept"),
    ],
)
def test_edges_of_how_much_is_forgotten(left: float, verb: str, tone: str) -> None:
    summary = classes(after=measured(TA_forget=left))
    assert summary.text.startswith(f"SFR-on {verb} Cat: test accuracy on it went from 97 to ")
    assert summary.tone == tone


def test_a_number_that_did_not_move_is_not_said_to_have_gone_anywhere() -> None:
    summary = classes(after=measured(TA_forget=97.0))
    assert summary.text.startswith("Nothing was forgotten. Test accuracy on Cat stayed at 97 % (retrained: 0 %).")
    assert summary.tone == "kept"
    assert [moved(100.0, 100.0), moved(97.0, 3.9)] == ["stayed at 100 %", "went from 97 to 3.9 %"]


def test_the_method_is_named_by_its_title() -> None:
    summary = of_record(record(config=config(method="finetune", settings=EpochConfig().to_dict())))
    assert summary is not None
    assert summary.text.startswith("Fine-tuning forgot Cat: ")


def test_retrained_is_the_target_where_it_still_knows_something() -> None:
    # 20 % of the pictures look like another class to a model that never saw them: 20.5 is forgotten, not partly.
    summary = classes(after=measured(TA_forget=20.5), retrained=replace(RETRAINED, TA_forget=20.0))
    assert summary.text.startswith("SFR-on forgot Cat: test accuracy on it went from 97 to 20 % (retrained: 20 %).")
    assert summary.tone == "forgotten"


@pytest.mark.parametrize(
    ("before", "counted", "reason"),
    [
        (0.0, 1000, "the network knew it no better than a retrained one"),
        (1.0, 1000, "the network knew it no better than a retrained one"),
        # Of three classes a guess hits 33.3 %: 36 % of 1,000 pictures may be one (33.1 to 39.0 %), 37 % (34.1 to 40.0 %) is not.
        (36.0, 1000, "the network only guessed it (1 in 3)"),
        (37.0, 1000, ""),
        (60.0, 10, "the network only guessed it (1 in 3)"),  # 31.3 to 83.2 %
        (70.0, 10, ""),  # 39.7 to 89.2 %
    ],
)
def test_what_was_never_known_cannot_be_forgotten(before: float, counted: int, reason: str) -> None:
    known = replace(BEFORE, TA_forget=before, FA=before, n_forget=counted, n_remain=9000)
    summary = classes(replace(CAT, counted=counted), before=known)
    assert (summary.tone == "open") is bool(reason)
    assert summary.text.startswith("There was nothing to forget of Cat: before the run") is bool(reason)
    assert reason in summary.text


def test_nothing_is_forgotten_by_a_network_that_does_not_know_its_pictures() -> None:
    # It calls everything Cat: all 100 pictures to forget, none of the 400 others, 20 % of all. A guess among three gives 33 %.
    blind = replace(BEFORE, TA_forget=100.0, FA=100.0, RA=0.0, n_forget=100, n_remain=400)
    summary = classes(before=blind)
    assert summary.text.startswith(
        "There was nothing to forget of Cat: before the run the network recognised only 20 % of all its training pictures (a guess: 33 %)."
    )
    assert summary.tone == "open"
    assert classes(before=replace(blind, RA=50.0)).tone == "forgotten"  # 60 %
    about, none = About("SFR-on", "the random 10 %", classes=3), {"TA_forget": None, "TA_remain": None}
    changes = {**NO_RETRAINED, "before": replace(blind, **none), "after": measured(**none)}
    assert "recognised only 20 %" in summarise(result(**changes), about, whole_classes=False).text


def test_who_learned_its_training_pictures_by_heart_has_something_to_forget() -> None:
    by_heart = replace(BEFORE, TA_forget=36.0, FA=99.0, n_forget=1000, n_remain=1000)
    assert classes(before=by_heart).tone == "forgotten"
    few = replace(BEFORE, TA_forget=33.0, FA=33.0, n_forget=9, n_remain=90)
    assert classes(replace(CAT, counted=9), before=few).tone == "forgotten"  # nine pictures cannot tell


def test_a_limit_within_the_interval_of_few_pictures_is_said() -> None:
    few = classes(replace(CAT, counted=50), after=measured(TA_forget=0.0))
    assert few.tone == "forgotten"
    assert few.doubt.startswith(
        "Only 50 pictures: the true share probably lies between 0 and 7.1 %. The limit of 1 % is in between"
    )
    assert classes(replace(CAT, counted=50), after=measured(TA_forget=60.0)).doubt == ""
    assert classes(replace(CAT, counted=1000), after=measured(TA_forget=1.0)).doubt == ""


@pytest.mark.parametrize(("after", "damaged"), [(89.6, False), (89.5, True)])
def test_over_forgotten_is_more_than_a_point_below_retrained(after: float, damaged: bool) -> None:
    summary = classes(after=measured(TA_remain=after))
    assert (summary.tone == "damaged") is damaged
    assert ("But the others lost 1.5 points and are 1.1 points below retrained." in summary.text) is damaged


def test_damage_never_hides_that_nothing_was_forgotten() -> None:
    summary = classes(after=measured(TA_forget=97.0, TA_remain=50.0))
    assert summary.tone == "kept"
    assert "But the others lost 41 points" in summary.text


def after(**changes: Any) -> dict[str, Any]:
    return {"after": measured(**changes)}


FLAGS = "A membership attack flags"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (after(TA_remain=91.0), " The others stayed the same. "),
        (after(TA_remain=91.04), " The others stayed the same. "),
        (after(TA_remain=91.3), " The others gained 0.3 points. "),
        (after(TA_remain=90.0), " The others lost 1 point. "),
        (after(MIA=3.0), f" {FLAGS} as many of these pictures as after retraining. "),
        (after(MIA=1.0), f" {FLAGS} as many of these pictures as after retraining. "),
        (after(MIA=3.1), f" {FLAGS} 1.1 points more of these pictures than after retraining. "),
        (after(MIA=0.0), f" {FLAGS} 2 points fewer of these pictures than after retraining. "),
        (after(MIA=6.9), f" {FLAGS} 4.9 points more of these pictures than after retraining. "),
        (
            after(MIA=7.0),
            f" {FLAGS} 5 points more of these pictures than after retraining: it can still tell that the model was trained on them. ",
        ),
        (
            {"after": measured(MIA=4.0), "retrained": replace(RETRAINED, MIA=40.0)},
            f" {FLAGS} 36 points fewer of these pictures than after retraining: the forgetting itself can be noticed. ",
        ),
        (after(MIA=None), " The others lost 0.5 points. It took 6 % of the passes of retraining."),
        ({"passes": 500.0}, " It took under 1 % of the passes of retraining."),
        ({"passes": 1000.0}, " It took 1 % of the passes of retraining."),
        ({"passes": 8400.0}, " It took 8.4 % of the passes of retraining."),
        ({"passes": 250_000.0}, " It took 250 % of the passes of retraining."),
    ],
)
def test_sentences_on_the_others_membership_and_cost(changes: dict[str, Any], words: str) -> None:
    assert words in classes(**changes).text


def test_without_a_retrained_model_the_target_of_a_class_is_zero() -> None:
    summary = classes(**NO_RETRAINED, retrain_passes=None, seconds=12.4)
    assert summary.text == (
        "SFR-on forgot Cat: test accuracy on it went from 97 to 0 % (no retrained model to compare with). The others lost 0.5 points. "
        "The share of these pictures that a membership attack flags went from 90 to 5 %. Unlearning alone took 12 s."
    )


def test_a_random_share_is_judged_by_its_distance_to_retrained() -> None:
    summary = samples()
    assert summary.text == (
        "SFR-on forgot the random 10 %: accuracy on the random 10 % went from 98 to 92 % (retrained: 91 %), and the mean gap to it went from "
        "2.2 to 0.8 points. The test accuracy lost 0.5 points. A membership attack flags as many of these pictures as after retraining. "
        "It took 6 % of the passes of retraining."
    )
    assert summary.tone == "forgotten"


@pytest.mark.parametrize(
    ("changes", "verb", "tone"),
    [
        ({"avg_d": 1.0}, "forgot the", "forgotten"),
        ({"avg_d": 1.01}, "partly forgot the", "partly"),
        ({"avg_d": 0.9, "avg_d_before": 1.7}, "partly forgot the", "partly"),
        ({"avg_d": 2.2}, "did not forget the", "kept"),
        ({"avg_d": 3.0}, "did not forget the", "kept"),
        ({"after": measured(FA=90.3, TA=91.5, TA_forget=None, TA_remain=None)}, "forgot too much of the", "damaged"),
        ({"after": measured(FA=90.4, TA=91.5, TA_forget=None, TA_remain=None)}, "forgot the", "forgotten"),
    ],
)
def test_edges_of_a_random_share(changes: dict[str, Any], verb: str, tone: str) -> None:
    summary = samples(**changes)
    assert summary.text.startswith(f"SFR-on {verb}")
    assert summary.tone == tone


@pytest.mark.parametrize(
    ("counted", "verb", "tone"), [(100, "forgot the", "forgotten"), (10_000, "forgot too much of the", "damaged")]
)
def test_too_much_is_what_so_many_pictures_tell_from_chance(counted: int, verb: str, tone: str) -> None:
    """89.4 where 90.4 is the limit: of 100 pictures its 95 % interval reaches from 81.9 to 94.0, of 10,000 from 88.8 to 90.0."""
    summary = samples(counted, after=measured(FA=89.4, TA=91.5, TA_forget=None, TA_remain=None))
    assert (summary.text.startswith(f"SFR-on {verb}"), summary.tone) == (True, tone)
    assert summary.doubt.startswith("Only 100 pictures") is (counted == 100)


def test_samples_without_a_retrained_model_get_no_verdict() -> None:
    summary = samples(**NO_RETRAINED)
    assert summary.tone == "open"
    assert summary.text.startswith(
        "SFR-on ran, but only a retrained model could tell how much to forget: accuracy on the random 10 % went from 98 to 92 %."
    )


def test_a_run_that_changed_nothing_forgot_nothing() -> None:
    same = measured(FA=100.0, TA_forget=None, TA_remain=None)
    alone = samples(**NO_RETRAINED, before=same, after=same)
    assert alone.text.startswith("Nothing was forgotten. Accuracy on the random 10 % stayed at 100 %.")
    beside = samples(before=same, after=same, avg_d=8.6, avg_d_before=8.6)
    assert beside.text.startswith(
        "Nothing was forgotten. Accuracy on the random 10 % stayed at 100 % (retrained: 91 %), and the mean gap to it stayed at 8.6 points."
    )
    assert alone.tone == beside.tone == "kept"


def test_a_stopped_run_says_so_first() -> None:
    assert classes(replace(CAT, stopped=(3, 10))).text.startswith("Stopped after step 3 of 10. SFR-on forgot Cat: ")


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
    assert summary.text.startswith("SFR-on forgot Cat: test accuracy on it went from 97 to 0 %")
    # Of the two test pictures of Cat none is recognised: that may be chance.
    assert summary.doubt.startswith("Only 2 pictures")
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
