"""HTML parts: everything foreign is escaped, every number of a record stands in its place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from demos import render
from demos.plots.layers import recount
from demos.records import predictions
from demos.records.metrics import metric_rows
from demos.records.predictions import Agreement, confusions, not_forgotten, over_forgotten
from demos.records.record import Moment, RunRecord
from demos.records.summary import Summary, of_record
from demos.result import tables
from sfr_core.events import Prediction
from tests.demos.compare_examples import MASK, NAMES, config, record, result
from tests.demos.page_text import seen

EVIL = "<img src=x onerror=alert(1)>"


def test_tables_and_notes_escape_what_they_show() -> None:
    for markup in (
        render.table((EVIL, "b"), [(EVIL, EVIL)], caption=EVIL),
        render.note(EVIL),
        render.folded_table(EVIL, (), [], caption=""),
        tables.said_html(Summary(EVIL, "open")),
    ):
        assert "<img" not in markup


def test_foreign_layer_names_and_labels_are_escaped() -> None:
    mask = replace(MASK, layers=(replace(MASK.layers[0], name=EVIL),))
    assert "<img" not in tables.layers_html(mask, recount(mask, None), None)
    strange = record(dataset=None, spec=None, config=config(forget=f"class:{EVIL}"))
    summary = of_record(strange)
    assert summary is not None
    assert "<img" not in tables.said_html(summary)


def test_the_verdict_carries_a_sign_and_a_word_not_only_a_colour() -> None:
    for tone, word in (("forgotten", "✓ forgotten"), ("damaged", "! damaged"), ("kept", "○ not forgotten")):
        assert word in seen(tables.said_html(Summary("It did.", tone)))  # type: ignore[arg-type]


def test_metrics_show_gap_unit_direction_and_n() -> None:
    rows = {row.title: row for row in metric_rows(record())}
    fa, mia, kl, cost = (
        rows["Forget accuracy (FA)"],
        rows["Membership attack (MIA)"],
        rows["Divergence from retrained (KL)"],
        rows["Passes over the network"],
    )
    assert (fa.before, fa.after, fa.retrained, fa.gap, fa.unit, fa.n) == ("99.0", "0.0", "0.0", "+0.0", "%", "2")
    assert (mia.gap, mia.good) == ("+3.0", "closer to retrained")
    assert (kl.retrained, kl.gap) == ("0.125 (floor)", "–")
    assert (cost.after, cost.retrained, cost.gap) == ("6,000", "100,000", "6.0 % of it")
    shown = seen(tables.metrics_html(record()))
    assert "Two retrained models already differ from each other by 0.125 nats" in shown
    assert "Share of the pictures to be forgotten that an attacker" in shown


def test_metrics_say_why_columns_are_empty() -> None:
    alone = record(result=result(retrained=None, kl_floor=None, avg_d=None, avg_d_before=None))
    assert "No retrained model for this choice" in tables.metrics_html(alone)
    assert "it was not measured in full" in tables.metrics_html(record(result=None))


def test_layers_list_name_shape_parameters_and_share() -> None:
    shown = seen(tables.layers_html(MASK, recount(MASK, 0), 0.1))
    assert "Threshold γ = 0.1 (the run used 1): 9 of 10 parameters selected, 90.00 %" in shown
    assert "conv.weight 2 × 1 × 2 × 2 8 7 87.5 %" in shown
    assert "(as in the run): 5 of 10" in seen(tables.layers_html(MASK, recount(MASK, None), None))


def test_a_moment_shows_pictures_and_numbers_of_the_same_step() -> None:
    middle = record().timeline()[1]
    shown = tables.moment_html(record(), middle)
    shown_words = seen(shown)
    assert "step 2 of 4" in shown_words
    assert "forget accuracy 50.0 % n = 2" in shown_words
    assert "forget loss 1.5 nats" in shown_words
    assert "✗ Owl 75 % true: Cat" in shown_words
    assert 'alt="Cat, test picture 1"' in shown
    assert shown.count("data:image/png;base64,") == 1


def test_rows_outside_the_data_and_unknown_labels_do_no_harm() -> None:
    wild = Prediction(source="test", row=10**9, label=99, predicted=-5, confidence=0.5)
    shown = tables.moment_html(record(), Moment(0, None, (wild,)))
    assert "class -5" in shown
    assert "<img" not in shown
    nothing = RunRecord(key="k", config=config(), state="imported")
    assert "class 0" in tables.moment_html(nothing, Moment(0, None, (replace(wild, label=0, row=0),)))


def test_one_picture_large_shows_every_answer() -> None:
    (only,) = not_forgotten(record(), 5).samples
    shown_words = seen(tables.sample_html(record(), only))
    assert "True label: Cat (training row 0)" in shown_words
    assert "before Cat 90.0 % right after Cat 90.0 % right retrained Dog 90.0 % wrong" in shown_words


@pytest.mark.parametrize(("limit", "words"), [(5, "2 of 4"), (1, "2 of 4")])
def test_counts_say_how_many_are_shown(limit: int, words: str) -> None:
    shown = seen(tables.found_html(record(), over_forgotten(record(), limit), "over"))
    assert words in shown
    assert ("the 1 surest are shown" in shown) == (limit == 1)


def test_matrices_and_agreement_as_tables() -> None:
    assert "true Owl 0 2 0" in seen(tables.confusion_table("After", confusions(record())["after"], NAMES))
    shown = seen(tables.agreement_html([Agreement("Test set", 6, 50.0, 100 / 3)]))
    assert "Test set 50.0 33.3 6" in shown


def test_negative_numbers_get_a_real_minus_and_words_keep_their_hyphen() -> None:
    assert render.minus("-0.5") == "\u22120.5"
    assert render.minus("-x") == "-x"
    assert render.minus("sfr-on") == "sfr-on"


def test_of_many_classes_the_tables_say_how_many_share_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "ALL_SHOWN", 2)
    monkeypatch.setattr(predictions, "MANY_SHOWN", 1)
    shown = tables.confusion_tables(record())
    assert shown.count("<table") == 3
    assert "The other 2 share one row and one column." in seen(shown)
