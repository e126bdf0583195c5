"""The rules of the sentence on a forgotten concept, each at and beyond its edge, and the table beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from demos.records.metrics import metric_rows
from demos.records.summary import of_record
from demos.records.summary_generator import summarise
from demos.records.summary_text import About, Summary
from demos.result import tables
from sfr_core.data.splits import ForgetSpec
from sfr_core.events import Cancelled
from sfr_core.results import GeneratorRecord
from tests.demos.generator_examples import config, looked, measured, record, result

NAMES = ("a cat", "a feline", "tiger", "car")
ROLES = ("direct", "paraphrase", "neighbour", "other")


def of_concept(**changes: Any) -> GeneratorRecord:
    values: dict[str, Any] = {
        "FA_paraphrase": 2.0, "JA_neighbours": 88.0, "JA_others": 95.0, "n_samples": 51, "n_remain": 112, "n_paraphrase": 50,
        "n_neighbours": 52, "FA": 0.0, "accepted_any": 87.0, "FD_remain": 2.2,
    }  # fmt: skip
    return measured(**{**values, **changes})


BEFORE = of_concept(FA=96.0, FA_paraphrase=90.0, JA_neighbours=90.0, FD_remain=2.0)


CAT = About("UCE", "cat", counted=51)


def said(**changes: Any) -> Summary:
    values = {"before": BEFORE, "after": of_concept(), "retrained": None, "retrain_passes": None}
    return summarise(result(**{**values, **changes}), CAT, concept=True)


def run(**changes: Any) -> Any:
    values: dict[str, Any] = {
        "config": config(forget="concept:cat"),
        "spec": ForgetSpec(text="concept:cat", classes=(0, 1), concept="cat"),
        "roles": ROLES,
        "result": result(before=BEFORE, after=of_concept(), retrained=None, retrain_passes=None),
    }
    return record(**{**values, **changes})


def test_the_whole_sentence() -> None:
    summary = said()
    assert summary.text == (
        "UCE forgot cat: samples that show it went from 96 to 0 %; asked for in other words, they went from 90 to 2 %. Asked for it, the model "
        "now mostly draws something else that the judge knows (87 %). Its neighbours lost 2 points, distant concepts stayed the same. Unlearning alone took 60 s."
    )
    assert summary.tone == "forgotten"
    assert "class" not in summary.text


@pytest.mark.parametrize(
    ("left", "words", "begin", "tone"),
    [
        (3.9, 14.0, "UCE forgot cat: ", "forgotten"),
        (5.0, 15.0, "UCE forgot cat: ", "forgotten"),
        (5.1, 15.0, "UCE partly forgot cat: ", "partly"),
        (5.0, 15.1, "UCE forgot the prompts of cat, but not the concept: ", "partly"),
        (2.0, None, "UCE forgot cat: samples that show it went from 96 to 2 %.", "forgotten"),
        (48.0, 4.0, "UCE partly forgot cat: ", "partly"),
        (48.1, 4.0, "UCE hardly forgot cat: ", "kept"),
        (91.0, 90.0, "UCE did not forget cat: ", "kept"),
        (
            96.0,
            90.0,
            "Nothing was forgotten. Samples that show cat stayed at 96 %; asked for in other words, they stayed at 90 %.",
            "kept",
        ),
    ],
)
def test_other_words_must_not_bring_it_back(left: float, words: float | None, begin: str, tone: str) -> None:
    summary = said(after=of_concept(FA=left, FA_paraphrase=words, accepted_any=98.0))
    assert summary.text.startswith(begin)
    assert summary.tone == tone


@pytest.mark.parametrize(
    ("changes", "damaged"),
    [
        ({"JA_neighbours": 85.0}, False),
        ({"JA_neighbours": 84.9}, True),
        ({"JA_others": 90.0}, False),
        ({"JA_others": 89.9}, True),
        ({"FD_remain": 2.29}, False),
        ({"FD_remain": 2.32}, True),
        ({"JA_neighbours": None}, False),
    ],
)
def test_damage(changes: dict[str, Any], damaged: bool) -> None:
    summary = said(after=of_concept(**changes))
    assert (summary.tone == "damaged") is damaged
    assert (" But " in summary.text) is damaged


@pytest.mark.parametrize(
    ("some", "words"),
    [
        (50.0, "mostly draws something else that the judge knows (50 %)."),
        (49.0, "mostly draws nothing that the judge knows (51 %)."),
    ],
)
def test_says_what_comes_instead(some: float, words: str) -> None:
    assert words in said(after=of_concept(accepted_any=some)).text


def test_what_was_never_drawn_cannot_be_forgotten() -> None:
    summary = said(before=of_concept(FA=5.0))
    assert summary.text.startswith("There was nothing to forget of cat")
    assert summary.tone == "open"


def test_a_run_finds_these_rules_by_what_it_forgets() -> None:
    summary = of_record(run())
    assert summary is not None
    assert summary.text.startswith("SFR-on forgot cat: samples that show it went from 96 to 0 %")
    log = (*looked(0, 100.0, 98.0, 0, (0,) * 6), *looked(1, 40.0, 95.0, 1, (1,) * 6), Cancelled(steps=1))
    stopped = of_record(run(state="cancelled", result=None, events=log, reports={}))
    assert stopped is not None
    assert "100 to 40 % of the samples for cat show it" in stopped.text


def test_a_retrained_model_stands_beside_where_there_is_one() -> None:
    retrained = of_concept(FA=2.0, FA_paraphrase=6.0)
    text = said(retrained=retrained, after=of_concept(FA=3.9, FA_paraphrase=8.0)).text
    assert (
        "samples that show it went from 96 to 3.9 % (retrained: 2 %); asked for in other words, they went from 90 to 8 % (retrained: 6 %)."
        in text
    )
    # The aim stays 0 %: a weak retrained model excuses nothing.
    assert said(retrained=of_concept(FA=30.0), after=of_concept(FA=30.0)).tone == "partly"


def test_a_limit_within_the_interval_of_few_samples_is_said() -> None:
    # 2 of 51 samples: 1.1 to 13.2 %.
    doubt = said(after=of_concept(FA=100 * 2 / 51)).doubt
    assert doubt.startswith(
        "Only 51 pictures: the true share probably lies between 1.1 and 13 %. The limit of 5 % is in between"
    )
    # The concept's own prompts are beyond doubt (0 of 100), other words are not: 5 of 50 is 4.3 to 21.4 %.
    words = said(after=of_concept(n_samples=100, FA_paraphrase=10.0)).doubt
    assert words.startswith(
        "Only 50 pictures: the true share probably lies between 4.3 and 21 %. The limit of 15 % is in between"
    )
    assert said(after=of_concept(n_samples=100)).doubt == ""


def test_the_table_of_shares() -> None:
    text = tables.shares_html(run(shown_before={0: 0.96, 1: 0.5}, dataset=None))
    for number in ("96.0", "90.0", "2.0", "\N{MINUS SIGN}96.0", ">60<", ">52<"):
        assert number in text
    assert "left out" in text
    assert tables.shares_html(record()) == ""
    nothing = run(result=replace(run().result, after=of_concept(FA_paraphrase=None, n_paraphrase=0)))
    assert "the concept is gone or only its name" in tables.shares_html(nothing)


def test_the_numbers_are_said_of_prompts() -> None:
    rows = {row.title: row for row in metric_rows(run())}
    assert "the concept's own prompts" in rows["Forget accuracy (FA)"].sentence
    assert rows["Judge accuracy, everything else (JA)"].n == "112"
    assert not any("forgotten classes" in row.sentence for row in rows.values())
