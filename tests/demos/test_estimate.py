"""Expected times: counted by hand, and learnt from a run."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from demos.estimate import MODELS_EVALUATED, Pace, card_rate, drawings, pictures
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


def test_methods_in_steps_counted_by_hand() -> None:
    common = {"steps": 10, "batch_size": 8}
    assert pictures("finetune", common, 100, 900) == pictures("gradient-ascent", common, 100, 900) == 80
    assert pictures("joint", common, 100, 900) == 160
    assert pictures("salun", {**common, "saliency_batches": 2}, 100, 900) == 160 + 16
    assert pictures("salun", {**common, "saliency_batches": None}, 100, 900) == 160 + 100
    amnesia = {**common, "fisher_images": 5, "fisher_timesteps": 4}
    assert pictures("selective-amnesia", amnesia, 100, 900) == 160 + 10 * 5 * 4
    for method in methods.of_kind("ddpm"):
        assert pictures(method, presets.resolve("", method, kind="ddpm"), 1000, 9000) > 0


def test_what_a_generators_run_draws_is_what_it_plans_to_draw() -> None:
    from sfr_core import generation
    from sfr_core.metrics.generation import PAGE
    from sfr_core.tasks.ddpm import DiffusionTask as Task

    settings = presets.resolve("", "sfr-on", kind="ddpm")
    config = RunConfig(model="any", forget="class:Trouser", method="sfr-on", settings=settings)
    plan = generation.plan([1], 10, PAGE)
    looks = (Task.looks + 1) * 10 * Task.look_columns * Task.look_steps
    passes = looks + (len(plan.labels) + 2 * len(plan.shown)) * 20
    assert math.isclose(drawings(config, 20), passes * 2 / 3)
    free = (Task.free_forget + 9 * Task.free_remain) * Task.free_steps
    assert math.isclose(drawings(replace(config, data="data-free"), 20), (passes + free) * 2 / 3)


def test_a_generators_rate_is_its_own_training_time_over_the_pictures_it_saw() -> None:
    shipped = next((c for c in zoo.cards() if c.kind == "ddpm"), None)
    if shipped is None:
        pytest.skip("no generator is installed")
    # The retrained model took 100 s for fewer pictures, which says nothing of this training.
    card = replace(shipped, cpu_seconds=3586, retrain_seconds=100.0, training={"images_seen": 384_000})
    rate = card_rate(card, 10000)
    assert rate is not None
    assert math.isclose(rate, 0.00933854, rel_tol=1e-5)
    assert card_rate(replace(card, training={}), 10000) is None
    assert card_rate(replace(card, cpu_seconds=0.0), 10000) is None
