"""Selective Synaptic Dampening: weights that matter mostly for the forget set are made smaller."""

from __future__ import annotations

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, SCATTERED, Cost, MethodSpec, Parts, Preset, Sizes, budgets
from sfr_core.configs.base import MethodConfig, checked, main_setting, mask_setting


@checked
class SsdConfig(MethodConfig):
    """SSD: dampen once the weights that matter more for the forget set than for all pictures; nothing is trained."""

    alpha: float = main_setting(
        10.0,
        "Selection",
        "A weight is chosen where it matters so many times more for the forget set than for all pictures. Higher chooses fewer, and none above all pictures divided by the forgotten ones (10 for a tenth).",
        symbol="α",
        low=0.0,
        high=1e6,
        up="keeps",
    )
    lam: float = main_setting(
        1.0,
        "Dampening",
        "A chosen weight is multiplied by λ times its importance for all pictures over that for the forget set, at most by 1. Higher dampens less.",
        symbol="λ",
        low=0.0,
        high=1e6,
        up="keeps",
    )
    fisher_batches: int | None = mask_setting(
        None,
        "Fisher batches",
        "More give a steadier choice and take longer. Empty: one whole pass over either set.",
        low=1,
        high=100000,
    )
    fisher_batch_size: int = mask_setting(
        128, "Fisher batch size", "More average out single pictures, and need more memory.", low=1, high=1024
    )


def _cost(config: SsdConfig, sizes: Sizes) -> Cost:
    limit = float("inf") if config.fisher_batches is None else config.fisher_batches * config.fisher_batch_size
    return Cost(
        fisher=min(sizes.forget, limit) + min(sizes.remain, limit),
        masks=1,
        fishers=2,
        fisher_batch=config.fisher_batch_size,
    )


METHOD = {
    "classifier": MethodSpec(
        id="ssd",
        title="SSD",
        summary="Makes the weights smaller that matter mostly for the forget set, once and without training.",
        order=17,
        config_cls=SsdConfig,
        function="sfr_core.methods.ssd:ssd",
        requires=("Distillable",),
        paper="Foster et al., AAAI 2024 (arXiv 2308.07707)",
        parts=Parts(
            mask="ratio of the diagonal Fishers of forget set and all pictures, above alpha: F_f / F > α",
            forgetting="dampening in closed form: θ ← min(λ F / F_f, 1) θ",
        ),
        prepares=lambda config: ("fisher", "mask"),
        cost=_cost,
        presets={
            ANY: {
                **budgets(sources.START, {"alpha": 9.0}, {"fisher_batches": 32}, {"fisher_batches": None}),
                "published": Preset(
                    {"alpha": 10.0, "lam": 1.0},
                    "The code of SSD (if-loops/selective-synaptic-dampening, 1a7db5b) for random rows of CIFAR-10, ResNet-18. On a tenth of the pictures or more it chooses no weight and changes nothing.",
                ),
            },
            sources.FASHION: {"quick": Preset({"alpha": 8.5, "fisher_batches": 32}, sources.TUNED_CLASS)},
            sources.FASHION + SCATTERED: {
                "quick": Preset({"alpha": 4.0, "lam": 0.5, "fisher_batches": 32}, sources.TUNED_TENTH),
                "thorough": Preset({"alpha": 4.0}, sources.START),
            },
        },
    )
}
