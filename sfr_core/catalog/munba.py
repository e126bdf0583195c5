"""MUNBa: forgetting and remaining bargain about every step."""

from __future__ import annotations

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, SCATTERED, Cost, MethodSpec, Parts, Preset, Sizes, budgets
from sfr_core.configs.base import EpochConfig, batch_field, checked, clip_field


@checked
class MunbaConfig(EpochConfig):
    """MUNBa: a step that serves forgetting and remaining equally, whatever the lengths of their gradients."""

    batch_size: int = batch_field(256)
    clip: float | None = clip_field(1.0)


def _cost(config: MunbaConfig, sizes: Sizes) -> Cost:
    remain = config.passes(max(sizes.forget, sizes.remain))
    return Cost.training(config, forget=config.passes(sizes.forget), remain=remain, aside=2)


METHOD = {
    "classifier": MethodSpec(
        id="munba",
        title="MUNBa",
        summary="Takes steps halfway between forgetting and remaining, like two that bargain as equals, then plain remain steps to the end of each epoch.",
        order=20,
        config_cls=MunbaConfig,
        function="sfr_core.methods.munba:munba",
        requires=("Distillable",),
        paper="Wu and Harandi, ICCV 2025 (arXiv 2411.15537)",
        parts=Parts(
            forgetting="unit gradient towards random labels y′: ĝ_f = ∇ℓ(x, y′) / ‖∇ℓ(x, y′)‖",
            remaining="unit gradient of the remain loss, in the same step: ĝ_r = g_r / ‖g_r‖",
            manifold="Euclidean, along the bisector of both, cut to length c: (ĝ_r + ĝ_f) / √(1 + ĝ_rᵀ ĝ_f)",
        ),
        cost=_cost,
        presets={
            ANY: {
                **budgets(sources.START, {"lr": 0.02, "batch_size": 128}, {"epochs": 1}, {"epochs": 4}),
                "published": Preset(
                    {"lr": 0.01, "epochs": 10, "lr_schedule": "constant", "batch_size": 256},
                    "The starting values of the authors' code (JingWu321/MUNBa, 2fe6294), which is made for CIFAR-10 and ResNet-18.",
                ),
            },
            sources.FASHION: {"quick": Preset({"lr": 0.1, "batch_size": 128, "epochs": 2}, sources.TUNED_CLASS)},
            sources.FASHION + SCATTERED: {
                "quick": Preset({"lr": 0.02, "batch_size": 128, "epochs": 2}, sources.TUNED_TENTH)
            },
        },
        redirects=True,
    )
}
