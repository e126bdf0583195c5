"""MUpHT: a layer no longer sees the directions that its forget inputs lie in."""

from __future__ import annotations

from typing import Literal

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, FORWARD, SCATTERED, Cost, MethodSpec, Parts, Preset, Sizes, budgets
from sfr_core.configs.base import (
    MethodConfig,
    batch_field,
    checked,
    forgetting_setting,
    main_setting,
    repair_setting,
    setting,
)


@checked
class MuphtConfig(MethodConfig):
    """MUpHT: takes from a layer's weights what they see of the forget set's main directions; nothing is trained."""

    directions: int = main_setting(
        1,
        "Directions",
        "How many directions of its inputs each layer loses. More forget more and harm more.",
        symbol="d_f",
        low=1,
        high=10000,
        up="forgets",
    )
    weight: float = main_setting(
        1.0,
        "Share removed",
        "How much of each direction is taken away. 1 takes all, higher turns it round.",
        low=0.0,
        high=10.0,
    )
    layers: Literal["last", "all"] = forgetting_setting(
        "last", "Layers", "The last linear layer (published code), or every linear layer and convolution."
    )
    retain_aware: bool = repair_setting(
        False,
        "Spare what remains",
        "On: it takes the directions that matter much for the forget set and little for the remain set. Off: it never looks at the remain set.",
    )
    ridge: float = repair_setting(
        1.0,
        "Least remain share",
        "Least importance that any direction has for the remain set, as a share of the mean. Higher trusts rare directions less.",
        low=1e-9,
        high=100.0,
    )
    batches: int | None = setting(
        16,
        "Batches",
        "From how many batches of a set its directions are read. More are steadier. Empty: a whole pass.",
        low=1,
        high=100000,
    )
    batch_size: int = batch_field(128)


def _cost(config: MuphtConfig, sizes: Sizes) -> Cost:
    limit = float("inf") if config.batches is None else config.batches * config.batch_size
    remain = FORWARD * min(sizes.remain, limit) if config.retain_aware else 0.0
    return Cost(forget=FORWARD * min(sizes.forget, limit), remain=remain, batch=config.batch_size)


METHOD = {
    "classifier": MethodSpec(
        id="mupht",
        title="MUpHT",
        summary="Blinds a layer to the main directions of forgotten pictures, once and without training.",
        order=21,
        config_cls=MuphtConfig,
        function="sfr_core.methods.mupht:mupht",
        paper="Qian et al., CVPR 2026 (pH-Strips for Selective Forgetting)",
        parts=Parts(
            forgetting="projection in closed form, U_f the main directions of the layer's forget inputs: W ← W − W U_f U_fᵀ",
            remaining="where it spares what remains: directions with the largest uᵀ C_f u / uᵀ (C_r + ρ I) u, by that share, at most wholly",
        ),
        cost=_cost,
        presets={
            ANY: {
                **budgets(sources.START, {"retain_aware": True, "directions": 3}, {"batches": 16}, {"batches": None}),
                "published": Preset(
                    {"directions": 1, "weight": 1.0, "layers": "last", "batches": None},
                    "The starting values of the authors' code (Chengyao22/MUpHT, 066d633), which is made for CIFAR-10 and ResNet-18.",
                ),
            },
            sources.FASHION: {
                "quick": Preset({"retain_aware": True, "directions": 1, "batches": 16}, sources.TUNED_CLASS)
            },
            sources.FASHION + SCATTERED: {
                "quick": Preset({"retain_aware": False, "directions": 1, "batches": 16}, sources.TUNED_TENTH)
            },
        },
    )
}
