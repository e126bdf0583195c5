"""The baselines for generators; they train in steps (docs/reference.md, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sfr_core.configs.base import OPTIMIZER_HELP, MethodConfig, Optimizer, OptimizerConfig, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class StepConfig(OptimizerConfig):
    """Base of the methods that train in steps; their optimiser is Adam without decay, as published for DDPM."""

    optimizer: Optimizer = setting("adam", "Optimiser", OPTIMIZER_HELP)
    lr: float = setting(
        1e-4, "Learning rate", "Size of one optimiser step.", symbol="η", low=0.0, high=1.0, group="main"
    )
    weight_decay: float = setting(0.0, "Weight decay", "Pull of every weight towards zero.", low=0.0, high=0.5)
    steps: int = setting(1000, "Steps", "Optimiser steps.", low=1, high=1000000, group="main")
    clip: float | None = setting(1.0, "Clip", "Largest gradient norm; without a number any.", low=1e-9, high=1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneStepsConfig(StepConfig):
    """Fine-tuning (FT) of a generator: its training loss on the remaining classes only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AscentStepsConfig(StepConfig):
    """Gradient ascent (GA) on a generator: minus its training loss on the forget set only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainStepsConfig(StepConfig):
    """Retrain (RT) a generator: new weights, then its training loss on the remaining classes (800,000 steps published)."""

    lr: float = setting(
        2e-4, "Learning rate", "Size of one optimiser step.", symbol="η", low=0.0, high=1.0, group="main"
    )
    steps: int = setting(800000, "Steps", "Optimiser steps.", low=1, high=1000000, group="main")


@dataclass(frozen=True, slots=True, kw_only=True)
class JointConfig(StepConfig):
    """Joint loss, the paper's ablation R: remain loss minus α times the forget loss, in one step."""

    steps: int = setting(150, "Steps", "Optimiser steps.", low=1, high=1000000, group="main")
    alpha: float = setting(
        1.0, "Forgetting strength", "Multiplies the forget loss.", symbol="α", low=0.0, high=10000.0, group="main"
    )
    alpha_schedule: Literal["cosine", "linear", "quadratic", "constant"] = setting(
        "cosine", "Fading of forgetting", "How the strength falls over the run."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectiveAmnesiaConfig(StepConfig):
    """Selective Amnesia (SA): noise as the new answer, replay of the rest, and a Fisher penalty on every change."""

    steps: int = setting(20000, "Steps", "Optimiser steps.", low=1, high=1000000, group="main")
    ewc_weight: float = setting(
        10.0,
        "Weight of the penalty",
        "Multiplies the sum of Fisher times squared change over all weights.",
        symbol="λ",
        low=0.0,
        high=1e9,
        group="main",
    )
    replay_weight: float = setting(
        1.0, "Weight of replay", "Multiplies the loss on the remaining classes.", low=0.0, high=1e4, group="main"
    )
    fisher_images: int = setting(
        50, "Pictures for the Fisher", "Of each class, the forgotten one included (published: 500).", low=1, high=500
    )
    fisher_timesteps: int = setting(
        20,
        "Timesteps for the Fisher",
        "One from each of so many equal parts of the noise schedule (published: all 1000).",
        low=1,
        high=1000,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SalUnJointConfig(StepConfig):
    """SalUn for generators: redirection and remain loss in one step, behind a saliency mask (docs/reference.md, section 3.2)."""

    lr: float = setting(
        1e-5, "Learning rate", "Size of one optimiser step.", symbol="η", low=0.0, high=1.0, group="main"
    )
    forget_weight: float = setting(
        1.0, "Weight of redirection", "Multiplies the forget loss.", low=0.0, high=1e4, group="main"
    )
    remain_weight: float = setting(
        1e-3, "Weight of remaining", "Multiplies the remain loss.", low=0.0, high=1e4, group="main"
    )
    mask_fraction: float = setting(
        0.5,
        "Mask share",
        "Share of all weights, by size of the forget gradient, that may move.",
        low=0.0,
        high=1.0,
        group="main",
    )
    saliency_batches: int | None = setting(
        None, "Mask batches", "Forget batches for the mask; without a number one whole pass.", low=1, high=100000
    )
    saliency_clip: float | None = setting(
        1.0,
        "Saliency clip",
        "Norm to which each batch gradient is cut before they are added up; without a number it is not cut.",
        low=1e-9,
        high=1e9,
    )
    clip: float | None = setting(
        1.0, "Clip", "Largest gradient norm, before the mask; without a number any.", low=1e-9, high=1e9
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomEmbeddingConfig(MethodConfig):
    """A random class embedding in the place of the forgotten one (RT†); nothing is trained."""

    spread: float = setting(
        1.0,
        "Spread",
        "Deviation of the random embedding, as a multiple of that between the classes that stay.",
        low=0.0,
        high=10.0,
        group="main",
    )
    batch_size: int = setting(64, "Batch size", "Pictures on which the loss is measured.", low=1, high=1024)
