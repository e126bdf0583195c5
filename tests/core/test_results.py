"""result.json: written, read, and refused when it is something else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sfr_core.errors import AssetError
from sfr_core.events import Finished, from_json, to_json
from sfr_core.results import (
    CONCEPT_FIELDS,
    SCHEMA,
    ClassifierRecord,
    GeneratorRecord,
    RunResult,
    record_json,
)

RECORD = ClassifierRecord(FA=1.0, RA=99.0, TA=90.0, MIA=50.0, n_forget=10)
RESULT = RunResult(
    before=RECORD, after=RECORD, retrained=None, avg_d=None, avg_d_before=None, kl_floor=None, seconds=1.5, retrain_seconds=None,
    steps=3, mask_density=None, peak_memory_bytes=1, device="CPU", config={"model": "m"}, versions={"torch": "2"},
)  # fmt: skip


@pytest.mark.parametrize("retrained", [None, RECORD])
def test_round_trip(retrained: ClassifierRecord | None) -> None:
    result = replace(RESULT, retrained=retrained)
    assert RunResult.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_the_log_of_a_run_holds_the_result_too() -> None:
    finished = Finished(steps=3, result=replace(RESULT, passes=120.0, retrain_passes=1500.0))
    assert to_json(finished)["result"] == finished.result.to_json()  # type: ignore[union-attr]
    assert from_json(to_json(finished)) == finished


def test_the_share_of_retraining_is_that_of_the_passes() -> None:
    assert replace(RESULT, passes=120.0, retrain_passes=1500.0).share_of_retraining == pytest.approx(8.0)
    assert replace(RESULT, passes=0.0, retrain_passes=1500.0).share_of_retraining == 0.0
    assert RESULT.share_of_retraining is None
    assert replace(RESULT, passes=120.0).share_of_retraining is None
    assert replace(RESULT, retrain_passes=1500.0).share_of_retraining is None


OLD = """{"before": {"FA": 97.0, "RA": 99.0, "TA": 91.0}, "after": {"FA": 1.0, "RA": 98.0, "TA": 82.0}, "retrained": null, "avg_d": null,
"avg_d_before": null, "kl_floor": null, "seconds": 41.0, "retrain_seconds": 3731, "steps": 50, "mask_density": 0.5,
"peak_memory_bytes": 1500000000, "device": "CPU, 2 cores, fp32", "config": {"model": "m"}, "versions": {"torch": "2"}, "schema": 1%s}"""
"""As this program wrote it before passes were counted."""


@pytest.mark.parametrize("clock", ["", ', "retrain_clock": "cpu"'])
def test_an_older_file_is_read_without_what_it_knew_of_another_machine(clock: str) -> None:
    result = RunResult.from_json(json.loads(OLD % clock))
    assert (result.after.FA, result.seconds) == (1.0, 41.0)
    assert (result.passes, result.retrain_passes, result.share_of_retraining) == (None, None, None)
    assert (result.retrain_seconds, result.peak_memory_bytes) == (None, None)
    assert RunResult.from_json(json.loads(json.dumps(result.to_json()))) == result


@pytest.mark.parametrize(
    "change",
    [
        {"schema": SCHEMA + 1}, {"schema": "1"}, {"schema": None}, {"more": 1}, {"before": None}, {"after": None},
        {"before": {"FA": 1}}, {"retrained": {"FA": 1, "RA": 1, "TA": 1, "XA": 1}}, {"after": 5},
    ],
)  # fmt: skip
def test_changed_results_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(AssetError) as caught:
        RunResult.from_json({**RESULT.to_json(), **change})
    assert caught.value.hint


@pytest.mark.parametrize("data", [None, [], 3, "x", {}])
def test_other_things_are_refused(data: Any) -> None:
    with pytest.raises(AssetError):
        RunResult.from_json(data)


@pytest.mark.parametrize(
    "field", [name for name in RESULT.to_json() if name not in ("passes", "retrain_passes", "copies")]
)
def test_a_missing_field_is_refused(field: str) -> None:
    data = RESULT.to_json()
    del data[field]
    with pytest.raises(AssetError):
        RunResult.from_json(data)


def test_what_only_text_to_image_models_have_is_written_only_of_them() -> None:
    plain = GeneratorRecord(
        FA=1.0, FA_softmax=1.0, accepted_any=1.0, JA_remain=1.0, FD_remain=1.0, judge_entropy=1.0, diversity=1.0, n_samples=2,
        n_remain=2, sampler_steps=4, guidance=2.0,
    )  # fmt: skip
    assert not set(CONCEPT_FIELDS) & set(record_json(plain))
    concept = replace(plain, JA_others=50.0, n_neighbours=1)
    assert set(CONCEPT_FIELDS) <= set(record_json(concept))
    for record in (plain, concept):
        result = replace(RESULT, after=record)
        assert RunResult.from_json(json.loads(json.dumps(result.to_json()))) == result
