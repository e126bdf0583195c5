"""The paper's TinyImageNet values for the Swin-T of the Hub, whatever its revision, and for no other model."""

from __future__ import annotations

from typing import Any

import pytest

from sfr_core.hub import OFFERS
from sfr_core.hub_presets import HUB_PRESETS, SWIN
from sfr_core.presets import preset_source, resolve

# Sections 2.1 and 3.1 of the specification, TinyImageNet with Swin-T.
PUBLISHED: dict[str, dict[str, Any]] = {
    "sfr-on": {
        "optimizer": "adamw", "weight_decay": 0.05, "lr": 2e-5, "lr_schedule": "cosine", "steps": 500, "forget_every": 1,
        "alpha": 500.0, "alpha_schedule": "cosine", "lam": 0.6, "gamma": 1.0, "clip_forget": 7.0, "clip_remain": None,
        "batch_size": 128, "slow_beta": 1.0,
    },
    "retrain": {"lr": 1e-4, "epochs": 10, "weight_decay": 0.05},
    "finetune": {"lr": 1e-4, "epochs": 1},
    "gradient-ascent": {"lr": 1e-6, "epochs": 9, "lr_schedule": "constant", "clip": 0.1},
    "random-label": {"lr": 1e-4, "epochs": 1},
    "salun": {"lr": 1e-4, "epochs": 1, "mask_fraction": 0.5},
    "bad-teacher": {"lr": 1e-4, "epochs": 1, "temperature": 1.0},
    "scrub": {"lr": 1e-4, "epochs": 1, "temperature": 4.0, "ce_weight": 0.99, "kl_weight": 0.001},
}  # fmt: skip


@pytest.mark.parametrize("method", list(PUBLISHED))
@pytest.mark.parametrize("revision", ["main", "a" * 40])
def test_published_values(method: str, revision: str) -> None:
    model = f"{SWIN}@{revision}"
    values = resolve(model, method, "published", kind="classifier")
    assert {key: values[key] for key in PUBLISHED[method]} == PUBLISHED[method]
    assert "TinyImageNet" in preset_source(model, method, "published", kind="classifier")
    assert "CIFAR-10" in preset_source("hub:a/b@main", method, "published", kind="classifier")
    assert resolve(model, method, "quick", kind="classifier") == resolve("own:x", method, "quick", kind="classifier")


def test_every_row_belongs_to_an_offer() -> None:
    assert set(HUB_PRESETS) == set(PUBLISHED)
    assert any(offer.id.startswith(f"{SWIN}@") for offer in OFFERS)
