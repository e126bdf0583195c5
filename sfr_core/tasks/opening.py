"""What a task is made of: a session gathers it, and the function that a kind of model names makes the task of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from sfr_core.configs import MethodConfig, RunConfig
from sfr_core.data.concepts import PromptPlan
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split
from sfr_core.nets.judge import Judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Everything for one task.

    Attributes:
        config: of the run. method: its settings, validated and whole.
        dataset, split: the pictures, and what is forgotten.
        prompts: of a run that forgets a concept, else None.
        load: gives the network, or the pipeline that holds it. build: makes the same architecture with fresh weights.
        judge: gives the judge of the samples; None where there is none.
        guidance: of samples, where the model's card names one.
    """

    config: RunConfig
    method: MethodConfig
    dataset: Dataset
    split: Split
    prompts: PromptPlan | None
    load: Callable[[], Any]
    build: Callable[[], nn.Module]
    judge: Callable[[], Judge | None]
    guidance: float | None
    device: torch.device
