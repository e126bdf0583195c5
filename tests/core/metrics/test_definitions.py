"""Every metric that a result holds is explained, in one sentence, without heavy imports."""

import subprocess
import sys
from dataclasses import fields

import pytest

from sfr_core.errors import UnknownName
from sfr_core.metrics.definitions import METRICS, definition
from sfr_core.results import ClassifierRecord, RunResult


def test_every_metric_of_a_record_is_defined_and_every_definition_is_a_field() -> None:
    measured = {f.name for f in fields(ClassifierRecord) if not f.name.startswith("n_")}
    assert measured | {"avg_d", "seconds"} == set(METRICS)
    known = measured | {f.name for f in fields(RunResult)}
    assert set(METRICS) <= known


def test_definitions_are_one_sentence_each() -> None:
    for key, metric in METRICS.items():
        assert metric.key == key
        assert metric.sentence.endswith(".")
        assert ". " not in metric.sentence
        assert metric.sentence[0].isupper()


def test_direction_and_unit() -> None:
    near = {key for key, metric in METRICS.items() if metric.good == "closer to retrained"}
    assert near == {"FA", "RA", "TA", "MIA", "TA_forget", "TA_remain", "MIA_svc"}
    assert {METRICS[k].unit for k in near} == {"%"}
    assert {k: METRICS[k].unit for k in ("KL", "avg_d", "seconds")} == {"KL": "nats", "avg_d": "points", "seconds": "s"}
    assert {METRICS[k].good for k in ("KL", "avg_d", "seconds")} == {"lower"}


def test_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'MIA_svc'"):
        definition("mia_sv")
    assert definition("KL") is METRICS["KL"]


def test_definitions_import_only_the_standard_library() -> None:
    code = (
        "import sys, sfr_core.metrics.definitions;"
        "print([m for m in ('numpy', 'torch', 'sklearn', 'gradio') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
