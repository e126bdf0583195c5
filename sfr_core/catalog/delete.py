"""DELETE: the original's own answer without the true class."""

from __future__ import annotations

from typing import Any

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, FORWARD, SCATTERED, Cost, MethodSpec, Parts, Preset, Sizes, budgets
from sfr_core.configs.base import EpochConfig, checked, decay_field, forgetting_setting


@checked
class DeleteConfig(EpochConfig):
    """DELETE: imitate the original on the forget set, with the true class struck out of its answer."""

    weight_decay: float = decay_field(0.0)
    keep_statistics: bool = forgetting_setting(
        False,
        "Keep BatchNorm statistics",
        "On: BatchNorm goes on with the statistics of all pictures. Off (published): it learns those of the forget set.",
    )


def _cost(config: DeleteConfig, sizes: Sizes) -> Cost:
    # The teacher looks at every picture.
    return Cost.training(config, forget=config.passes(sizes.forget) * (1 + FORWARD), networks=1)


_CONSTANT: dict[str, Any] = {"lr_schedule": "constant"}
_KEPT: dict[str, Any] = {**_CONSTANT, "keep_statistics": True}
METHOD = {
    "classifier": MethodSpec(
        id="delete",
        title="DELETE",
        summary="Predicts for forgotten pictures what the original predicts once their true class is left out.",
        order=16,
        config_cls=DeleteConfig,
        function="sfr_core.methods.delete:delete",
        requires=("Distillable",),
        paper="Zhou et al., CVPR 2025 (arXiv 2503.23751)",
        parts=Parts(
            forgetting="descent towards the original's answer without the true class y: ∇KL(softmax(z_θ0 with z_y = −∞) ‖ p_θ)",
            manifold="Euclidean: δᵀ δ",
        ),
        cost=_cost,
        presets={
            ANY: {
                **budgets(sources.START, {**_KEPT, "lr": 3e-5}, {"epochs": 4}, {"epochs": 12}),
                "published": Preset(
                    {**_CONSTANT, "lr": 1e-3, "epochs": 20},
                    "The code of DELETE (shaaaaron/DELETE, 049eb0c) for CIFAR-10, ResNet-18, a whole class.",
                ),
            },
            sources.FASHION: {"quick": Preset({**_KEPT, "lr": 1e-5, "epochs": 12}, sources.TUNED_CLASS)},
            sources.FASHION + SCATTERED: {
                "quick": Preset({**_KEPT, "lr": 3e-6, "epochs": 4}, sources.TUNED_TENTH),
                "thorough": Preset({**_KEPT, "lr": 1e-5, "epochs": 6}, sources.START),
            },
        },
    )
}
