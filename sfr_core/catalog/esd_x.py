"""ESD on cross-attention: the old model's own guidance, turned round."""

from __future__ import annotations

from typing import Any, Literal

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, FORWARD, Cost, MethodSpec, Parts, Preset, Presets, Sizes, budgets
from sfr_core.configs.base import (
    StepConfig,
    Trainable,
    batch_field,
    checked,
    clip_field,
    forgetting_setting,
    lr_field,
    main_setting,
    part_field,
)


@checked
class EsdConfig(StepConfig):
    """ESD-x: what the concept is asked for moves away from it, by the old model's own guidance turned round."""

    lr: float = lr_field(1e-5)
    batch_size: int = batch_field(1)
    clip: float | None = clip_field(None)
    negative_guidance: float = main_setting(
        1.0,
        "Negative guidance",
        "How far predictions move away from the concept. Higher erases more.",
        symbol="η",
        low=0.0,
        high=100.0,
        up="forgets",
    )
    sample_steps: Literal["10", "20", "25", "50", "100"] = forgetting_setting(
        "50",
        "Sampling steps",
        "Sampler steps for the half-finished pictures that the run learns from. More draw them better and take longer.",
    )
    sample_guidance: float = forgetting_setting(
        3.0,
        "Sampling guidance",
        "How strongly these pictures show the concept. Higher: more strongly.",
        low=0.0,
        high=50.0,
    )
    trainable: Trainable = part_field("cross-attention")


def _cost(config: EsdConfig, sizes: Sizes) -> Cost:
    # The old model answers twice; before, the picture is drawn half way on average, and guidance asks twice a step.
    asked = 2 + (int(config.sample_steps) - 1)
    forget = config.steps * config.batch_size * (1 + FORWARD * asked)
    return Cost.training(config, forget=forget, networks=1)


def presets_of(rate: float, real_rate: float, real_batch: int, thorough_rate: float = 1e-4) -> Presets:
    """Those of both forms of ESD, which differ in their learning rates and in the batches that fit."""
    emoji: dict[str, Any] = {"batch_size": 8, "sample_steps": "10"}
    real: dict[str, Any] = {"lr": real_rate, "batch_size": real_batch}
    return {
        sources.EMOJI_SD: {
            "quick": Preset({**emoji, "lr": rate, "steps": 60}, sources.TWO_RATES),
            "thorough": Preset({**emoji, "lr": thorough_rate, "steps": 240, "sample_steps": "20"}, sources.SMALL),
        },
        ANY: {
            **budgets(sources.REAL_SD, real, {"steps": 60, "sample_steps": "10"}, {"steps": 240, "sample_steps": "20"}),
            "published": Preset(
                {"lr": 1e-5, "steps": 1000, "batch_size": 1, "sample_steps": "50"},
                "ESD as the authors of SFR-on run it (docs/reference.md, section 3.3), with the parts and values of the first published code.",
            ),
        },
    }


METHOD = {
    "text-to-image": MethodSpec(
        id="esd-x",
        title="ESD-x",
        summary="Reverses the original's guidance towards the concept, in the layers that read the prompt.",
        order=12,
        config_cls=EsdConfig,
        function="sfr_core.methods.esd:esd",
        requires=("Promptable",),
        paper="Gandikota et al., ICCV 2023 (arXiv 2303.07345)",
        parts=Parts(
            forgetting="descent towards the old model's prediction beyond the unconditional one: e0(x) − η (e0(x, p) − e0(x))",
            manifold="Euclidean, on cross-attention only: δᵀ δ",
        ),
        cost=_cost,
        presets=presets_of(5e-4, real_rate=7e-5, real_batch=4),
    )
}
