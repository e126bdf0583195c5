"""A small run whose every number is known by hand: three classes, six training and six test pictures of 2 x 2."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from demos.records.record import RunRecord
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.configs import RunConfig
from sfr_core.data.datasets import Dataset, Pictures
from sfr_core.data.splits import parse_forget
from sfr_core.errors import PlaygroundError
from sfr_core.events import (
    Evaluated,
    Event,
    Finished,
    LayerSaliency,
    MaskReady,
    PhaseStarted,
    Prediction,
    Preview,
    Step,
)
from sfr_core.plan import RunPlan, plan
from sfr_core.results import ClassifierRecord, LiveRecord, ModelReport, RunResult

NAMES = ("Cat", "Dog", "Owl")
TRAIN_LABELS = np.array([0, 0, 1, 1, 2, 2])
TEST_LABELS = np.array([0, 0, 1, 1, 2, 2])


def dataset() -> Dataset:
    images = np.arange(24, dtype=np.uint8).reshape(6, 2, 2, 1) * 10
    return Dataset("tiny", NAMES, Pictures(images, TRAIN_LABELS), Pictures(images + 1, TEST_LABELS), (0.5,), (0.5,))


def report(train: list[int], test: list[int], confidence: list[float] | None = None) -> ModelReport:
    sure = np.array(confidence or [0.9, 0.8, 0.7, 0.6, 0.5, 0.95], np.float32)
    zero = np.zeros(6, np.float32)
    return ModelReport(
        train_predicted=np.array(train),
        test_predicted=np.array(test),
        train_confidence=sure,
        test_confidence=sure,
        train_entropy=zero,
        test_entropy=zero,
    )


def config(**changes: Any) -> RunConfig:
    values: dict[str, Any] = {
        "model": "no-such-model",
        "forget": "class:Cat",
        "method": "sfr-on",
        "settings": SFRonConfig(steps=4).to_dict(),
        "seed": 7,
    }
    return RunConfig(**{**values, **changes})


def measured(**changes: Any) -> ClassifierRecord:
    values: dict[str, Any] = {
        "FA": 0.0, "RA": 98.0, "TA": 60.0, "MIA": 5.0, "TA_forget": 0.0, "TA_remain": 90.5, "KL": 0.25,
        "MIA_svc": 97.0, "n_forget": 2, "n_remain": 4, "n_test": 6,
    }  # fmt: skip
    return ClassifierRecord(**{**values, **changes})


BEFORE = measured(FA=99.0, RA=99.0, TA=92.0, MIA=90.0, TA_forget=97.0, TA_remain=91.0, KL=5.0, MIA_svc=4.0)
RETRAINED = measured(FA=0.0, RA=98.5, TA=61.0, MIA=2.0, TA_forget=0.0, TA_remain=90.6, KL=0.0)


def result(**changes: Any) -> RunResult:
    values: dict[str, Any] = {
        "before": BEFORE, "after": measured(), "retrained": RETRAINED, "avg_d": 1.25, "avg_d_before": 54.625,
        "kl_floor": 0.125, "seconds": 6.0, "retrain_seconds": None, "steps": 4, "mask_density": 0.5,
        "peak_memory_bytes": 1000, "device": "CPU, fp32", "config": config().to_json(), "versions": {"torch": "2.14.1"},
        "passes": 6000.0, "retrain_passes": 100_000.0,
    }  # fmt: skip
    return RunResult(**{**values, **changes})


MASK = MaskReady(
    density=0.5,
    threshold=1.0,
    thresholds=(0.1, 1.0, 10.0),
    layers=(
        LayerSaliency(name="conv.weight", shape=(2, 1, 2, 2), size=8, kept=4, kept_at=(7, 4, 1)),
        LayerSaliency(name="fc.bias", shape=(2,), size=2, kept=1, kept_at=(2, 1, 0)),
    ),
)


def looked(i: int, forget: float, remain: float, said: int) -> tuple[Event, Event]:
    return (
        Evaluated(i=i, when="live", record=LiveRecord(forget=forget, remain=remain, n_forget=2, n_remain=4)),
        Preview(i=i, predictions=(Prediction(source="test", row=1, label=0, predicted=said, confidence=0.75),)),
    )


def step(i: int, forget: float | None, remain: float) -> Step:
    return Step(i=i, total=4, forget_loss=forget, remain_loss=remain, alpha=10.0, lr=0.01, seconds=0.5)


def events() -> tuple[Event, ...]:
    return (
        PhaseStarted(phase="prepare", total=0),
        *looked(0, 100.0, 98.0, 0),
        MASK,
        step(1, 0.5, 0.25),
        step(2, 1.5, 0.375),
        *looked(2, 50.0, 95.0, 2),
        step(3, None, 0.3),
        step(4, 3.0, 0.2),
        *looked(4, 0.0, 97.0, 1),
        Finished(steps=4, result=result()),
    )


def record(**changes: Any) -> RunRecord:
    data = dataset()
    values: dict[str, Any] = {
        "key": "a" * 32,
        "config": config(),
        "state": "finished",
        "result": result(),
        "events": events(),
        "dataset": data,
        "spec": parse_forget("class:Cat", NAMES),
        "reports": {
            "before": report([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 1]),
            "after": report([0, 1, 1, 1, 2, 2], [1, 2, 1, 2, 1, 1]),
            "retrained": report([1, 1, 1, 1, 2, 1], [1, 1, 1, 1, 2, 2]),
        },
        "created": 1_700_000_000.0,
    }
    return RunRecord(**{**values, **changes})


def planned(run: RunConfig) -> RunPlan:
    """A plan for any config: one of a model that is not here gets what a shipped model's run is about."""
    try:
        return plan(run)
    except PlaygroundError:
        known = RunConfig(model="fashion-mnist-resnet", forget="class:Sneaker", method="finetune", settings={})
        return replace(plan(known), config=run)
