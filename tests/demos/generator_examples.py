"""A generator's small run whose every number is known by hand: three classes, sheets of 3 rows of 2 tiles of 4 x 4 pixels."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from demos.records.record import RunRecord
from sfr_core.configs import RunConfig
from sfr_core.data.splits import parse_forget
from sfr_core.events import Evaluated, Event, Finished, PhaseStarted, Preview, Sheet
from sfr_core.results import GeneratorRecord, GeneratorReport, LiveRecord, RunResult
from tests.demos import compare_examples
from tests.demos.compare_examples import MASK, NAMES, dataset, step

LABELS = (0, 0, 1, 1, 2, 2)
SIDE, COLUMNS = 4, 2


def png(gray: int) -> str:
    """A sheet whose tile of number k (0 to 5) has the gray value `gray + k`."""
    tiles = np.arange(6, dtype=np.uint8).reshape(3, 2) + gray
    image = Image.fromarray(tiles.repeat(SIDE, axis=0).repeat(SIDE, axis=1))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def sheet(gray: int, accepted: tuple[int, ...]) -> Sheet:
    return Sheet(png=png(gray), side=SIDE, columns=COLUMNS, labels=LABELS, accepted=accepted, steps=20, guidance=2.0)


def config(**changes: Any) -> RunConfig:
    return compare_examples.config(**{"model": "no-such-generator", **changes})


def measured(**changes: Any) -> GeneratorRecord:
    values: dict[str, Any] = {
        "FA": 0.0, "FA_softmax": 20.0, "accepted_any": 87.0, "JA_remain": 95.4, "FD_remain": 2.2, "judge_entropy": 0.5,
        "diversity": 0.9, "n_samples": 100, "n_remain": 99, "sampler_steps": 20, "guidance": 2.0,
    }  # fmt: skip
    return GeneratorRecord(**{**values, **changes})


BEFORE = measured(FA=98.0, FA_softmax=99.0, accepted_any=98.5, JA_remain=96.0, FD_remain=2.0, judge_entropy=0.05)
RETRAINED = measured(FA=0.0, FA_softmax=5.0, accepted_any=60.0, JA_remain=95.0, FD_remain=2.1)


def result(**changes: Any) -> RunResult:
    values: dict[str, Any] = {
        "before": BEFORE, "after": measured(), "retrained": RETRAINED, "avg_d": None, "avg_d_before": None,
        "kl_floor": None, "seconds": 60.0, "retrain_seconds": None, "steps": 4, "mask_density": 0.5,
        "peak_memory_bytes": 1000, "device": "CPU, fp32", "config": config().to_json(), "versions": {"torch": "2.14.1"},
        "passes": 3840.0, "retrain_passes": 384_000.0,
    }  # fmt: skip
    return RunResult(**{**values, **changes})


def looked(i: int, forget: float, remain: float, gray: int, accepted: tuple[int, ...]) -> tuple[Event, Event]:
    return (
        Evaluated(i=i, when="live", record=LiveRecord(forget=forget, remain=remain, n_forget=2, n_remain=4)),
        Preview(i=i, sheet=sheet(gray, accepted)),
    )


def events() -> tuple[Event, ...]:
    return (
        PhaseStarted(phase="prepare", total=0),
        *looked(0, 100.0, 100.0, 10, LABELS),
        MASK,
        step(1, 0.5, 0.25),
        step(2, 1.5, 0.375),
        *looked(2, 50.0, 75.0, 40, (0, 1, 1, 1, -1, 2)),
        step(3, None, 0.3),
        step(4, 3.0, 0.2),
        *looked(4, 0.0, 100.0, 90, (1, -1, 1, 1, 2, 2)),
        Finished(steps=4, result=result()),
    )


def report(gray: int, accepted: list[int]) -> GeneratorReport:
    """Two samples of 4 x 4 of each class; sample k has the gray value `gray + k` all over."""
    images = np.repeat(np.arange(6, dtype=np.uint8) + gray, 16).reshape(6, SIDE, SIDE, 1)
    return GeneratorReport(
        images=images, labels=np.array(LABELS), accepted=np.array(accepted), sampler_steps=20, guidance=2.0
    )


def record(**changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "key": "b" * 32,
        "config": config(),
        "state": "finished",
        "result": result(),
        "events": events(),
        "dataset": dataset(),
        "spec": parse_forget("class:Cat", NAMES),
        "reports": {
            "before": report(100, [0, 0, 1, 1, 2, 2]),
            "after": report(110, [1, -1, 1, 1, 2, -1]),
            "retrained": report(95, [-1, -1, 1, 1, 2, 2]),
        },
        "created": 1_700_000_000.0,
    }
    return RunRecord(**{**values, **changes})
