"""Hyper-parameters for latent diffusion transformers with their sources. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfr_core.configs import Preset
from sfr_core.generator_presets import ANY, TWO_RATES

EMOJI_DIT = "emoji-dit"
AUTHORS = (
    "The authors' code (K1nght/Unified-Unlearning-w-Remain-Geometry, 36bb7f6) for DiT-XL/2 on ImageNet: plain ascent of constant "
    "strength, since it reads neither its weights nor its fading; 2,000 single pictures for each Fisher, here once all that the model drew of itself. The "
    "threshold of its mask is a list there, from 0.5 to 10."
)
NONE_PUBLISHED = "The optimiser of the authors' DiT runs; their code runs no other method than SFR-on on DiT."
HELD_OUT = (
    "Tuned on the shipped model with a run's seed and noise that no table uses, forgetting birds, clocks, flags and hearts (docs/adr/0030, 0035), "
    "with two losses of ours: towards the farthest category's answer by the share of the way that is left, and a repair towards what the model "
    "said before, which counts more where more is noise."
)
START = "A first guess from the published values, shortened to a small model; not tuned yet."
REAL = (
    "A first guess from the published values, which never ran on a real DiT here: batches that by this program's count fit a card of 24 GB "
    "with DiT-XL/2; the published learning rate, or that of our small model lowered with the root of the batch."
)
FALLING = " On a toy transformer of twelve made-up classes and batches of 64, three times that rate harmed the others."
EIGHT_BIT = " There only with 8-bit optimiser states: Fisher, start weights and penalty are three more copies."

_ADAMW: dict[str, Any] = {"optimizer": "adamw", "weight_decay": 0.0}
_SFRON: dict[str, Any] = {
    **_ADAMW, "forget_every": 1, "adaptive": False, "alpha_schedule": "constant", "clip_forget": 1.0, "clip_remain": None,
    "fisher_clip": None, "lr_schedule": "constant", "slow_beta": 1.0,
}  # fmt: skip
_SHIPPED: dict[str, Any] = {
    **_SFRON, "forget_loss": "relative", "other": "farthest", "remain_loss": "recall", "recall_weights": "noise", "lr": 2e-4, "lr_schedule": "cosine", "batch_size": 64,
    "alpha": 1.0, "gamma": 1.0, "clip_remain": 1.0, "fisher_batch_size": 32,
}  # fmt: skip
_QUICK: dict[str, Any] = {**_ADAMW, "batch_size": 64, "clip": 1.0}
_ONE: dict[str, Any] = {**_ADAMW, "lr": 1e-4, "steps": 600, "batch_size": 1, "clip": 1.0}

DIT_PRESETS: dict[str, dict[str, dict[str, Preset]]] = {
    "sfr-on": {
        EMOJI_DIT: {
            "quick": Preset({**_SHIPPED, "steps": 60, "fisher_batches": 4}, HELD_OUT),
            "thorough": Preset(
                {**_SHIPPED, "steps": 180, "fisher_batches": 16},
                "The quick values with three times the steps and a mask from four times the pictures; not tuned by itself.",
            ),
        },
        ANY: {
            "quick": Preset(
                {
                    **_SFRON, "lr": 1e-4, "lr_schedule": "cosine", "steps": 60, "batch_size": 16, "alpha": 1.0, "gamma": 1.0,
                    "clip_remain": 1.0, "fisher_batches": 8, "fisher_batch_size": 16,
                },
                REAL + FALLING,
            ),
            "thorough": Preset(
                {
                    **_SFRON, "lr": 1e-4, "lr_schedule": "cosine", "steps": 200, "forget_every": 2, "batch_size": 16,
                    "alpha": 1.0, "gamma": 1.0, "clip_remain": 1.0, "fisher_batches": 32, "fisher_batch_size": 16,
                },
                REAL + FALLING,
            ),
            "published": Preset(
                {
                    **_SFRON, "lr": 1e-4, "steps": 600, "batch_size": 1, "alpha": 1e-3, "gamma": 1.0,
                    "fisher_batches": 2000, "fisher_batch_size": 1,
                },
                AUTHORS,
            ),
        },
    },
    "retrain": {
        EMOJI_DIT: {
            "quick": Preset({**_QUICK, "lr": 3e-4, "steps": 20000}, START),
            "thorough": Preset({**_QUICK, "lr": 3e-4, "steps": 100000}, START),
        },
        ANY: {
            "quick": Preset({**_QUICK, "lr": 1.5e-4, "steps": 20000, "batch_size": 16}, REAL),
            "thorough": Preset({**_QUICK, "lr": 1.5e-4, "steps": 100000, "batch_size": 16}, REAL),
            "published": Preset({**_ADAMW, "lr": 1e-4, "steps": 400000, "batch_size": 256, "clip": 1.0},
                "Peebles and Xie 2023 (arXiv 2212.09748): AdamW 1e-4, batch 256, 400,000 steps; their moving average of the "
                "weights is missing here, and they clip no gradient."),
        },
    },
    "finetune": {
        EMOJI_DIT: {
            "quick": Preset({**_QUICK, "lr": 3e-4, "steps": 100}, START),
            "thorough": Preset({**_QUICK, "lr": 3e-4, "steps": 400}, START),
        },
        ANY: {
            "quick": Preset({**_QUICK, "lr": 1.5e-4, "steps": 100, "batch_size": 16}, REAL),
            "thorough": Preset({**_QUICK, "lr": 1.5e-4, "steps": 400, "batch_size": 16}, REAL),
            "published": Preset(_ONE, NONE_PUBLISHED),
        },
    },
    "gradient-ascent": {
        EMOJI_DIT: {
            "quick": Preset({**_QUICK, "lr": 3e-5, "steps": 50}, START),
            "thorough": Preset({**_QUICK, "lr": 1e-5, "steps": 150}, START),
        },
        ANY: {
            "quick": Preset({**_QUICK, "lr": 1.5e-5, "steps": 50, "batch_size": 16}, REAL),
            "thorough": Preset({**_QUICK, "lr": 5e-6, "steps": 150, "batch_size": 16}, REAL),
            "published": Preset(_ONE, NONE_PUBLISHED),
        },
    },
    "joint": {
        EMOJI_DIT: {
            "quick": Preset({**_QUICK, "lr": 3e-5, "steps": 60, "alpha": 0.5}, TWO_RATES),
            "thorough": Preset({**_QUICK, "lr": 1e-4, "steps": 200, "alpha": 0.5}, START),
        },
        ANY: {
            "quick": Preset({**_QUICK, "lr": 3.5e-5, "steps": 60, "batch_size": 8, "alpha": 0.5}, REAL),
            "thorough": Preset({**_QUICK, "lr": 3.5e-5, "steps": 200, "batch_size": 8, "alpha": 0.5}, REAL),
            "published": Preset({**_ONE, "alpha": 1e-3, "alpha_schedule": "constant"}, NONE_PUBLISHED),
        },
    },
    "salun": {
        EMOJI_DIT: {
            "quick": Preset({**_QUICK, "lr": 1e-4, "steps": 60, "remain_weight": 1.0, "saliency_batches": 4}, TWO_RATES),
            "thorough": Preset({**_QUICK, "lr": 3e-4, "steps": 200, "remain_weight": 1.0, "saliency_batches": 16}, START),
        },
        ANY: {
            "quick": Preset({**_QUICK, "lr": 1e-4, "steps": 60, "batch_size": 8, "remain_weight": 1.0, "saliency_batches": 16}, REAL),
            "thorough": Preset({**_QUICK, "lr": 1e-4, "steps": 200, "batch_size": 8, "remain_weight": 1.0, "saliency_batches": 64}, REAL),
            "published": Preset({**_ONE, "remain_weight": 1.0},
                NONE_PUBLISHED + " The published table gives SalUn's results on DiT, but not its settings."),
        },
    },
    "selective-amnesia": {
        EMOJI_DIT: {
            "quick": Preset({**_QUICK, "lr": 3e-4, "steps": 60, "fisher_images": 20}, START),
            "thorough": Preset({**_QUICK, "lr": 3e-4, "steps": 400, "fisher_images": 50}, START),
        },
        ANY: {
            "quick": Preset({**_QUICK, "lr": 7e-5, "steps": 60, "batch_size": 4, "fisher_images": 20}, REAL + EIGHT_BIT),
            "thorough": Preset({**_QUICK, "lr": 7e-5, "steps": 400, "batch_size": 4, "fisher_images": 50}, REAL + EIGHT_BIT),
            "published": Preset({**_ONE, "ewc_weight": 10.0},
                NONE_PUBLISHED + " The published table gives the results of Selective Amnesia on DiT, but not its settings."),
        },
    },
    "random-embedding": {
        ANY: {
            name: Preset({}, "The paper's proxy of a retrained DiT; how its random embedding was drawn is not published.")
            for name in ("quick", "thorough", "published")
        },
    },
}  # fmt: skip
"""Presets by method, then by model (ANY: all others), then by name."""

WEIGHED = 8
"""Pictures of a batch, at least, whose adaptive weights can differ; the published batch is one."""


def as_in_the_paper(preset: Mapping[str, Any]) -> dict[str, Any]:
    """What the variant "paper" of SFR-on changes in a preset's values beside what it changes everywhere.

    Adaptive weights of batches, with the DDPM's values, which the published DiT code leaves out. A loss that moves to another
    answer has none: they push hardest where it has already arrived (docs/adr/0024).
    """
    if preset.get("forget_loss", "ascent") != "ascent":
        return {"weight_scope": "batch", "mask": True}
    return {
        "weight_scope": "batch", "adaptive": True, "lam": 0.5, "weight_eps": 1e-8, "mask": True,
        "batch_size": max(WEIGHED, preset["batch_size"]),
    }  # fmt: skip
