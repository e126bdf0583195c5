"""Random label: one wrong label for each row of the forget set."""

from __future__ import annotations

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, SCATTERED, Cost, MethodSpec, Parts, Preset, Sizes, budgets
from sfr_core.configs.base import EpochConfig


def _cost(config: EpochConfig, sizes: Sizes) -> Cost:
    return Cost.training(config, forget=config.epochs * sizes.forget, remain=config.epochs * sizes.remain)


METHOD = {
    "classifier": MethodSpec(
        id="random-label",
        title="Random label",
        summary="Gives every forget picture one wrong label and trains on everything.",
        order=5,
        config_cls=EpochConfig,
        function="sfr_core.methods.random_label:random_label",
        requires=("Distillable",),
        paper="Golatkar et al., CVPR 2020 (arXiv 1911.04933)",
        parts=Parts(
            forgetting="descent towards fixed wrong labels y′: ∇ℓ(x, y′)",
            remaining="descent on the remain set: g_r",
            manifold="Euclidean: δᵀ δ",
        ),
        cost=_cost,
        presets={
            ANY: {
                **budgets(sources.START, {"lr": 0.01}, {"epochs": 2}, {"epochs": 8}),
                "published": Preset({"lr": 3e-3, "epochs": 10, "lr_schedule": "cosine"}, sources.CIFAR),
            },
            sources.FASHION: {"quick": Preset({"lr": 0.01, "epochs": 4}, sources.TUNED_CLASS)},
            sources.FASHION + SCATTERED: {"quick": Preset({"lr": 0.002, "epochs": 2}, sources.TUNED_TENTH)},
            sources.SWIN: {"published": Preset(sources.SWIN_ADAMW, sources.TINY_IMAGENET)},
        },
    )
}
