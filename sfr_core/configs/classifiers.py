"""The baselines for classifiers; they train in epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sfr_core.configs.base import EpochConfig, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainConfig(EpochConfig):
    """Retrain (RT): a new model on the remain set, by the recipe that trained the original."""

    lr_schedule: Literal["one-cycle", "cosine", "constant"] = setting(  # type: ignore[assignment]
        "one-cycle",
        "Learning-rate schedule",
        "One-cycle: linear rise, then cosine to zero, step by step; cosine over epochs; or constant.",
    )
    warmup: float = setting(
        0.2, "Warm-up", "Share of the steps in which a one-cycle learning rate rises.", low=0.0, high=0.9
    )
    nesterov: bool = setting(True, "Nesterov momentum", "SGD looks one momentum step ahead.")
    shift: int = setting(1, "Shift", "Pixels by which training pictures are moved at most, each way.", low=0, high=8)
    shift_share: float = setting(
        0.7,
        "Shifted share",
        "Share of the epochs with shifted pictures; the rest trains on them as they are.",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneConfig(EpochConfig):
    """Fine-tuning (FT): cross-entropy on the remain set only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientAscentConfig(EpochConfig):
    """Gradient ascent (GA): minus the cross-entropy on the forget set only, BatchNorm frozen."""

    clip: float | None = setting(0.1, "Clip", "Largest gradient norm; without a number any.", low=1e-9, high=1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomLabelConfig(EpochConfig):
    """Random label (RL): forget rows get one fixed wrong label each, then everything is trained on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SalUnConfig(EpochConfig):
    """SalUn: random label, with every gradient multiplied by a saliency mask."""

    mask_fraction: float = setting(
        0.2,
        "Mask share",
        "Share of all weights, by size of the forget gradient, that may move.",
        low=0.0,
        high=1.0,
        group="main",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BadTeacherConfig(EpochConfig):
    """Bad Teacher (BT): imitate a random network on the forget set and the original on the remain set."""

    temperature: float = setting(1.0, "Temperature", "Softens teacher and student.", low=0.01, high=100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrubConfig(EpochConfig):
    """SCRUB: push away from the original on the forget set, stay near it on the remain set."""

    forget_epochs: int = setting(
        2, "Forget epochs", "The first so many epochs begin with a pass that pushes away.", low=0, high=500
    )
    temperature: float = setting(4.0, "Temperature", "Softens teacher and student.", low=0.01, high=100.0)
    ce_weight: float = setting(0.99, "Weight of cross-entropy", "In the remain pass.", symbol="γ", low=0.0, high=100.0)
    kl_weight: float = setting(0.001, "Weight of imitation", "In the remain pass.", symbol="α", low=0.0, high=100.0)
