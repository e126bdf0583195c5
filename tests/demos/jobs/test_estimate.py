"""Expected times: counted by hand, and learnt from a run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from demos.jobs.book import Job
from demos.jobs.estimate import (
    MODELS_EVALUATED,
    Pace,
    Recording,
    card_rate,
    drawings,
    evaluated,
    previewed,
)
from sfr_core import catalog, presets
from sfr_core.catalog.base import Sizes
from sfr_core.configs import RunConfig
from sfr_core.data.samples import sample_prompts
from sfr_core.passes import sizes
from sfr_core.plan import RunPlan, plan
from sfr_core.runs import sampling as generation
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import ModelCard, retrained_model

MODEL = "fashion-mnist-resnet"


def pictures(
    method: str, settings: dict[str, Any], forget: int, remain: int, *, kind: str = "classifier", classes: int = 10
) -> float:
    """Passes over single pictures that a run of these settings makes."""
    spec = catalog.spec_of(method, kind)
    return spec.cost(spec.config_cls.from_dict(settings), Sizes(forget=forget, remain=remain, classes=classes)).passes


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


def test_pictures_of_sfron_redirected_counted_by_hand() -> None:
    settings = presets.resolve(MODEL, "sfr-on", overrides={"steps": 10, "forget_every": 4, "batch_size": 100})

    def of(**changes: Any) -> float:
        return pictures("sfr-on-redirected", {**settings, "mask": False, **changes}, 1000, 9000, kind="ddpm")

    assert of() == pictures("sfr-on", {**settings, "mask": False}, 1000, 9000) == 1300
    # Two looks forward at 48 pictures before each of the three forgetting steps.
    assert math.isclose(of(forget_until=0.5), 1300 + 3 * 48 * 2 / 3)
    # Of steps 1, 5 and 9 two are among the first six. What was said before is asked for at each of the remain pictures.
    assert of(forget_steps=6) == 1200
    assert math.isclose(of(remain_loss="recall"), 1300 + 1000 / 3)
    assert math.isclose(of(forget_loss="relative"), 1300 + 2 * 300 / 3)


def test_every_method_has_a_count() -> None:
    for name in catalog.BY_KIND["classifier"]:
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
    run = plan(config)
    first = pace.expect(run)
    assert first.source == "card"
    rate = card_rate(card, 10000)
    evaluation = MODELS_EVALUATED * 20000 / 3 * rate
    assert math.isclose(first.seconds, 2000 * rate + evaluation)
    job = Job(id="0" * 32, visitor="1" * 32, plan=run, created=0.0)
    job.result = SimpleNamespace(seconds=40.0)  # type: ignore[assignment]
    pace.learn(job)
    second = pace.expect(run)
    assert second.source == "measured"
    assert math.isclose(second.seconds, 40.0 + evaluation)
    other = RunConfig(model=MODEL, forget="class:Bag", method="finetune", settings=presets.resolve(MODEL, "finetune"))
    assert pace.expect(plan(other)).source == "card"


def test_a_recording_of_such_a_machine_says_more_than_a_generators_card() -> None:
    def run_of(model: str, method: str = "sfr-on", **changes: Any) -> RunPlan:
        settings = presets.resolve(model, method)
        return plan(RunConfig(model=model, forget="class:Bag", method=method, settings=settings, **changes))

    drawing = "fashion-mnist-ddpm"
    recorded, other = run_of(drawing), run_of(drawing, "finetune")
    by_card = Pace().expect(recorded)
    known = {drawing: Recording(recorded, by_card.seconds / 2, "a desk"), MODEL: Recording(recorded, 1.0, "a desk")}
    found = Pace(known, "a desk").expect(recorded)
    assert (found.source, found.seconds) == ("recorded", pytest.approx(by_card.seconds / 2))
    assert Pace(known, "a desk").expect(other).seconds == pytest.approx(Pace().expect(other).seconds / 2)
    for pace in (Pace(known, "another"), Pace({}, "a desk")):
        assert pace.expect(recorded) == by_card
    for elsewhere in (run_of(drawing, device="cuda"), run_of(MODEL)):
        assert Pace(known, "a desk").expect(elsewhere).source == "card"


def test_methods_in_steps_counted_by_hand() -> None:
    common = {"steps": 10, "batch_size": 8}
    assert (
        pictures("finetune", common, 100, 900, kind="ddpm")
        == pictures("gradient-ascent", common, 100, 900, kind="ddpm")
        == 80
    )
    assert pictures("joint", common, 100, 900, kind="ddpm") == 160
    assert pictures("salun", {**common, "saliency_batches": 2}, 100, 900, kind="ddpm") == 160 + 16
    assert pictures("salun", {**common, "saliency_batches": None}, 100, 900, kind="ddpm") == 160 + 100
    amnesia = {**common, "fisher_images": 5, "fisher_timesteps": 4}
    assert pictures("selective-amnesia", amnesia, 100, 900, kind="ddpm") == 160 + 10 * 5 * 4
    for method in catalog.of_kind("ddpm"):
        assert pictures(method, presets.resolve("", method, kind="ddpm"), 1000, 9000, kind="ddpm") > 0


def config_of(kind: str, forget: str, method: str = "sfr-on", **changes: Any) -> RunConfig:
    settings = presets.resolve("", method, kind=kind)
    return RunConfig(model="tiny", forget=forget, method=method, settings=settings, **changes)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModelCard], ModelCard]:
    """Makes a card the only model."""

    def install(card: ModelCard) -> ModelCard:
        monkeypatch.setattr(zoo, "cards", lambda: (card,))
        return card

    return install


def planned(card: ModelCard, forgotten: tuple[int, ...], classes: int) -> tuple[int, int]:
    """Samples of a whole record, and of one that the card has."""
    plan = generation.plan(forgotten, classes, generation.protocol_of(card))
    return len(plan.labels), len(plan.shown)


def test_what_a_pixel_generators_run_draws_is_what_it_plans_to_draw(installed: Any) -> None:
    from sfr_core.tasks.ddpm import PREVIEW, SELF_GENERATED

    shipped = next((c for c in zoo.cards() if c.kind == "ddpm"), None)
    if shipped is None:
        pytest.skip("no generator is installed")
    card = installed(replace(shipped, id="tiny"))
    steps = card.sampling.steps
    config = config_of("ddpm", "class:Trouser")
    looks = (PREVIEW.times + 1) * 10 * PREVIEW.columns * PREVIEW.steps
    whole, shown = planned(card, (1,), 10)
    assert card.records["class:Trouser"]
    reference = shown if retrained_model(card, "class:Trouser") else 0
    passes = looks + (whole + shown + reference) * steps
    assert math.isclose(drawings(plan(config)), passes * 2 / 3)
    free = (SELF_GENERATED.forget + 9 * SELF_GENERATED.remain / 2) * SELF_GENERATED.steps
    config = replace(config, data="data-free")
    assert math.isclose(drawings(plan(config)), (passes + free) * 2 / 3)
    assert sizes(plan(config)) == (SELF_GENERATED.forget, 9 * SELF_GENERATED.remain, 0)


@pytest.mark.parametrize("forget", ["class:three", "class:three,one,five"])
def test_a_transformers_run_draws_its_own_pictures(tmp_path: Path, installed: Any, forget: str) -> None:
    from sfr_core.tasks.dit import PREVIEW, SELF_GENERATED
    from tests.core.tiny_dit import CLASSES, dit_card, dit_task

    card = installed(dit_card(tmp_path / "m", id="tiny"))
    config = config_of("dit", forget)
    run = plan(config)
    mine = sizes(run)
    task = dit_task(forget)
    assert mine == (task.count("forget"), task.count("remain"), 0)
    assert previewed(PREVIEW, run.forget) == len(task.preview_labels)
    whole, _ = planned(card, run.forget.spec.classes, len(CLASSES))
    assert evaluated(run) == 2 * whole  # no record is on the card: before is drawn as a whole too
    passes = (
        (PREVIEW.times + 1) * previewed(PREVIEW, run.forget) * PREVIEW.steps
        + 2 * whole * 4
        + (mine[0] + mine[1] / 2) * SELF_GENERATED.steps
    )
    assert math.isclose(drawings(run), passes * 2 / 3)


def test_a_concepts_run_draws_what_its_prompts_ask_for(tmp_path: Path, installed: Any) -> None:
    from sfr_core.tasks.text_to_image import PREVIEW, SELF_GENERATED
    from tests.core.tiny_sd import CONCEPTS, sd_folder, sd_task

    card = installed(sd_folder(tmp_path / "m", id="tiny", source="bundled"))
    config = config_of("text-to-image", "concept:cat")
    run = plan(config)
    task = sd_task("cat", ready=False)
    assert run.forget.names == task.plan.names == ("cat", "a cat emoji", "kitty", "a red kitty", "tiger", "car", "tree")
    assert sizes(run) == (task.count("forget"), task.count("remain"), 0) == (6, 12, 0)
    assert previewed(PREVIEW, run.forget) == len(task.preview_labels)
    whole = len(sample_prompts(task.plan, generation.protocol_of(card).n))
    assert evaluated(run) == 2 * whole
    passes = (PREVIEW.times + 1) * previewed(PREVIEW, run.forget) * PREVIEW.steps + 2 * whole * 4
    assert math.isclose(drawings(run), (passes + (6 + 12 / 2) * SELF_GENERATED.steps) * 2 / 3)
    assert CONCEPTS.find("tree").offered is False
    pace = Pace()
    assert (
        pace.expect(plan(config, card=replace(card, cpu_seconds=30.0, training={"images_seen": 60}))).source == "card"
    )


def test_methods_for_concepts_counted_by_hand() -> None:
    common = {"steps": 10, "batch_size": 6}
    # 50 sampler steps end after 24.5 on average, two passes each; the old model answers twice: 51 forward passes, 17 trainings.
    assert math.isclose(pictures("esd-x", {**common, "sample_steps": "50"}, 9, 9, kind="text-to-image"), 60 * (1 + 17))
    assert math.isclose(
        pictures("concept-ablation", {**common, "prior_weight": 1.0}, 9, 9, kind="text-to-image"), 60 * (2 + 1 / 3)
    )
    assert math.isclose(
        pictures("concept-ablation", {**common, "prior_weight": 0.0}, 9, 9, kind="text-to-image"), 60 * (1 + 1 / 3)
    )
    assert pictures("uce", presets.resolve("", "uce", kind="text-to-image"), 9, 9, kind="text-to-image") == 0
    assert pictures("random-embedding", presets.resolve("", "random-embedding", kind="dit"), 9, 9, kind="dit") == 0
    redirecting = presets.resolve(
        "", "sfr-on", kind="text-to-image", overrides={"mask": False, "steps": 10, "batch_size": 6}
    )
    assert math.isclose(pictures("sfr-on", redirecting, 9, 9, kind="text-to-image"), 60 + 60 * 4 / 3)


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
