"""Every metric that a result holds is explained, in one sentence, without heavy imports."""

import subprocess
import sys
from dataclasses import fields

from sfr_core.metrics.definitions import GENERATOR_METRICS, HARM_METRICS, METRICS, definitions_of
from sfr_core.results import ClassifierRecord, GeneratorRecord, RunResult


def test_every_metric_of_a_record_is_defined_and_every_definition_is_a_field() -> None:
    measured = {f.name for f in fields(ClassifierRecord) if not f.name.startswith("n_")}
    assert measured | {"avg_d", "passes", "seconds"} == set(METRICS)
    known = measured | {f.name for f in fields(RunResult)}
    assert set(METRICS) <= known


def test_definitions_are_one_sentence_each() -> None:
    for key, metric in {**METRICS, **HARM_METRICS}.items():
        assert metric.key == key
        assert metric.sentence.endswith(".")
        assert ". " not in metric.sentence
        assert metric.sentence[0].isupper()


def test_direction_and_unit() -> None:
    near = {key for key, metric in METRICS.items() if metric.good == "closer to retrained"}
    assert near == {"FA", "RA", "TA", "MIA", "TA_forget", "TA_remain", "MIA_svc", "RMIA"}
    assert {METRICS[k].unit for k in near} == {"%"}
    assert {k: METRICS[k].unit for k in ("KL", "avg_d", "seconds")} == {"KL": "nats", "avg_d": "points", "seconds": "s"}
    assert {METRICS[k].good for k in ("KL", "avg_d", "seconds")} == {"lower"}


def test_definitions_import_only_the_standard_library() -> None:
    code = (
        "import sys, sfr_core.metrics.definitions;"
        "print([m for m in ('numpy', 'torch', 'sklearn', 'gradio') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_every_number_of_a_generator_is_defined_and_its_distance_is_not_called_fid() -> None:
    counts = {"n_samples", "n_remain", "n_paraphrase", "n_neighbours", "sampler_steps", "guidance"}
    numbers = {f.name for f in fields(GeneratorRecord)} - counts
    assert set(GENERATOR_METRICS) == numbers
    assert {k: m.good for k, m in GENERATOR_METRICS.items() if m.good != "closer to retrained"} == {
        "FA": "lower", "JA_remain": "higher", "FD_remain": "lower", "diversity": "higher", "FA_paraphrase": "lower",
        "JA_neighbours": "higher", "JA_others": "higher",
    }  # fmt: skip
    assert "Not FID" in GENERATOR_METRICS["FD_remain"].sentence
    generator = GeneratorRecord(
        FA=0.0, FA_softmax=0.0, accepted_any=0.0, JA_remain=0.0, FD_remain=0.0, judge_entropy=0.0, diversity=0.0,
        n_samples=1, n_remain=1, sampler_steps=20, guidance=2.0,
    )  # fmt: skip
    assert definitions_of(generator) is GENERATOR_METRICS
    assert definitions_of(ClassifierRecord(FA=0.0, RA=0.0, TA=0.0)) is METRICS
