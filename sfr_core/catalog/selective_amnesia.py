"""Selective Amnesia: noise as the new answer, and a Fisher penalty on every change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, Cost, MethodSpec, Parts, Preset, Presets, Sizes, budgets
from sfr_core.configs.base import StepConfig, checked, main_setting, mask_setting, steps_field


@checked
class SelectiveAmnesiaConfig(StepConfig):
    """Selective Amnesia (SA): noise as the new answer, replay of the rest, and a Fisher penalty on every change."""

    steps: int = steps_field(20000)
    ewc_weight: float = main_setting(
        10.0,
        "Weight of the penalty",
        "How firmly the old weights are held. Higher keeps more and forgets less.",
        symbol="λ",
        low=0.0,
        high=1e9,
        up="keeps",
    )
    replay_weight: float = main_setting(
        1.0,
        "Weight of replay",
        "How much the remaining classes count in each step. Higher keeps them better.",
        low=0.0,
        high=1e4,
        up="keeps",
    )
    fisher_images: int = mask_setting(
        50,
        "Pictures for the Fisher",
        "Pictures of each class that tell which weights matter. More tell it more reliably and take longer (published: 500).",
        low=1,
        high=500,
    )
    fisher_timesteps: int = mask_setting(
        20,
        "Timesteps for the Fisher",
        "Noise levels at which each of these pictures is looked at. More tell it more reliably and take longer (published: all 1000).",
        low=1,
        high=1000,
    )


def _cost(config: SelectiveAmnesiaConfig, sizes: Sizes) -> Cost:
    each = config.steps * config.batch_size
    return Cost.training(
        config,
        forget=each,
        remain=each,
        fisher=sizes.classes * config.fisher_images * config.fisher_timesteps,
        batches=2,
        tensors=3,  # the Fisher, the start weights, and their difference, which the penalty's backward pass needs
        fishers=1,
        fisher_batch=config.fisher_timesteps,  # one picture at a time, at all of its timesteps in one pass
    )


DDPM: Presets = {
    sources.FASHION_DDPM: {"quick": Preset({"lr": 3e-4, "steps": 50, "batch_size": 64}, sources.TWO_RATES)},
    ANY: {
        **budgets(sources.START, {"lr": 1e-4, "batch_size": 64}, {"steps": 50}, {"steps": 400}),
        "published": Preset(
            {"lr": 1e-4, "steps": 20000, "batch_size": 128, "ewc_weight": 10.0, "replay_weight": 1.0},
            sources.DDPM + " There the Fisher takes 500 pictures of each class at all 1000 timesteps, here 50 at 20.",
        ),
    },
}
_REAL: dict[str, Any] = {**sources.DIT_QUICK, "lr": 7e-5, "batch_size": 4}
EIGHT_BIT = (
    sources.REAL_DIT
    + " There only with 8-bit optimiser states: Fisher, start weights and penalty are three more copies."
)
DIT: Presets = {
    sources.EMOJI_DIT: budgets(
        sources.SMALL,
        {**sources.DIT_QUICK, "lr": 3e-4},
        {"steps": 60, "fisher_images": 20},
        {"steps": 400, "fisher_images": 50},
    ),
    ANY: {
        **budgets(EIGHT_BIT, _REAL, {"steps": 60, "fisher_images": 20}, {"steps": 400, "fisher_images": 50}),
        "published": Preset(
            {**sources.DIT_ONE, "ewc_weight": 10.0},
            sources.NONE_PUBLISHED
            + " The published table gives the results of Selective Amnesia on DiT, but not its settings.",
        ),
    },
}

_DDPM = MethodSpec(
    id="selective-amnesia",
    title="Selective Amnesia",
    summary="Teaches noise in place of the forgotten class and holds every weight where the old Fisher says it matters.",
    order=10,
    config_cls=SelectiveAmnesiaConfig,
    function="sfr_core.methods.selective_amnesia:selective_amnesia",
    requires=("Denoising",),
    paper="Heng and Soh, NeurIPS 2023 (arXiv 2305.10120)",
    parts=Parts(
        forgetting="descent towards noise pictures: ∇ℓ(noise, c)",
        remaining="replay of the remaining classes: g_r",
        manifold="diagonal Fisher at the first weights, as a penalty: λ Σ F (θ − θ0)²",
    ),
    prepares=lambda config: ("fisher",),
    cost=_cost,
    presets=DDPM,
)
METHOD = {"ddpm": _DDPM, "dit": replace(_DDPM, presets=DIT)}
