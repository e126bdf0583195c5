"""Hyper-parameters with their sources: how much a run spends (`quick`, `thorough`) and what was published.

A preset changes the defaults of configs.py, a variant changes the preset, and overrides change both. No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfr_core.configs import VARIANTS
from sfr_core.errors import UnknownName
from sfr_core.methods import METHODS

ANY = "*"
"""Stands for every model that has no row of its own."""
CLASS = "class:"
"""Beginning of the forget specifications of whole classes."""
SCATTERED = " scattered"
"""Ending of a model's key for rows that hold for a random share and for chosen samples, not for whole classes."""

CIFAR = (
    "The authors' code (K1nght/Unified-Unlearning-w-Remain-Geometry, 36bb7f6) for CIFAR-10, ResNet-18, a random tenth; "
    "chosen there against the retrained model's test metrics."
)
START = "A first guess from the published values, shortened to this model's size; not tuned yet."
RECIPE = "The recipe of the shipped model (python -m recipes.classifier): with less it would be no gold standard."


@dataclass(frozen=True, slots=True)
class Preset:
    """Fields that differ from the defaults of the method's config, and where their values come from."""

    values: Mapping[str, Any]
    source: str


_SGD = {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 5e-4, "batch_size": 128}
_RECIPE = {
    "optimizer": "sgd", "lr": 0.15, "momentum": 0.9, "weight_decay": 1e-3, "batch_size": 128, "epochs": 30,
    "lr_schedule": "one-cycle", "warmup": 0.2, "nesterov": True, "shift": 1, "shift_share": 0.7,
}  # fmt: skip

PRESETS: dict[str, dict[str, dict[str, Preset]]] = {
    "sfr-on": {
        ANY: {
            "quick": Preset({**_SGD, "lr": 0.01, "steps": 60, "forget_every": 1, "alpha": 10.0, "fisher_batches": 8}, START),
            "thorough": Preset(
                {**_SGD, "lr": 0.01, "steps": 240, "forget_every": 2, "alpha": 10.0, "fisher_batches": 32}, START
            ),
            "published": Preset(
                {
                    **_SGD, "lr": 0.01, "lr_schedule": "cosine", "steps": 1500, "forget_every": 5, "alpha": 25.0,
                    "alpha_schedule": "cosine", "lam": 0.5, "weight_eps": 1e-15, "gamma": 1.0, "clip_forget": 7.0,
                    "clip_remain": None, "slow_beta": 1.0, "fisher_batches": None, "fisher_batch_size": 128,
                },
                CIFAR,
            ),
        },
    },
    "retrain": {
        ANY: {
            "quick": Preset(_RECIPE, RECIPE),
            "thorough": Preset(_RECIPE, RECIPE),
            "published": Preset(
                {
                    **_SGD, "lr": 0.1, "epochs": 200, "lr_schedule": "cosine", "warmup": 0.0, "nesterov": False,
                    "shift": 4, "shift_share": 1.0,
                },
                CIFAR,
            ),
        },
    },
    "finetune": {
        ANY: {
            "quick": Preset({**_SGD, "lr": 0.05, "epochs": 2}, START),
            "thorough": Preset({**_SGD, "lr": 0.05, "epochs": 8}, START),
            "published": Preset({**_SGD, "lr": 0.01, "epochs": 10, "lr_schedule": "cosine"}, CIFAR),
        },
    },
    "gradient-ascent": {
        ANY: {
            "quick": Preset({**_SGD, "lr": 2e-3, "epochs": 4, "lr_schedule": "constant", "clip": 0.1}, START),
            "thorough": Preset({**_SGD, "lr": 1e-3, "epochs": 12, "lr_schedule": "constant", "clip": 0.1}, START),
            "published": Preset({**_SGD, "lr": 1e-4, "epochs": 9, "lr_schedule": "constant", "clip": 0.1}, CIFAR),
        },
    },
    "random-label": {
        ANY: {
            "quick": Preset({**_SGD, "lr": 0.01, "epochs": 2}, START),
            "thorough": Preset({**_SGD, "lr": 0.01, "epochs": 8}, START),
            "published": Preset({**_SGD, "lr": 3e-3, "epochs": 10, "lr_schedule": "cosine"}, CIFAR),
        },
    },
    "salun": {
        ANY: {
            "quick": Preset({**_SGD, "lr": 0.02, "epochs": 2, "mask_fraction": 0.5}, START),
            "thorough": Preset({**_SGD, "lr": 0.02, "epochs": 8, "mask_fraction": 0.5}, START),
            "published": Preset(
                {**_SGD, "lr": 7e-3, "epochs": 10, "lr_schedule": "cosine", "mask_fraction": 0.2}, CIFAR
            ),
        },
    },
    "bad-teacher": {
        ANY: {
            "quick": Preset({**_SGD, "lr": 0.05, "epochs": 1, "temperature": 1.0}, START),
            "thorough": Preset({**_SGD, "lr": 0.05, "epochs": 6, "temperature": 1.0}, START),
            "published": Preset(
                {**_SGD, "lr": 0.02, "epochs": 10, "lr_schedule": "cosine", "temperature": 1.0}, CIFAR
            ),
        },
    },
    "scrub": {
        ANY: {
            "quick": Preset({**_SGD, "lr": 2e-3, "epochs": 2, "forget_epochs": 1}, START),
            "thorough": Preset({**_SGD, "lr": 1e-3, "epochs": 6, "forget_epochs": 2}, START),
            "published": Preset(
                {
                    **_SGD, "lr": 8e-5, "epochs": 6, "lr_schedule": "cosine", "forget_epochs": 2, "temperature": 4.0,
                    "ce_weight": 0.99, "kl_weight": 0.001,
                },
                CIFAR,
            ),
        },
    },
}  # fmt: skip
"""Presets by method, then by model (ANY: all others), then by name."""


def resolve(
    model_id: str,
    method: str,
    preset: str = "quick",
    variant: str = "official",
    overrides: Mapping[str, Any] | None = None,
    *,
    forget: str = CLASS,
) -> dict[str, Any]:
    """Every field of the method's config: its defaults, then the preset, then the variant, then `overrides`.

    Args:
        forget: the forget specification (its kind is enough): whole classes and scattered samples want other strengths.

    Raises:
        UnknownName: no such method, preset, variant or field. ConfigError: a value that the field does not accept.
    """
    if variant not in VARIANTS:
        raise UnknownName("variant", variant, VARIANTS)
    values = {
        **_find(model_id, method, preset, forget).values,
        **VARIANTS[variant].get(method, {}),
        **(overrides or {}),
    }
    return METHODS[method].config_cls.from_dict(values).to_dict()


def preset_names(model_id: str, method: str) -> tuple[str, ...]:
    """The presets that exist, cheapest first.

    Raises:
        UnknownName: no such method.
    """
    return tuple(_rows(model_id, method, CLASS))


def preset_source(model_id: str, method: str, preset: str, *, forget: str = CLASS) -> str:
    """Where the preset's values come from, in a sentence for people.

    Raises:
        UnknownName: no such method or preset.
    """
    return _find(model_id, method, preset, forget).source


def _rows(model_id: str, method: str, forget: str) -> dict[str, Preset]:
    if method not in PRESETS:
        raise UnknownName("method", method, PRESETS)
    table = PRESETS[method]
    rows = {**table[ANY], **table.get(model_id, {})}
    if not forget.startswith(CLASS):
        rows.update(table.get(model_id + SCATTERED, {}))
    return rows


def _find(model_id: str, method: str, preset: str, forget: str) -> Preset:
    rows = _rows(model_id, method, forget)
    if preset not in rows:
        raise UnknownName("preset", preset, rows)
    return rows[preset]
