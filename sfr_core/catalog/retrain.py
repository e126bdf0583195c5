"""Retraining without the forget set: the measure of all other methods."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, Cost, MethodSpec, Parts, Preset, Presets, Sizes, budgets
from sfr_core.configs.base import EpochConfig, StepConfig, checked, lr_field, setting, steps_field


@checked
class RetrainConfig(EpochConfig):
    """Retrain (RT): a new model on the remain set, by the recipe that trained the original."""

    lr_schedule: Literal["one-cycle", "cosine", "constant"] = setting(  # type: ignore[assignment]
        "one-cycle",
        "Learning-rate schedule",
        "How the learning rate moves: one-cycle rises, then falls to zero with every step; cosine falls with every epoch; constant stays.",
    )
    warmup: float = setting(
        0.2,
        "Warm-up",
        "Share of the run in which a one-cycle learning rate rises. Higher: it rises for longer before it falls.",
        low=0.0,
        high=0.9,
    )
    nesterov: bool = setting(
        True, "Nesterov momentum", "On: SGD computes the gradient where its momentum will carry it."
    )
    shift: int = setting(
        1,
        "Shift",
        "Moves training pictures at random by up to so many pixels, so that the network does not learn them by heart.",
        low=0,
        high=8,
    )
    shift_share: float = setting(
        0.7,
        "Shifted share",
        "Share of the epochs that move pictures. Higher: fewer epochs at the end see them unmoved.",
        low=0.0,
        high=1.0,
    )


@checked
class RetrainStepsConfig(StepConfig):
    """Retrain (RT) a generator: new weights, then its training loss on the remaining classes (800,000 steps published)."""

    lr: float = lr_field(2e-4)
    steps: int = steps_field(800000)


def _cost(config: RetrainConfig | RetrainStepsConfig, sizes: Sizes) -> Cost:
    return Cost.training(config, remain=config.passes(sizes.remain), networks=1)


RECIPE = Preset(
    {
        "lr": 0.15, "weight_decay": 1e-3, "epochs": 30, "lr_schedule": "one-cycle", "warmup": 0.2, "nesterov": True, "shift": 1,
        "shift_share": 0.7,
    },
    "The recipe of the shipped model (python -m recipes.classifier): with less it would be no reference.",
)  # fmt: skip
_PLAIN: dict[str, Any] = {"lr_schedule": "cosine", "warmup": 0.0, "nesterov": False}
CLASSIFIER: Presets = {
    ANY: {
        "quick": RECIPE,
        "thorough": RECIPE,
        "published": Preset({**_PLAIN, "lr": 0.1, "epochs": 200, "shift": 4, "shift_share": 1.0}, sources.CIFAR),
    },
    sources.SWIN: {
        "published": Preset(
            {**sources.SWIN_ADAMW, **_PLAIN, "epochs": 10, "shift": 0, "shift_share": 0.0},
            sources.TINY_IMAGENET + " There it starts from ImageNet's weights, here from fresh ones.",
        )
    },
}
DDPM: Presets = {
    ANY: {
        **budgets(sources.START, {"lr": 2e-4}, {"steps": 20000}, {"steps": 100000}),
        "published": Preset(
            {"lr": 2e-4, "steps": 800000, "batch_size": 128},
            sources.DDPM + " Its moving average of the weights (0.9999) and its dropout (0.1) are missing here.",
        ),
    },
}
_REAL: dict[str, Any] = {**sources.DIT_QUICK, "lr": 1.5e-4, "batch_size": 16}
DIT: Presets = {
    sources.EMOJI_DIT: budgets(sources.SMALL, {**sources.DIT_QUICK, "lr": 3e-4}, {"steps": 20000}, {"steps": 100000}),
    ANY: {
        **budgets(sources.REAL_DIT, _REAL, {"steps": 20000}, {"steps": 100000}),
        "published": Preset(
            {"optimizer": "adamw", "lr": 1e-4, "steps": 400000, "batch_size": 256},
            "Peebles and Xie 2023 (arXiv 2212.09748): AdamW 1e-4, batch 256, 400,000 steps; their moving average of the "
            "weights is missing here, and they clip no gradient.",
        ),
    },
}

RETRAIN = "retrain"
"""The one method whose outcome others are compared with."""
_CLASSIFIER = MethodSpec(
    id=RETRAIN,
    title="Retrain",
    summary="Trains a new model that never saw the forget set: exact, slow, and the measure of all others.",
    order=2,
    config_cls=RetrainConfig,
    function="sfr_core.methods.retrain:retrain",
    requires=("Distillable",),
    paper="Exact unlearning; see Bourtoule et al., IEEE S&P 2021 (arXiv 1912.03817)",
    parts=Parts(remaining="descent on the remain set, from random weights: g_r"),
    cost=_cost,
    presets=CLASSIFIER,
)
_DDPM = replace(
    _CLASSIFIER,
    summary="Trains a new model that never saw the forgotten classes. This takes hours, so the page compares with a shipped retrained model where there is one.",
    config_cls=RetrainStepsConfig,
    function="sfr_core.methods.retrain:retrain_steps",
    requires=("Restartable",),
    presets=DDPM,
)
METHOD = {"classifier": _CLASSIFIER, "ddpm": _DDPM, "dit": replace(_DDPM, presets=DIT)}
