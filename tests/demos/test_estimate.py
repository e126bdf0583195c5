"""Expected times: counted by hand, and learnt from a run."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np

from demos.estimate import MODELS_EVALUATED, Pace, card_rate, pictures
from demos.jobs import Job
from sfr_core import methods, presets, zoo
from sfr_core.configs import RunConfig

MODEL = "fashion-mnist-resnet"


def test_pictures_of_sfron_counted_by_hand() -> None:
    settings = presets.resolve(
        MODEL, "sfr-on", overrides={"steps": 10, "forget_every": 4, "batch_size": 100, "fisher_batches": 2, "fisher_batch_size": 50}
    )  # fmt: skip
    # 10 remain steps of 100, forget steps at 1, 5, 9 of 100 each, 2 batches of 50 of either set for the mask.
    assert pictures("sfr-on", settings, 1000, 9000) == 10 * 100 + 3 * 100 + 200
    assert pictures("sfr-on", {**settings, "mask": False}, 1000, 9000) == 1300
    assert pictures("sfr-on", {**settings, "fisher_batches": None}, 1000, 9000) == 1300 + 10000
    # A forget set of 5 pictures gives batches of 5.
    assert pictures("sfr-on", {**settings, "mask": False}, 5, 9000) == 1000 + 15


def test_every_method_has_a_count() -> None:
    for name in methods.METHODS:
        assert pictures(name, presets.resolve(MODEL, name), 1000, 9000) > 0
    assert (
        pictures("retrain", presets.resolve(MODEL, "retrain"), 1000, 9000)
        == 9000 * presets.resolve(MODEL, "retrain")["epochs"]
    )


def test_a_finished_run_replaces_the_guess() -> None:
    pace, card = Pace(), zoo.card(MODEL)
    settings = presets.resolve(
        MODEL, "sfr-on", overrides={"mask": False, "steps": 10, "forget_every": 1, "batch_size": 100}
    )
    config = RunConfig(model=MODEL, forget="class:Bag", method="sfr-on", settings=settings)
    first = pace.expect(config, card, 1000, 9000, 10000)
    assert first.source == "card"
    rate = card_rate(card, 10000)
    evaluation = MODELS_EVALUATED * 20000 / 3 * rate
    assert math.isclose(first.seconds, 2000 * rate + evaluation)
    job = Job(id="0" * 32, visitor="1" * 32, config=config, created=0.0)
    split: Any = SimpleNamespace(forget=np.arange(1000), remain=np.arange(9000))
    job.session = SimpleNamespace(split=split)
    job.result = SimpleNamespace(seconds=40.0)  # type: ignore[assignment]
    pace.learn(job)
    second = pace.expect(config, card, 1000, 9000, 10000)
    assert second.source == "measured"
    assert math.isclose(second.seconds, 40.0 + evaluation)
    other = RunConfig(model=MODEL, forget="class:Bag", method="finetune", settings=presets.resolve(MODEL, "finetune"))
    assert pace.expect(other, card, 1000, 9000, 10000).source == "card"
