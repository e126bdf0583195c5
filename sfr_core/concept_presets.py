"""Hyper-parameters for text-to-image models with their sources. No torch here."""

from __future__ import annotations

from typing import Any

from sfr_core.configs import Preset
from sfr_core.generator_presets import ANY, TWO_RATES

EMOJI_SD = "emoji-sd"
AUTHORS = (
    "The authors' code (K1nght/Unified-Unlearning-w-Remain-Geometry, 36bb7f6) for Stable Diffusion 1.4, with the mask "
    "really applied, which it is not there; the threshold of the mask is not published, 1 is that of its other runs. It repairs on pictures of "
    "other things, not of the redirection alone, and on fewer."
)
ESD = "ESD as the authors of SFR-on run it (docs/reference.md, section 3.3), with the parts and values of the first published code."
UCE = "The code of UCE (rohitgandikota/unified-concept-editing) as of 2025: weights 1 and 1, pull 0.5, last words."
ABLATION = (
    "The code of concept ablation (nupurkmr9/concept-ablation, diffusers/README.md): objects and styles, one GPU; its rate of 2e-6 is there "
    "multiplied by the batch of 4, and what the redirection asks for is not trained on besides."
)
SALUN = (
    "The code of SalUn (OPTML-Group/Unlearn-Saliency) for nudity: as many steps as 800 pictures of either kind take once through, here on "
    "the fewer that the model draws of itself before the run; the mask from the guided loss."
)
HELD_OUT = (
    "Tuned on the shipped model with a run's seed and noise that no table uses, forgetting cat, flags and google style (docs/adr/0030, 0034 and 0041), "
    "with two losses of ours: the redirection counts what share of the way is left, and the repair asks for what the model said before, more where "
    "more is noise. The last steps only repair, as do all after 2 % of the way are left."
)
START = "A first guess from the published values, shortened to a small model; not tuned yet."
REAL = (
    "A first guess from the published values, which never ran on a real Stable Diffusion here: batches that by this program's count fit "
    "a card of 24 GB with Stable Diffusion 1.x, and with sparing memory, 8-bit Adam and cross-attention one of 16 GB; the learning rate of "
    "our small models, lowered with the root of the batch."
)

_ADAM: dict[str, Any] = {"optimizer": "adam", "weight_decay": 0.0}
_SFRON: dict[str, Any] = {
    **_ADAM, "forget_every": 1, "forget_loss": "redirect", "adaptive": False, "alpha": 1.0, "alpha_schedule": "constant",
    "gamma": 1.0, "clip_forget": None, "clip_remain": None, "fisher_clip": None, "lr_schedule": "constant",
    "slow_beta": 1.0, "trainable": "full",
}  # fmt: skip
_SHIPPED: dict[str, Any] = {
    **_SFRON, "lr": 3e-3, "lr_schedule": "cosine", "forget_loss": "relative", "remain_loss": "recall", "recall_weights": "noise", "gamma": 0.1,
    "clip_forget": 1.0, "clip_remain": 1.0, "fisher_batch_size": 32, "trainable": "keys-values",
}  # fmt: skip
_REPAIRED: dict[str, Any] = {**_SHIPPED, "lr_warmup": 10, "forget_down_to": 0.02}
_QUICK: dict[str, Any] = {**_ADAM, "batch_size": 32, "clip": 1.0}

CONCEPT_PRESETS: dict[str, dict[str, dict[str, Preset]]] = {
    "sfr-on": {
        EMOJI_SD: {
            "quick": Preset(
                {**_REPAIRED, "steps": 110, "forget_steps": 80, "batch_size": 32, "fisher_batches": 6}, HELD_OUT
            ),
            "thorough": Preset(
                {**_REPAIRED, "steps": 330, "forget_steps": 240, "batch_size": 48, "fisher_batches": 12},
                "The quick values with three times the steps, larger batches and a mask from twice the pictures; not tuned by itself.",
            ),
        },
        ANY: {
            "quick": Preset(
                {
                    **_SFRON, "lr": 7e-5, "lr_schedule": "cosine", "steps": 60, "batch_size": 4, "clip_forget": 1.0,
                    "clip_remain": 1.0, "fisher_batches": 24, "fisher_batch_size": 2,
                },
                REAL,
            ),
            "thorough": Preset(
                {
                    **_SFRON, "lr": 7e-5, "lr_schedule": "cosine", "steps": 180, "batch_size": 4, "clip_forget": 1.0,
                    "clip_remain": 1.0, "fisher_batches": 48, "fisher_batch_size": 2,
                },
                REAL,
            ),
            "published": Preset(
                {
                    **_SFRON, "lr": 1e-5, "steps": 1000, "batch_size": 2, "fisher_batches": None,
                    "fisher_batch_size": 8,
                },
                AUTHORS,
            ),
        },
    },
    "finetune": {
        EMOJI_SD: {
            "quick": Preset({**_QUICK, "lr": 1e-4, "steps": 60}, START),
            "thorough": Preset({**_QUICK, "lr": 1e-4, "steps": 240}, START),
        },
        ANY: {
            "quick": Preset({**_QUICK, "lr": 3.5e-5, "steps": 60, "batch_size": 4}, REAL),
            "thorough": Preset({**_QUICK, "lr": 3.5e-5, "steps": 240, "batch_size": 4}, REAL),
            "published": Preset({**_ADAM, "lr": 1e-5, "steps": 1000, "batch_size": 2, "clip": None},
                "The optimiser of the authors' run of SFR-on on Stable Diffusion 1.4; they show no fine-tuning of it."),
        },
    },
    "gradient-ascent": {
        EMOJI_SD: {
            "quick": Preset({**_QUICK, "lr": 2e-5, "steps": 40}, START),
            "thorough": Preset({**_QUICK, "lr": 1e-5, "steps": 120}, START),
        },
        ANY: {
            "quick": Preset({**_QUICK, "lr": 7e-6, "steps": 40, "batch_size": 4}, REAL),
            "thorough": Preset({**_QUICK, "lr": 3.5e-6, "steps": 120, "batch_size": 4}, REAL),
            "published": Preset({**_ADAM, "lr": 1e-5, "steps": 500, "batch_size": 8, "clip": None},
                "SalUn's script of gradient ascent for Imagenette classes: learning rate 1e-5, 5 epochs of 800 pictures."),
        },
    },
    "salun": {
        EMOJI_SD: {
            "quick": Preset({**_QUICK, "lr": 1e-4, "steps": 60, "saliency_batches": 4}, TWO_RATES),
            "thorough": Preset({**_QUICK, "lr": 1e-4, "steps": 240, "saliency_batches": 12}, START),
        },
        ANY: {  # two passes wait for one backward pass, so that only single pictures fit beside all states of the U-Net
            "quick": Preset({**_QUICK, "lr": 2e-5, "steps": 60, "batch_size": 1, "saliency_batches": 48}, REAL),
            "thorough": Preset({**_QUICK, "lr": 2e-5, "steps": 240, "batch_size": 1, "saliency_batches": 96}, REAL),
            "published": Preset(
                {
                    **_ADAM, "lr": 1e-5, "steps": 100, "batch_size": 8, "forget_weight": 1.0, "remain_weight": 0.1,
                    "mask_fraction": 0.5, "saliency_batches": None, "saliency_clip": None, "clip": None,
                },
                SALUN,
            ),
        },
    },
    "esd-x": {
        EMOJI_SD: {
            "quick": Preset({**_ADAM, "lr": 5e-4, "steps": 60, "batch_size": 8, "sample_steps": "10"}, TWO_RATES),
            "thorough": Preset({**_ADAM, "lr": 1e-4, "steps": 240, "batch_size": 8, "sample_steps": "20"}, START),
        },
        ANY: {
            "quick": Preset({**_ADAM, "lr": 7e-5, "steps": 60, "batch_size": 4, "sample_steps": "10"}, REAL),
            "thorough": Preset({**_ADAM, "lr": 7e-5, "steps": 240, "batch_size": 4, "sample_steps": "20"}, REAL),
            "published": Preset({**_ADAM, "lr": 1e-5, "steps": 1000, "batch_size": 1, "sample_steps": "50"}, ESD),
        },
    },
    "esd-u": {
        EMOJI_SD: {
            "quick": Preset({**_ADAM, "lr": 1e-4, "steps": 60, "batch_size": 8, "sample_steps": "10"}, TWO_RATES),
            "thorough": Preset({**_ADAM, "lr": 1e-4, "steps": 240, "batch_size": 8, "sample_steps": "20"}, START),
        },
        ANY: {
            "quick": Preset({**_ADAM, "lr": 5e-5, "steps": 60, "batch_size": 2, "sample_steps": "10"}, REAL),
            "thorough": Preset({**_ADAM, "lr": 5e-5, "steps": 240, "batch_size": 2, "sample_steps": "20"}, REAL),
            "published": Preset({**_ADAM, "lr": 1e-5, "steps": 1000, "batch_size": 1, "sample_steps": "50"}, ESD),
        },
    },
    "uce": {
        ANY: {
            "quick": Preset({}, "The published weights, on whole prompts: here a concept's name is seldom its last word."),
            "thorough": Preset({"lam": 0.1}, "The quick values with a weaker pull to the old weights; not tuned."),
            "published": Preset({"tokens": "last"}, UCE),
        },
    },
    "concept-ablation": {
        EMOJI_SD: {
            "quick": Preset({**_QUICK, "lr": 1e-3, "steps": 60, "teacher": "frozen"}, TWO_RATES),
            "thorough": Preset({**_QUICK, "lr": 2e-4, "steps": 240, "teacher": "frozen"}, START),
        },
        ANY: {
            "quick": Preset({**_QUICK, "lr": 7e-5, "steps": 60, "batch_size": 4, "teacher": "frozen"}, REAL),
            "thorough": Preset({**_QUICK, "lr": 7e-5, "steps": 240, "batch_size": 4, "teacher": "frozen"}, REAL),
            "published": Preset(
                {
                    **_ADAM, "optimizer": "adamw", "weight_decay": 0.01, "lr": 8e-6, "steps": 200, "batch_size": 4,
                    "clip": 1.0, "prior_weight": 0.0,
                },
                ABLATION,
            ),
        },
    },
}  # fmt: skip
"""Presets of text-to-image models by method, then by model (ANY: all others), then by name."""
