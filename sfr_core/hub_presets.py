"""Hyper-parameters for classifiers that the Hub offers, by method and repository. No torch here."""

from __future__ import annotations

from typing import Any

from sfr_core.configs import Preset

SWIN = "hub:timm/swin_tiny_patch4_window7_224.ms_in1k"
TINY_IMAGENET = (
    "The authors' code (K1nght/Unified-Unlearning-w-Remain-Geometry, 36bb7f6) for TinyImageNet, Swin-T, a random tenth; "
    "chosen there against the retrained model's test metrics."
)
_ADAMW: dict[str, Any] = {"optimizer": "adamw", "weight_decay": 0.05, "batch_size": 128}

HUB_PRESETS: dict[str, dict[str, dict[str, Preset]]] = {
    "sfr-on": {
        SWIN: {
            "published": Preset(
                {
                    **_ADAMW, "lr": 2e-5, "lr_schedule": "cosine", "steps": 500, "forget_every": 1, "alpha": 500.0,
                    "alpha_schedule": "cosine", "lam": 0.6, "weight_eps": 1e-15, "gamma": 1.0, "clip_forget": 7.0,
                    "clip_remain": None, "slow_beta": 1.0, "fisher_batches": None, "fisher_batch_size": 128,
                },
                TINY_IMAGENET,
            )
        }
    },
    "retrain": {
        SWIN: {
            "published": Preset(
                {
                    **_ADAMW, "lr": 1e-4, "epochs": 10, "lr_schedule": "cosine", "warmup": 0.0, "nesterov": False,
                    "shift": 0, "shift_share": 0.0,
                },
                TINY_IMAGENET + " There it starts from ImageNet's weights, here from fresh ones.",
            )
        }
    },
    "finetune": {SWIN: {"published": Preset({**_ADAMW, "lr": 1e-4, "epochs": 1}, TINY_IMAGENET)}},
    "gradient-ascent": {
        SWIN: {
            "published": Preset(
                {**_ADAMW, "lr": 1e-6, "epochs": 9, "lr_schedule": "constant", "clip": 0.1}, TINY_IMAGENET
            )
        }
    },
    "random-label": {SWIN: {"published": Preset({**_ADAMW, "lr": 1e-4, "epochs": 1}, TINY_IMAGENET)}},
    "salun": {SWIN: {"published": Preset({**_ADAMW, "lr": 1e-4, "epochs": 1, "mask_fraction": 0.5}, TINY_IMAGENET)}},
    "bad-teacher": {
        SWIN: {"published": Preset({**_ADAMW, "lr": 1e-4, "epochs": 1, "temperature": 1.0}, TINY_IMAGENET)}
    },
    "scrub": {
        SWIN: {
            "published": Preset(
                {
                    **_ADAMW, "lr": 1e-4, "epochs": 1, "forget_epochs": 1, "temperature": 4.0, "ce_weight": 0.99,
                    "kl_weight": 0.001,
                },
                TINY_IMAGENET,
            )
        }
    },
}  # fmt: skip
"""Rows beside those of presets.py, which hold where there is none here. docs/reference.md, sections 2.1 and 3.1."""
