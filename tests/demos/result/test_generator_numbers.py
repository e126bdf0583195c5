"""Metrics table, CSV, differences and timeline of a generator's run."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from demos.records.diff import result_differences
from demos.records.metrics import metric_rows
from demos.result.export import metrics_csv
from tests.demos import compare_examples
from tests.demos.generator_examples import LABELS, config, measured, record, result


def test_rows_hold_every_number_with_its_n_and_direction() -> None:
    rows = {row.title: row for row in metric_rows(record())}
    assert list(rows) == [
        "Forget accuracy (FA)", "Forget accuracy, judge without reject", "Recognised as any class", "Judge accuracy, other classes (JA)", "Fréchet distance, other classes (FD)", "Judge's doubt",
        "Diversity", "Passes over the network", "Time of unlearning alone",
    ]  # fmt: skip
    fa = rows["Forget accuracy (FA)"]
    assert (fa.before, fa.after, fa.retrained, fa.gap) == ("98.0", "0.0", "0.0", "+0.0")
    assert (fa.unit, fa.good, fa.n) == ("%", "lower", "100")
    fd = rows["Fréchet distance, other classes (FD)"]
    assert (fd.before, fd.after, fd.retrained, fd.gap) == ("2.00", "2.20", "2.10", "+0.10")
    assert (fd.unit, fd.good, fd.n) == ("feature²", "lower", "99")
    passes, time = rows["Passes over the network"], rows["Time of unlearning alone"]
    assert (passes.after, passes.retrained, passes.gap) == ("3,840", "384,000", "1.0 % of it")
    # The retrained model is of another machine: its seconds say nothing here.
    assert (time.after, time.retrained, time.gap) == ("60.0", "–", "–")
    both_here = metric_rows(record(result=result(retrain_seconds=12000.0)))
    assert (both_here[-1].retrained, both_here[-1].gap) == ("12,000.0", "0.5 % of it")


def test_without_a_retrained_model_its_columns_are_dashes() -> None:
    rows = metric_rows(record(result=result(retrained=None, retrain_passes=None)))
    assert {row.retrained for row in rows} == {row.gap for row in rows} == {"–"}


def test_csv_holds_the_same_numbers_unrounded() -> None:
    table = {
        row["metric"]: row
        for row in csv.DictReader(io.StringIO(metrics_csv(record(result=result(after=measured(FD_remain=1 / 3))))))
    }
    assert float(table["FD_remain"]["after"]) == 1 / 3
    assert (table["JA_remain"]["n"], table["FA"]["n"], table["FA"]["unit"]) == ("99", "100", "%")
    assert "avg_d" not in table
    assert table["seconds"]["retrained"] == ""
    assert (float(table["passes"]["after"]), float(table["passes"]["retrained"])) == (3840.0, 384_000.0)


def test_differences_name_the_generators_own_metrics() -> None:
    other = record(key="c" * 32, result=result(after=measured(FD_remain=2.7)))
    lines = {(d.group, d.name): (d.a, d.b, d.change) for d in result_differences(record(), other)}
    assert lines == {("after", "Fréchet distance, other classes (FD) (feature²)"): ("2.2", "2.7", "+0.5")}


def test_runs_of_two_kinds_differ_in_kind_not_in_a_crash() -> None:
    lines = [d for d in result_differences(record(), compare_examples.record()) if d.name == "kind of model"]
    assert [(d.group, d.a, d.b) for d in lines] == [
        (when, "generator", "classifier") for when in ("before", "after", "retrained")
    ]


def test_timeline_holds_sheet_and_numbers_of_one_step_together() -> None:
    moments = record().timeline()
    assert [m.i for m in moments] == [0, 2, 4]
    assert [m.live.forget for m in moments if m.live] == [100.0, 50.0, 0.0]
    assert [m.sheet.accepted for m in moments if m.sheet] == [LABELS, (0, 1, 1, 1, -1, 2), (1, -1, 1, 1, 2, 2)]


@pytest.mark.parametrize(
    ("changes", "generates"),
    [({}, True), ({"result": None}, True), ({"result": None, "events": ()}, False)],
)
def test_numbers_or_pictures_tell_a_generator(changes: dict[str, object], generates: bool) -> None:
    assert record(**changes).generates is generates  # the zoo does not know this model
    assert set(replace(record(), config=config()).samples) == {"before", "after", "retrained"}
    assert record().predictions == {}
