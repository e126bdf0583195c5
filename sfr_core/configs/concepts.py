"""The methods for text-to-image models. Each says which part of the U-Net it may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sfr_core.configs.base import MethodConfig, setting
from sfr_core.configs.generators import AscentStepsConfig, FinetuneStepsConfig, SalUnJointConfig, StepConfig
from sfr_core.configs.sfron import SFRonConfig

Trainable = Literal["full", "cross-attention", "keys-values", "without-cross-attention"]
"""Slices of a U-Net: all of it; the cross-attention layers (ESD-x); only their projections of the text (concept ablation, UCE);
all but cross-attention, time embedding and output layer (ESD-u)."""


PART = "Trained part"
PART_HELP = "All of the U-Net, its cross-attention, only the keys and values of the text, or all but cross-attention."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptSFRonConfig(SFRonConfig):
    """SFR-on for a concept (docs/reference.md, section 2.6): the published run redirects, with equal weights and constant strength."""

    trainable: Trainable = setting("full", PART, PART_HELP, group="main")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptFinetuneConfig(FinetuneStepsConfig):
    """Fine-tuning (FT) of a text-to-image model: its training loss on pictures of everything else."""

    trainable: Trainable = setting("full", PART, PART_HELP, group="main")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptAscentConfig(AscentStepsConfig):
    """Gradient ascent (GA) on a text-to-image model: minus its training loss on pictures of the concept."""

    trainable: Trainable = setting("full", PART, PART_HELP, group="main")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptSalUnConfig(SalUnJointConfig):
    """SalUn for a concept: redirection and remain loss in one step, behind a saliency mask (docs/reference.md, section 3.3)."""

    remain_weight: float = setting(
        0.1, "Weight of remaining", "Multiplies the remain loss.", low=0.0, high=1e4, group="main"
    )
    trainable: Trainable = setting("full", PART, PART_HELP, group="main")


@dataclass(frozen=True, slots=True, kw_only=True)
class EsdConfig(StepConfig):
    """ESD-x: what the concept is asked for moves away from it, by the old model's own guidance turned round."""

    lr: float = setting(
        1e-5, "Learning rate", "Size of one optimiser step.", symbol="η", low=0.0, high=1.0, group="main"
    )
    batch_size: int = setting(1, "Batch size", "Pictures per optimiser step.", low=1, high=1024)
    clip: float | None = setting(None, "Clip", "Largest gradient norm; without a number any.", low=1e-9, high=1e9)
    negative_guidance: float = setting(
        1.0,
        "Negative guidance",
        "How far the target lies on the other side of the unconditional prediction.",
        symbol="η",
        low=0.0,
        high=100.0,
        group="main",
    )
    sample_steps: Literal["10", "20", "25", "50", "100"] = setting(
        "50", "Sampling steps", "Of the pictures that are drawn half way for every step."
    )
    sample_guidance: float = setting(3.0, "Sampling guidance", "Of these pictures.", low=0.0, high=50.0)
    trainable: Trainable = setting("cross-attention", PART, PART_HELP, group="main")


@dataclass(frozen=True, slots=True, kw_only=True)
class EsdUConfig(EsdConfig):
    """ESD-u: the same on everything but cross-attention, so that the concept goes whatever the prompt."""

    trainable: Trainable = setting("without-cross-attention", PART, PART_HELP, group="main")


@dataclass(frozen=True, slots=True, kw_only=True)
class UceConfig(MethodConfig):
    """UCE: new keys and values of the text in closed form; nothing is trained."""

    erase_scale: float = setting(
        1.0, "Weight of erasing", "Multiplies what the concept's prompts ask for.", low=0.0, high=1e6, group="main"
    )
    preserve_scale: float = setting(
        1.0, "Weight of keeping", "Multiplies what the other prompts ask for.", low=0.0, high=1e6, group="main"
    )
    lam: float = setting(
        0.5, "Pull to the old weights", "Multiplies the identity.", symbol="λ", low=1e-9, high=1e6, group="main"
    )
    tokens: Literal["all", "last"] = setting(
        "all", "Words", "The whole prompt, or its last word alone (published, where the prompt is the name itself)."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptAblationConfig(StepConfig):
    """Concept ablation, model-based: the concept's prompts learn to predict what the redirection's predict."""

    lr: float = setting(
        2e-6, "Learning rate", "Size of one optimiser step.", symbol="η", low=0.0, high=1.0, group="main"
    )
    steps: int = setting(100, "Steps", "Optimiser steps.", low=1, high=1000000, group="main")
    batch_size: int = setting(8, "Batch size", "Pictures per optimiser step.", low=1, high=1024)
    clip: float | None = setting(None, "Clip", "Largest gradient norm; without a number any.", low=1e-9, high=1e9)
    teacher: Literal["live", "frozen"] = setting(
        "live", "Teacher", "Who answers for the redirection: the model as it is now (published), or as it was."
    )
    prior_weight: float = setting(
        1.0, "Weight of the regularisation", "Multiplies the training loss of the redirection.", low=0.0, high=1e4
    )
    trainable: Trainable = setting("keys-values", PART, PART_HELP, group="main")
