"""What the catalog says that methods cost, counted by hand."""

from __future__ import annotations

import math
from typing import Any

from sfr_core import catalog, presets
from sfr_core.catalog.base import Sizes

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
