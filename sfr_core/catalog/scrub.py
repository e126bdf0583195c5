"""SCRUB: a student that disobeys its teacher on the forget set only."""

from __future__ import annotations

from typing import Any

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, FORWARD, SCATTERED, Cost, MethodSpec, Parts, Preset, Sizes
from sfr_core.configs.base import EpochConfig, checked, forgetting_setting, repair_setting, temperature_field


@checked
class ScrubConfig(EpochConfig):
    """SCRUB: push away from the original on the forget set, stay near it on the remain set."""

    forget_epochs: int = forgetting_setting(
        2,
        "Forget epochs",
        "So many epochs begin with a pass over the forget set that moves away from the original. More forget more.",
        low=0,
        high=500,
        up="forgets",
    )
    temperature: float = temperature_field(4.0)
    ce_weight: float = repair_setting(
        0.99,
        "Weight of cross-entropy",
        "How much the true labels of the remain set count. Higher fits them more closely.",
        symbol="γ",
        low=0.0,
        high=100.0,
        up="keeps",
    )
    kl_weight: float = repair_setting(
        0.001,
        "Weight of imitation",
        "How much the original's predictions count on the remain set. Higher stays closer to it.",
        symbol="α",
        low=0.0,
        high=100.0,
        up="keeps",
    )


def _cost(config: ScrubConfig, sizes: Sizes) -> Cost:
    each = 1 + FORWARD  # the teacher looks at every picture
    return Cost.training(
        config,
        forget=config.forget_epochs * sizes.forget * each,
        remain=config.epochs * sizes.remain * each,
        networks=1,
    )


_PUBLISHED: dict[str, Any] = {"temperature": 4.0, "ce_weight": 0.99, "kl_weight": 0.001}
METHOD = {
    "classifier": MethodSpec(
        id="scrub",
        title="SCRUB",
        summary="Disobeys the original on the forget set, then obeys it on the remain set.",
        order=9,
        config_cls=ScrubConfig,
        function="sfr_core.methods.scrub:scrub",
        requires=("Distillable",),
        paper="Kurmanji et al., NeurIPS 2023 (arXiv 2302.09880)",
        parts=Parts(
            forgetting="ascent on the divergence from the original: −∇KL(p_θ0 ‖ p_θ)",
            remaining="descent on the remain loss and the divergence from the original: γ g_r + α ∇KL(p_θ0 ‖ p_θ)",
            manifold="Euclidean: δᵀ δ",
        ),
        cost=_cost,
        presets={
            ANY: {
                "quick": Preset({"lr": 2e-3, "epochs": 2, "forget_epochs": 1}, sources.START),
                "thorough": Preset({"lr": 1e-3, "epochs": 6, "forget_epochs": 2}, sources.START),
                "published": Preset(
                    {**_PUBLISHED, "lr": 8e-5, "epochs": 6, "lr_schedule": "cosine", "forget_epochs": 2}, sources.CIFAR
                ),
            },
            sources.FASHION: {"quick": Preset({"lr": 0.008, "epochs": 3, "forget_epochs": 1}, sources.TUNED_CLASS)},
            sources.FASHION + SCATTERED: {
                "quick": Preset({"lr": 0.008, "epochs": 3, "forget_epochs": 2}, sources.TUNED_TENTH)
            },
            sources.SWIN: {
                "published": Preset({**sources.SWIN_ADAMW, **_PUBLISHED, "forget_epochs": 1}, sources.TINY_IMAGENET)
            },
        },
    )
}
