"""Text-image agreement: how well a CLIP finds that pictures show what their prompts say (CLIPScore, Hessel et al., EMNLP 2021)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sfr_core.data.concepts import Role
from sfr_core.data.samples import by_role
from sfr_core.errors import AssetError
from sfr_core.metrics.generation import Protocol
from sfr_core.metrics.unseen import spread_over, unseen, unseen_steps
from sfr_core.tasks.text_to_image import TextToImageTask

BATCH = 16
"""Pictures that the CLIP looks at side by side."""
HINT = "Choose a CLIP in the format of transformers, with its tokenizer and safetensors."


class Clip:
    """A CLIPModel of transformers with its processor, frozen.

    Args:
        folder: as `save_pretrained` writes both.
        device: where it runs.

    Raises:
        AssetError: no CLIP, or not all of its weights.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        from transformers import CLIPModel, CLIPProcessor

        try:
            loaded: Any = CLIPModel.from_pretrained(
                folder, use_safetensors=True, local_files_only=True, output_loading_info=True
            )
            processor = CLIPProcessor.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # whatever a foreign folder makes of the library
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise AssetError(f"There is no CLIP in {folder} ({reason}).", hint=HINT) from None
        model, told = loaded
        # The library would draw what is missing at random, and the numbers would mean nothing.
        if told["missing_keys"] or told["mismatched_keys"]:
            raise AssetError(f"The weights in {folder} are not those of a whole CLIP.", hint=HINT)
        self._model = model.eval().requires_grad_(False).to(device)
        self._processor: Any = processor
        self._device = device

    @torch.no_grad()
    def scores(self, images: NDArray[np.uint8], texts: Sequence[str]) -> NDArray[np.float64]:
        """100 max(cos, 0) of the embeddings of each picture and its text.

        Args:
            images: uint8 [n, h, w, 3]. texts: n; longer ones than the CLIP reads are cut.

        Returns:
            [n], 0 to 100.
        """
        found = []
        for start in range(0, len(images), BATCH):
            at = slice(start, start + BATCH)
            ready = self._processor(
                text=list(texts[at]), images=list(images[at]), return_tensors="pt", padding=True, truncation=True
            )
            told = self._model(**ready.to(self._device))
            pictures = nn.functional.normalize(told.image_embeds.double(), dim=-1)
            words = nn.functional.normalize(told.text_embeds.double(), dim=-1)
            found.append(100 * (pictures * words).sum(-1).clamp(min=0).cpu().numpy())
        return np.concatenate(found)


@dataclass(frozen=True, slots=True)
class Agreement:
    """CLIPScore of one group of pictures: mean, its standard error (0 for one picture), 0 to 100, and their number."""

    mean: float
    error: float
    n: int

    @classmethod
    def of(cls, scores: NDArray[np.float64]) -> Agreement:
        """From the scores [n] of the pictures, n at least 1."""
        n = len(scores)
        error = float(scores.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
        return cls(float(scores.mean()), error, n)


def agreement_steps(task: TextToImageTask, sampler: Protocol, n: int) -> int:
    """How often `agree` yields."""
    pictures = n * len(by_role(task.plan))
    return unseen_steps(pictures, sampler) + -(-pictures // BATCH)


def agree(
    task: TextToImageTask, sampler: Protocol, clip: Clip, n: int, model: nn.Module | None = None
) -> Generator[int, None, dict[Role, NDArray[np.float64]]]:
    """Draws n pictures of every role that a prompt of the run has (metrics/unseen.py), and scores them.

    Args:
        task, sampler, model: as for `unseen`.
        n: at least 1.

    Yields:
        Sampler steps done, then one more for every batch of scores.

    Returns:
        The score of each picture [n], by role. Picture k starts from the same noise whatever the model, so that the difference
        of two models' scores is one of pairs.
    """
    groups = by_role(task.plan)
    labels = np.concatenate([spread_over(prompts, n) for prompts in groups.values()])
    scores = yield from _scored(task, sampler, clip, labels, model)
    return dict(zip(groups, np.split(scores, len(groups)), strict=True))


def _scored(
    task: TextToImageTask, sampler: Protocol, clip: Clip, labels: NDArray[np.int64], model: nn.Module | None
) -> Generator[int, None, NDArray[np.float64]]:
    """Draws a picture for each label and scores it: [n]. On a CPU a large CLIP takes as long as many sampler steps."""
    images = yield from unseen(task, sampler, labels, model)
    texts = [task.plan.prompts[label].text for label in labels]
    done, parts = unseen_steps(len(labels), sampler), []
    for start in range(0, len(labels), BATCH):
        at = slice(start, start + BATCH)
        parts.append(clip.scores(images[at], texts[at]))
        done += 1
        yield done
    return np.concatenate(parts)
