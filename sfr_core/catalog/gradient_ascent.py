"""Gradient ascent on the forget set."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, SCATTERED, Cost, MethodSpec, Parts, Preset, Presets, Sizes, budgets
from sfr_core.configs.base import EpochConfig, PartStepConfig, StepConfig, checked, clip_field


@checked
class GradientAscentConfig(EpochConfig):
    """Gradient ascent (GA): minus the cross-entropy on the forget set only, BatchNorm frozen."""

    clip: float | None = clip_field(0.1)


def _cost(config: GradientAscentConfig | StepConfig, sizes: Sizes) -> Cost:
    return Cost.training(config, forget=config.passes(sizes.forget))


_PLAIN: dict[str, Any] = {"lr_schedule": "constant", "clip": 0.1}
CLASSIFIER: Presets = {
    ANY: {
        **budgets(sources.START, _PLAIN, {"lr": 2e-3, "epochs": 4}, {"lr": 1e-3, "epochs": 12}),
        "published": Preset({**_PLAIN, "lr": 1e-4, "epochs": 9}, sources.CIFAR),
    },
    sources.FASHION: {"quick": Preset({**_PLAIN, "lr": 0.008, "epochs": 3}, sources.TUNED_CLASS)},
    sources.FASHION + SCATTERED: {"quick": Preset({**_PLAIN, "lr": 0.004, "epochs": 3}, sources.TUNED_TENTH)},
    sources.SWIN: {
        "published": Preset({**sources.SWIN_ADAMW, **_PLAIN, "lr": 1e-6, "epochs": 9}, sources.TINY_IMAGENET)
    },
}
DDPM: Presets = {
    sources.FASHION_DDPM: {"quick": Preset({"lr": 1e-5, "steps": 50, "batch_size": 64}, sources.TWO_RATES)},
    ANY: {
        **budgets(sources.START, {"batch_size": 64}, {"lr": 3e-5, "steps": 50}, {"lr": 1e-5, "steps": 150}),
        "published": Preset(
            {"lr": 1e-4, "steps": 150, "batch_size": 128},
            "The optimiser of the authors' DDPM runs; their code has no table row of plain ascent on the DDPM.",
        ),
    },
}
DIT: Presets = {
    sources.EMOJI_DIT: budgets(sources.SMALL, sources.DIT_QUICK, {"lr": 3e-5, "steps": 50}, {"lr": 1e-5, "steps": 150}),
    ANY: {
        **budgets(
            sources.REAL_DIT,
            {**sources.DIT_QUICK, "batch_size": 16},
            {"lr": 1.5e-5, "steps": 50},
            {"lr": 5e-6, "steps": 150},
        ),
        "published": Preset(sources.DIT_ONE, sources.NONE_PUBLISHED),
    },
}
TEXT_TO_IMAGE: Presets = {
    sources.EMOJI_SD: budgets(sources.SMALL, {"batch_size": 32}, {"lr": 2e-5, "steps": 40}, {"lr": 1e-5, "steps": 120}),
    ANY: {
        **budgets(sources.REAL_SD, {"batch_size": 4}, {"lr": 7e-6, "steps": 40}, {"lr": 3.5e-6, "steps": 120}),
        "published": Preset(
            {"lr": 1e-5, "steps": 500, "batch_size": 8, "clip": None},
            "SalUn's script of gradient ascent for Imagenette classes: learning rate 1e-5, 5 epochs of 800 pictures.",
        ),
    },
}

_CLASSIFIER = MethodSpec(
    id="gradient-ascent",
    title="Gradient ascent",
    summary="Climbs the loss of the forget set and looks at nothing else.",
    order=4,
    config_cls=GradientAscentConfig,
    function="sfr_core.methods.gradient_ascent:gradient_ascent",
    paper="Thudi et al., EuroS&P 2022 (arXiv 2109.13398)",
    parts=Parts(forgetting="ascent, all weights 1: −g_f", manifold="Euclidean: δᵀ δ"),
    cost=_cost,
    presets=CLASSIFIER,
    together=True,
)
_DDPM = replace(
    _CLASSIFIER,
    config_cls=StepConfig,
    presets=DDPM,
)
METHOD = {
    "classifier": _CLASSIFIER,
    "ddpm": _DDPM,
    "dit": replace(_DDPM, presets=DIT),
    "text-to-image": replace(
        _DDPM,
        summary="Climbs the loss on pictures of the concept and looks at nothing else.",
        config_cls=PartStepConfig,
        presets=TEXT_TO_IMAGE,
    ),
}
