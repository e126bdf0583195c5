"""What a run costs in passes over single pictures, worked out by hand; that of retraining from what the cards hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sfr_core import passes, presets
from sfr_core.configs import RunConfig
from sfr_core.plan import RunPlan, plan
from sfr_core.zoo import shipped
from tests.core.tiny_run import tiny_session

MODEL = "fashion-mnist-resnet"


def run_of(method: str, forget: str = "class:Bag", *, model: str = MODEL, **changes: Any) -> RunPlan:
    settings = presets.resolve(model, method, overrides=changes, forget=forget)
    return plan(RunConfig(model=model, forget=forget, method=method, settings=settings))


def test_a_stopped_run_counts_the_steps_that_it_made() -> None:
    run = run_of(
        "sfr-on", steps=10, forget_every=4, batch_size=100, fisher_batches=2, fisher_batch_size=50, forget_loss="ascent"
    )
    # 2 batches of 50 of either set for the mask; 10 remain steps of 100; forgetting steps of 100 at 1, 5 and 9.
    assert passes.planned(run) == 200 + 1000 + 300
    assert passes.made(run, steps=10, forgetting=3, total=10) == passes.planned(run)
    assert passes.made(run, steps=6, forgetting=2, total=10) == 200 + 600 + 200
    # What a run leaves out because it has forgotten enough is not counted.
    assert passes.made(run, steps=10, forgetting=1, total=10) == 200 + 1000 + 100


def test_the_steps_of_a_method_whose_every_step_forgets_follow_its_progress() -> None:
    run = run_of("gradient-ascent", epochs=3)
    assert passes.planned(run) == 3 * 1000
    assert passes.made(run, steps=30, forgetting=30, total=120) == 3 * 1000 / 4


def test_a_method_in_closed_form_makes_no_pass() -> None:
    run = run_of("uce", "concept:cat", model="emoji-sd")
    assert passes.planned(run) == passes.made(run, steps=0, forgetting=0, total=0) == 0


@pytest.mark.parametrize("forget", ["class:Bag", "class:Bag,Coat"])
def test_retraining_a_shipped_classifier_takes_what_its_recipe_takes_retrained_model_or_not(forget: str) -> None:
    classes = forget.count(",") + 1
    assert passes.retraining(run_of("sfr-on", forget)) == 30 * (10_000 - 1_000 * classes)
    assert passes.planned(run_of("retrain", forget)) == passes.retraining(run_of("retrain", forget))


def test_retraining_a_generator_took_what_its_retrained_model_saw() -> None:
    assert passes.retraining(run_of("sfr-on", "class:Trouser", model="fashion-mnist-ddpm")) == 384_000
    assert passes.retraining(run_of("sfr-on", "class:Bag", model="fashion-mnist-ddpm")) is None
    cat = run_of("sfr-on", "concept:cat", model="emoji-sd")
    assert passes.retraining(cat) == shipped.retrained_model(cat.card, "concept:cat").training["images_seen"]


def test_nobody_knows_what_retraining_another_model_takes(tmp_path: Path) -> None:
    run = tiny_session(tmp_path).plan
    assert run.card.source == "own"
    assert passes.retraining(run) is None
    assert passes.retraining(replace(run, card=replace(run.card, source="hub"))) is None
