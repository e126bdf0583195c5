"""What the redirecting methods are for, on a tiny Stable Diffusion: the concept's prompts come to answer like the redirection."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog import spec_of
from sfr_core.tasks.text_to_image import TextToImageTask
from tests.core.tiny_sd import SMALL_CONCEPTS, sd_task

STRONG: dict[str, dict[str, Any]] = {
    "sfr-on": {"steps": 8, "lr": 3e-3, "forget_every": 1, "alpha": 10.0, "gamma": 0.0, "fisher_batches": 1},
    "salun": {"steps": 8, "lr": 3e-3, "forget_weight": 10.0, "remain_weight": 0.1},
    "uce": {"lam": 0.01},
    "rece": {"lam": 0.01},
    "concept-ablation": {"steps": 20, "prior_weight": 0.0, "lr": 5e-3},
}
"""Strong enough for a network of 12,680 random weights, which hardly listens to its prompt."""


def distance(task: TextToImageTask) -> float:
    """Mean squared distance between the answers to the concept and to the redirection, on fixed noisy latents."""
    rng = torch.Generator().manual_seed(9)
    batch = next(task.batches("forget", 6, torch.Generator().manual_seed(1)))
    task.model.eval()
    with torch.no_grad():
        return sum(float(task.redirect_losses(batch, rng).mean()) for _ in range(5))


@pytest.mark.parametrize("method", list(STRONG))
def test_the_concept_is_answered_more_like_the_redirection(method: str) -> None:
    spec = spec_of(method, "text-to-image")
    config = spec.config_cls.from_dict({**SMALL_CONCEPTS.get(method, {}), **STRONG[method]})
    task = sd_task(trainable=getattr(config, "trainable", "full"))
    before = distance(task)
    list(spec.run(task, config, rng=torch.Generator().manual_seed(0), cancel=CancelToken()))
    assert distance(task) < 0.8 * before
