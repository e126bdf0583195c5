"""Joint loss: SFR-on without its three parts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, Cost, MethodSpec, Parts, Preset, Presets, Sizes, budgets
from sfr_core.configs.base import StepConfig, checked, forgetting_setting, main_setting, steps_field


@checked
class JointConfig(StepConfig):
    """Joint loss, the paper's ablation R: remain loss minus α times the forget loss, in one step."""

    steps: int = steps_field(150)
    alpha: float = main_setting(
        1.0,
        "Forgetting strength",
        "How hard each forgetting step pushes. Higher forgets more and harms more.",
        symbol="α",
        low=0.0,
        high=10000.0,
        up="forgets",
    )
    alpha_schedule: Literal["cosine", "linear", "quadratic", "constant"] = forgetting_setting(
        "cosine",
        "Fading of forgetting",
        "How the forgetting strength falls to zero over the run. Constant: it does not fall.",
    )


def _cost(config: JointConfig, sizes: Sizes) -> Cost:
    each = config.steps * config.batch_size
    return Cost.training(config, forget=each, remain=each, batches=2)


_QUICK: dict[str, Any] = {"batch_size": 64, "alpha": 1.0}
DDPM: Presets = {
    sources.FASHION_DDPM: {"quick": Preset({**_QUICK, "lr": 3e-5, "steps": 50}, sources.TWO_RATES)},
    ANY: {
        **budgets(sources.START, {**_QUICK, "lr": 3e-5}, {"steps": 50}, {"steps": 150}),
        "published": Preset(
            {"lr": 1e-4, "steps": 150, "batch_size": 128, "alpha": 10.0, "alpha_schedule": "cosine"}, sources.DDPM
        ),
    },
}
_DIT: dict[str, Any] = {**sources.DIT_QUICK, "alpha": 0.5}
DIT: Presets = {
    sources.EMOJI_DIT: {
        "quick": Preset({**_DIT, "lr": 3e-5, "steps": 60}, sources.TWO_RATES),
        "thorough": Preset({**_DIT, "lr": 1e-4, "steps": 200}, sources.SMALL),
    },
    ANY: {
        **budgets(sources.REAL_DIT, {**_DIT, "lr": 3.5e-5, "batch_size": 8}, {"steps": 60}, {"steps": 200}),
        "published": Preset({**sources.DIT_ONE, "alpha": 1e-3, "alpha_schedule": "constant"}, sources.NONE_PUBLISHED),
    },
}

_DDPM = MethodSpec(
    id="joint",
    title="Joint loss",
    summary="Forgets and repairs in one and the same step: what SFR-on is without its three parts.",
    order=6,
    config_cls=JointConfig,
    function="sfr_core.methods.joint:joint",
    paper="The ablation R of Huang et al., NeurIPS 2024 (arXiv 2409.19732)",
    parts=Parts(
        forgetting="ascent, all weights 1, in the same step: −α g_f",
        remaining="descent on the remain set: g_r",
        manifold="Euclidean: δᵀ δ",
    ),
    cost=_cost,
    presets=DDPM,
    together=True,
)
METHOD = {"ddpm": _DDPM, "dit": replace(_DDPM, presets=DIT)}
