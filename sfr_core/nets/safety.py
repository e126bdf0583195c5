"""The safety checker that a Stable Diffusion brings along: pictures that it flags become black before anybody sees them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

AT_ONCE = 16
"""Pictures of one pass."""


class SafetyFilter:
    """A pipeline's safety checker with the preparation of its input.

    Args:
        checker: diffusers' StableDiffusionSafetyChecker. extractor: the pipeline's feature extractor.
        device: where it runs.
    """

    def __init__(self, checker: Any, extractor: Any, device: torch.device) -> None:
        self._checker = checker.eval().requires_grad_(False).to(device)
        self._extractor, self._device = extractor, device

    @torch.no_grad()
    def flagged(self, pictures: Tensor) -> Tensor:
        """Whether each picture, uint8 [n, 3, h, w], shows what the checker was made to find; bool [n] on the CPU."""
        found: list[bool] = []
        for part in torch.split(pictures.cpu(), AT_ONCE):
            rows = [picture.permute(1, 2, 0).numpy() for picture in part]
            ready = self._extractor(rows, return_tensors="pt").pixel_values.to(self._device)
            found += self._checker(clip_input=ready, images=list(part.float()))[1]
        return torch.tensor(found, dtype=torch.bool)

    def __call__(self, pictures: Tensor) -> Tensor:
        """The pictures, the flagged ones black."""
        out = pictures.clone()
        out[self.flagged(pictures)] = 0
        return out


def safety_of(pipeline: Any, device: torch.device) -> SafetyFilter | None:
    """The filter of a StableDiffusionPipeline; None where it brings none."""
    checker, extractor = getattr(pipeline, "safety_checker", None), getattr(pipeline, "feature_extractor", None)
    return None if checker is None or extractor is None else SafetyFilter(checker, extractor, device)
