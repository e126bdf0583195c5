"""Fine-tuning on the remain set."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, SCATTERED, Cost, MethodSpec, Parts, Preset, Presets, Sizes, budgets
from sfr_core.configs.base import EpochConfig, PartStepConfig, StepConfig


def _cost(config: EpochConfig | StepConfig, sizes: Sizes) -> Cost:
    return Cost.training(config, remain=config.passes(sizes.remain))


CLASSIFIER: Presets = {
    ANY: {
        **budgets(sources.START, {"lr": 0.05}, {"epochs": 2}, {"epochs": 8}),
        "published": Preset({"lr": 0.01, "epochs": 10, "lr_schedule": "cosine"}, sources.CIFAR),
    },
    sources.FASHION: {"quick": Preset({"lr": 0.1, "epochs": 5}, sources.TUNED_CLASS)},
    sources.FASHION + SCATTERED: {"quick": Preset({"lr": 0.2, "epochs": 5}, sources.TUNED_TENTH)},
    sources.SWIN: {"published": Preset(sources.SWIN_ADAMW, sources.TINY_IMAGENET)},
}
DDPM: Presets = {
    ANY: {
        **budgets(sources.START, {"lr": 1e-4, "batch_size": 64}, {"steps": 100}, {"steps": 400}),
        "published": Preset(
            {"lr": 1e-4, "steps": 1000, "batch_size": 128},
            "The optimiser of the authors' DDPM runs; their code has no fine-tuning of the DDPM.",
        ),
    },
}
_DIT_REAL: dict[str, Any] = {**sources.DIT_QUICK, "lr": 1.5e-4, "batch_size": 16}
DIT: Presets = {
    sources.EMOJI_DIT: budgets(sources.SMALL, {**sources.DIT_QUICK, "lr": 3e-4}, {"steps": 100}, {"steps": 400}),
    ANY: {
        **budgets(sources.REAL_DIT, _DIT_REAL, {"steps": 100}, {"steps": 400}),
        "published": Preset(sources.DIT_ONE, sources.NONE_PUBLISHED),
    },
}
TEXT_TO_IMAGE: Presets = {
    sources.EMOJI_SD: budgets(sources.SMALL, {"lr": 1e-4, "batch_size": 32}, {"steps": 60}, {"steps": 240}),
    ANY: {
        **budgets(sources.REAL_SD, {"lr": 3.5e-5, "batch_size": 4}, {"steps": 60}, {"steps": 240}),
        "published": Preset(
            {"lr": 1e-5, "steps": 1000, "batch_size": 2, "clip": None},
            "The optimiser of the authors' run of SFR-on on Stable Diffusion 1.4; they show no fine-tuning of it.",
        ),
    },
}

_CLASSIFIER = MethodSpec(
    id="finetune",
    title="Fine-tuning",
    summary="Goes on training on the remain set and waits for the forget set to fade.",
    order=3,
    config_cls=EpochConfig,
    function="sfr_core.methods.finetune:finetune",
    paper="Warnecke et al., NDSS 2023 (arXiv 2108.11577)",
    parts=Parts(remaining="descent on the remain set: g_r", manifold="Euclidean: δᵀ δ"),
    cost=_cost,
    presets=CLASSIFIER,
    together=True,
)
_DDPM = replace(
    _CLASSIFIER,
    summary="Goes on training on the remaining classes and waits for the forgotten ones to fade.",
    config_cls=StepConfig,
    presets=DDPM,
)
METHOD = {
    "classifier": _CLASSIFIER,
    "ddpm": _DDPM,
    "dit": replace(_DDPM, presets=DIT),
    "text-to-image": replace(
        _DDPM,
        summary="Goes on training on everything else and waits for the concept to fade.",
        config_cls=PartStepConfig,
        presets=TEXT_TO_IMAGE,
    ),
}
