"""Random label: one wrong label for each row of the forget set."""

from __future__ import annotations

from dataclasses import dataclass

from sfr_core.catalog.base import ANY, SCATTERED, Cost, MethodSpec, Parts, Preset, Sizes
from sfr_core.catalog.sources import CIFAR, FASHION, START, SWIN, SWIN_ADAMW, TINY_IMAGENET, TUNED_CLASS, TUNED_TENTH
from sfr_core.configs.base import EpochConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomLabelConfig(EpochConfig):
    """Random label (RL): forget rows get one fixed wrong label each, then everything is trained on."""


def _cost(config: RandomLabelConfig, sizes: Sizes) -> Cost:
    return Cost(
        forget=config.epochs * sizes.forget,
        remain=config.epochs * sizes.remain,
        batch=config.batch_size,
        batches=1,
        optimizers=1,
    )


METHOD = {
    "classifier": MethodSpec(
        id="random-label",
        title="Random label",
        summary="Gives every forget picture one wrong label and trains on everything.",
        order=4,
        config_cls=RandomLabelConfig,
        function="sfr_core.methods.random_label:random_label",
        requires=("Distillable", "Redirectable"),
        paper="Golatkar et al., CVPR 2020 (arXiv 1911.04933)",
        parts=Parts(
            forgetting="descent towards fixed wrong labels y′: ∇ℓ(x, y′)",
            remaining="descent on the remain set: g_r",
            manifold="Euclidean: δᵀ δ",
        ),
        cost=_cost,
        presets={
            ANY: {
                "quick": Preset({"lr": 0.01, "epochs": 2}, START),
                "thorough": Preset({"lr": 0.01, "epochs": 8}, START),
                "published": Preset({"lr": 3e-3, "epochs": 10, "lr_schedule": "cosine"}, CIFAR),
            },
            FASHION: {"quick": Preset({"lr": 0.01, "epochs": 2}, TUNED_CLASS)},
            FASHION + SCATTERED: {"quick": Preset({"lr": 0.01, "epochs": 2}, TUNED_TENTH)},
            SWIN: {"published": Preset(SWIN_ADAMW, TINY_IMAGENET)},
        },
    )
}
