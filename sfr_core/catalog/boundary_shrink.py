"""Boundary shrink: forgotten pictures get the label of their nearest other class."""

from __future__ import annotations

from typing import Any

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, FORWARD, SCATTERED, Cost, MethodSpec, Parts, Preset, Sizes, budgets
from sfr_core.configs.base import EpochConfig, checked, decay_field, forgetting_setting


@checked
class BoundaryShrinkConfig(EpochConfig):
    """Boundary shrink (BS): every forget row learns the class across its nearest boundary."""

    weight_decay: float = decay_field(0.0)
    reach: float = forgetting_setting(
        0.1,
        "Reach",
        "How far each pixel moves to find the nearest other class, as a share of black to white. Higher looks further away.",
        symbol="ε",
        low=0.001,
        high=1.0,
    )
    keep_statistics: bool = forgetting_setting(
        False,
        "Keep BatchNorm statistics",
        "On: BatchNorm goes on with the statistics of all pictures. Off (published): it learns those of the forget set.",
    )


def _cost(config: BoundaryShrinkConfig, sizes: Sizes) -> Cost:
    # The original sees every picture twice: forward and backward to the pixels, then forward.
    return Cost.training(config, forget=config.passes(sizes.forget) * (2 + FORWARD), networks=1)


_CONSTANT: dict[str, Any] = {"lr_schedule": "constant"}
_KEPT: dict[str, Any] = {**_CONSTANT, "keep_statistics": True}
METHOD = {
    "classifier": MethodSpec(
        id="boundary-shrink",
        title="Boundary shrink",
        summary="Teaches every forgotten picture the label of the nearest other class.",
        order=19,
        config_cls=BoundaryShrinkConfig,
        function="sfr_core.methods.boundary_shrink:boundary_shrink",
        requires=("Distillable",),
        paper="Chen et al., CVPR 2023 (arXiv 2303.11570)",
        parts=Parts(
            forgetting="descent towards the nearest other class: ∇ℓ(x, y′), y′ = argmax over c ≠ y of p_θ0(x + ε sign ∇_x ℓ(x, y; θ0))",
            manifold="Euclidean: δᵀ δ",
        ),
        cost=_cost,
        presets={
            ANY: {
                **budgets(sources.START, {**_KEPT, "lr": 3e-5}, {"epochs": 3}, {"epochs": 9}),
                "published": Preset(
                    {**_CONSTANT, "lr": 5e-5, "epochs": 20},
                    "The values of DELETE's authors for this rival (shaaaaron/DELETE, 049eb0c) on CIFAR-10, ResNet-18, a whole class.",
                ),
            },
            sources.FASHION: {"quick": Preset({**_KEPT, "lr": 1e-5, "epochs": 9}, sources.TUNED_CLASS)},
            sources.FASHION + SCATTERED: {
                "quick": Preset({**_KEPT, "lr": 3e-6, "epochs": 3}, sources.TUNED_TENTH),
                "thorough": Preset({**_KEPT, "lr": 1e-5, "epochs": 6}, sources.START),
            },
        },
        redirects=True,
    )
}
