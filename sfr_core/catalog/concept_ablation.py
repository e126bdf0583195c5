"""Concept ablation: the concept's prompts learn to predict what a neutral prompt predicts."""

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
    part_field,
    repair_setting,
    steps_field,
)


@checked
class ConceptAblationConfig(StepConfig):
    """Concept ablation, model-based: the concept's prompts learn to predict what the redirection's predict."""

    lr: float = lr_field(2e-6)
    steps: int = steps_field(100)
    batch_size: int = batch_field(8)
    clip: float | None = clip_field(None)
    teacher: Literal["live", "frozen"] = forgetting_setting(
        "live",
        "Teacher",
        "Who shows what to predict: the model as it is now (live; published), or the original (frozen).",
    )
    prior_weight: float = repair_setting(
        1.0,
        "Weight of the regularisation",
        "How much the pictures of the replacement count in training. Higher keeps them better.",
        low=0.0,
        high=1e4,
        up="keeps",
    )
    trainable: Trainable = part_field("keys-values")


def _cost(config: ConceptAblationConfig, sizes: Sizes) -> Cost:
    each, regularised = config.steps * config.batch_size, int(config.prior_weight != 0)
    return Cost.training(
        config,
        forget=each * (1 + FORWARD),
        remain=each * regularised,
        batches=1 + regularised,
        networks=int(config.teacher == "frozen"),
    )


_FROZEN: dict[str, Any] = {"clip": 1.0, "teacher": "frozen"}
PRESETS: Presets = {
    sources.EMOJI_SD: {
        "quick": Preset({**_FROZEN, "lr": 1e-3, "steps": 60, "batch_size": 32}, sources.TWO_RATES),
        "thorough": Preset({**_FROZEN, "lr": 2e-4, "steps": 240, "batch_size": 32}, sources.SMALL),
    },
    ANY: {**budgets(sources.REAL_SD, {**_FROZEN, "lr": 7e-5, "batch_size": 4}, {"steps": 60}, {"steps": 240}), "published": Preset(
            {
                "optimizer": "adamw", "weight_decay": 0.01, "lr": 8e-6, "steps": 200, "batch_size": 4, "clip": 1.0,
                "prior_weight": 0.0,
            },
            "The code of concept ablation (nupurkmr9/concept-ablation, diffusers/README.md): objects and styles, one GPU; its rate of 2e-6 is there "
            "multiplied by the batch of 4, and what the redirection asks for is not trained on besides.",
        ),},
}  # fmt: skip

METHOD = {
    "text-to-image": MethodSpec(
        id="concept-ablation",
        title="Concept ablation",
        summary="Teaches the concept's prompts to predict what a neutral prompt predicts, on pictures of the neutral one.",
        order=15,
        config_cls=ConceptAblationConfig,
        function="sfr_core.methods.concept_ablation:concept_ablation",
        requires=("Promptable",),
        paper="Kumari et al., ICCV 2023 (arXiv 2303.13516)",
        parts=Parts(
            forgetting="descent towards the answer to a neutral prompt p′, on its pictures: ∇‖e(x, p) − e(x, p′)‖²",
            remaining="descent on the pictures of the neutral prompt: ∇ℓ(x, p′)",
            manifold="Euclidean, on keys and values of the text only: δᵀ δ",
        ),
        cost=_cost,
        presets=PRESETS,
        redirects=True,
    )
}
