"""L1-sparse: fine-tuning that pulls weights to zero, less and less."""

from __future__ import annotations

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, SCATTERED, Cost, MethodSpec, Parts, Preset, Sizes, budgets
from sfr_core.configs.base import EpochConfig, checked, forgetting_setting


@checked
class L1SparseConfig(EpochConfig):
    """L1-sparse: fine-tuning on the remain set with a fading L1 penalty on all weights."""

    l1: float = forgetting_setting(
        1e-4,
        "Pull to zero",
        "How hard every weight is pulled to zero in the first epoch; it falls with every epoch. Higher forgets more and harms more.",
        symbol="γ",
        low=0.0,
        high=1.0,
        up="forgets",
    )
    plain_epochs: int = forgetting_setting(
        0,
        "Epochs without pull",
        "So many epochs at the end are plain fine-tuning. More repair more.",
        low=0,
        high=500,
        up="keeps",
    )


def _cost(config: L1SparseConfig, sizes: Sizes) -> Cost:
    return Cost.training(config, remain=config.passes(sizes.remain))


METHOD = {
    "classifier": MethodSpec(
        id="l1-sparse",
        title="L1-sparse",
        summary="Fine-tunes on the remain set while a fading force pulls every weight to zero.",
        order=18,
        config_cls=L1SparseConfig,
        function="sfr_core.methods.l1_sparse:l1_sparse",
        paper="Jia et al., NeurIPS 2023 (arXiv 2304.04934)",
        parts=Parts(
            forgetting="fading pull of all weights to zero: γ (1 − e/E) sign(θ) in epoch e of E, from 0",
            remaining="descent on the remain set, in the same step: g_r",
            manifold="Euclidean: δᵀ δ",
        ),
        cost=_cost,
        presets={
            ANY: {
                **budgets(sources.START, {"lr": 0.05, "l1": 2e-4}, {"epochs": 2}, {"epochs": 8}),
                "published": Preset(
                    {"lr": 0.01, "epochs": 10, "lr_schedule": "constant", "l1": 1e-4},
                    "The values of Scissorhands' authors for this rival (JingWu321/Scissorhands) on CIFAR-10, ResNet-18; the method's own "
                    "code leaves its strength to the caller.",
                ),
            },
            sources.FASHION: {"quick": Preset({"lr": 0.05, "l1": 5e-4, "epochs": 2}, sources.TUNED_CLASS)},
            sources.FASHION + SCATTERED: {"quick": Preset({"lr": 0.02, "l1": 5e-4, "epochs": 2}, sources.TUNED_TENTH)},
        },
    )
}
