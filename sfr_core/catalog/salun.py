"""SalUn: wrong answers behind a saliency mask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, SCATTERED, Cost, MethodSpec, Parts, Preset, Presets, Sizes, budgets
from sfr_core.configs.base import (
    EpochConfig,
    StepConfig,
    Trainable,
    checked,
    lr_field,
    main_setting,
    mask_field,
    mask_setting,
    part_field,
    setting,
)


@checked
class SalUnConfig(EpochConfig):
    """SalUn: random label, with every gradient multiplied by a saliency mask."""

    mask_fraction: float = mask_field(0.2)


@checked
class SalUnJointConfig(StepConfig):
    """SalUn for generators: redirection and remain loss in one step, behind a saliency mask (docs/reference.md, section 3.2)."""

    lr: float = lr_field(1e-5)
    forget_weight: float = main_setting(
        1.0,
        "Weight of redirection",
        "How much moving to another answer counts in each step. Higher forgets more.",
        low=0.0,
        high=1e4,
        up="forgets",
    )
    remain_weight: float = main_setting(
        1e-3,
        "Weight of remaining",
        "How much everything else counts in each step. Higher keeps it better.",
        low=0.0,
        high=1e4,
        up="keeps",
    )
    mask_fraction: float = mask_field(0.5)
    saliency_batches: int | None = mask_setting(
        None,
        "Mask batches",
        "Batches that choose the weights of the mask. More choose more reliably and take longer. Empty: the whole forget set once.",
        low=1,
        high=100000,
    )
    saliency_clip: float | None = mask_setting(
        1.0,
        "Saliency clip",
        "Longest gradient of a batch when the mask is made; longer ones are shortened to it. Higher shortens fewer. Empty: no limit.",
        low=1e-9,
        high=1e9,
    )
    clip: float | None = setting(
        1.0,
        "Clip",
        "Longest gradient that is used, before the mask; longer ones are shortened to it. Higher allows larger steps. Empty: no limit.",
        low=1e-9,
        high=1e9,
    )


@checked
class ConceptSalUnConfig(SalUnJointConfig):
    """SalUn for a concept: redirection and remain loss in one step, behind a saliency mask (docs/reference.md, section 3.3)."""

    remain_weight: float = main_setting(
        0.1,
        "Weight of remaining",
        "How much everything else counts in each step. Higher keeps it better.",
        low=0.0,
        high=1e4,
        up="keeps",
    )
    trainable: Trainable = part_field("full")


def _cost(config: SalUnConfig, sizes: Sizes) -> Cost:
    return Cost.training(
        config,
        forget=config.epochs * sizes.forget,
        remain=config.epochs * sizes.remain,
        fisher=sizes.forget,
        masks=1,
        fishers=1,
        fisher_batch=config.batch_size,
    )


def _cost_in_steps(config: SalUnJointConfig, sizes: Sizes) -> Cost:
    limit = float("inf") if config.saliency_batches is None else config.saliency_batches * config.batch_size
    return Cost.training(
        config,
        forget=config.steps * config.batch_size,
        remain=config.steps * config.batch_size,
        fisher=min(sizes.forget, limit),
        batches=2,
        masks=1,
        fishers=1,
        fisher_batch=config.batch_size,
    )


_HALF: dict[str, Any] = {"lr": 0.02, "epochs": 2, "mask_fraction": 0.5}
CLASSIFIER: Presets = {
    ANY: {
        **budgets(sources.START, _HALF, {}, {"epochs": 8}),
        "published": Preset({"lr": 7e-3, "epochs": 10, "lr_schedule": "cosine", "mask_fraction": 0.2}, sources.CIFAR),
    },
    sources.FASHION: {"quick": Preset({**_HALF, "lr": 0.01, "epochs": 4}, sources.TUNED_CLASS)},
    sources.FASHION + SCATTERED: {"quick": Preset({**_HALF, "lr": 0.002}, sources.TUNED_TENTH)},
    sources.SWIN: {"published": Preset({**sources.SWIN_ADAMW, "mask_fraction": 0.5}, sources.TINY_IMAGENET)},
}
DDPM: Presets = {
    sources.FASHION_DDPM: {"quick": Preset({"lr": 1e-4, "steps": 50, "batch_size": 64, "saliency_batches": 4}, sources.TWO_RATES)},
    ANY: {
        **budgets(
            sources.START, {"lr": 1e-4, "batch_size": 64}, {"steps": 50, "saliency_batches": 4},
            {"steps": 200, "saliency_batches": 16},
        ),
        "published": Preset(
            {
                "lr": 1e-5, "steps": 1000, "batch_size": 128, "forget_weight": 1.0, "remain_weight": 1e-3, "mask_fraction": 0.5,
                "saliency_batches": None, "saliency_clip": 1.0, "clip": 1.0,
            },
            sources.DDPM,
        ),
    },
}  # fmt: skip
_DIT: dict[str, Any] = {**sources.DIT_QUICK, "remain_weight": 1.0}
_DIT_REAL: dict[str, Any] = {**_DIT, "lr": 1e-4, "batch_size": 8}
DIT: Presets = {
    sources.EMOJI_DIT: {
        "quick": Preset({**_DIT, "lr": 1e-4, "steps": 60, "saliency_batches": 4}, sources.TWO_RATES),
        "thorough": Preset({**_DIT, "lr": 3e-4, "steps": 200, "saliency_batches": 16}, sources.SMALL),
    },
    ANY: {
        **budgets(
            sources.REAL_DIT, _DIT_REAL, {"steps": 60, "saliency_batches": 16}, {"steps": 200, "saliency_batches": 64}
        ),
        "published": Preset(
            {**sources.DIT_ONE, "remain_weight": 1.0},
            sources.NONE_PUBLISHED + " The published table gives SalUn's results on DiT, but not its settings.",
        ),
    },
}
TEXT_TO_IMAGE: Presets = {
    sources.EMOJI_SD: {
        "quick": Preset({"lr": 1e-4, "steps": 60, "batch_size": 32, "saliency_batches": 4}, sources.TWO_RATES),
        "thorough": Preset({"lr": 1e-4, "steps": 240, "batch_size": 32, "saliency_batches": 12}, sources.SMALL),
    },
    ANY: {  # two passes wait for one backward pass, so that only single pictures fit beside all states of the U-Net
        **budgets(
            sources.REAL_SD, {"lr": 2e-5, "batch_size": 1}, {"steps": 60, "saliency_batches": 48},
            {"steps": 240, "saliency_batches": 96},
        ),
        "published": Preset(
            {
                "lr": 1e-5, "steps": 100, "batch_size": 8, "forget_weight": 1.0, "remain_weight": 0.1, "mask_fraction": 0.5,
                "saliency_batches": None, "saliency_clip": None, "clip": None,
            },
            "The code of SalUn (OPTML-Group/Unlearn-Saliency) for nudity: as many steps as 800 pictures of either kind take once through, here on "
            "the fewer that the model draws of itself before the run; the mask from the guided loss.",
        ),
    },
}  # fmt: skip

_CLASSIFIER = MethodSpec(
    id="salun",
    title="SalUn",
    summary="Random label, but only the weights that matter most for the forget set may follow the gradient.",
    order=7,
    config_cls=SalUnConfig,
    function="sfr_core.methods.salun:salun",
    requires=("Distillable",),
    paper="Fan et al., ICLR 2024 (arXiv 2310.12508)",
    parts=Parts(
        mask="largest share of |forget gradient|, also on remain rows: |Σ g_f| ≥ its quantile",
        forgetting="descent towards fixed wrong labels y′: ∇ℓ(x, y′)",
        remaining="descent on the remain set: g_r",
        manifold="Euclidean: δᵀ δ",
    ),
    prepares=lambda config: ("mask",),
    cost=_cost,
    presets=CLASSIFIER,
    redirects=True,
)
_DDPM = replace(
    _CLASSIFIER,
    summary="Draws another class where the forgotten one is asked for, with the weights that matter most for it.",
    config_cls=SalUnJointConfig,
    function="sfr_core.methods.salun:salun_joint",
    requires=("Redirectable",),
    parts=Parts(
        mask="largest share of |forget gradient|, also on the remain loss: |Σ g_f| ≥ its quantile",
        forgetting="descent towards the answer for another class c′: ∇‖e(x, c) − e(x, c′)‖²",
        remaining="descent on the remain set, in the same step: g_r",
        manifold="Euclidean: δᵀ δ",
    ),
    cost=_cost_in_steps,
    presets=DDPM,
)
METHOD = {
    "classifier": _CLASSIFIER,
    "ddpm": _DDPM,
    "dit": replace(_DDPM, presets=DIT),
    "text-to-image": replace(
        _DDPM,
        summary="Draws what a neutral prompt asks for in place of the concept, and changes only the weights that matter most for it.",
        config_cls=ConceptSalUnConfig,
        parts=replace(
            _DDPM.parts, forgetting="descent towards the answer to a neutral prompt p′: ∇‖e(x, p) − e(x, p′)‖²"
        ),
        presets=TEXT_TO_IMAGE,
    ),
}
