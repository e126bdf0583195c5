"""CLIPScore: against an independent implementation, of the right pictures with the right prompts, and never from random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torchmetrics.functional.multimodal import clip_score
from transformers import CLIPModel, CLIPProcessor

from sfr_core.errors import AssetError
from sfr_core.metrics.agreement import Agreement, Clip, agree, agreement_steps
from sfr_core.metrics.generation import Protocol
from sfr_core.metrics.unseen import unseen
from sfr_core.ops.stepwise import drained
from tests.core.tiny import same, state
from tests.core.tiny_clip import clip_folder
from tests.core.tiny_sd import sd_task

SAMPLER = Protocol(0, 4, 2.0)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip_folder(tmp_path_factory.mktemp("clip"))


class Tensors(CLIPModel):
    """As transformers 4 was, whose features torchmetrics 1.9 reads: tensors."""

    def get_image_features(self, *args: Any, **options: Any) -> Any:
        return super().get_image_features(*args, **options).pooler_output

    def get_text_features(self, *args: Any, **options: Any) -> Any:
        return super().get_text_features(*args, **options).pooler_output


def test_scores_are_those_of_torchmetrics(folder: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 24, 16, 3), dtype=np.uint8)
    texts = ["a cat emoji", "dog", "picture of a red car", "tree", "a"] * 4
    found = Clip(folder, CPU).scores(images, texts)
    assert found.shape == (20,)
    theirs = Tensors.from_pretrained(folder), CLIPProcessor.from_pretrained(folder)
    for k in (0, 3, 17):  # one by one, so that neither the batch nor its padding matters
        picture = torch.from_numpy(images[k]).permute(2, 0, 1)
        assert found[k] == pytest.approx(float(clip_score(picture, texts[k], lambda: theirs).detach()), abs=1e-3)
    assert np.ptp(found) > 1
    assert found.min() >= 0
    assert found.max() <= 100


def test_an_agreement_counted_by_hand() -> None:
    """Mean 25; the spread of 20, 25, 30 is 5, its error 5 / sqrt(3)."""
    found = Agreement.of(np.array([20.0, 25.0, 30.0]))
    assert (found.mean, found.n) == (25.0, 3)
    assert found.error == pytest.approx(5 / 3**0.5)
    assert Agreement.of(np.array([7.0])) == Agreement(7.0, 0.0, 1)


def test_every_role_is_scored_by_itself_and_scoring_takes_steps_too(folder: Path) -> None:
    task, clip = sd_task(), Clip(folder, CPU)
    weights = state(task.model)
    steps: list[int] = []
    found = drained(agree(task, SAMPLER, clip, 5), steps.append)
    # 20 pictures: three batches of 4 sampler steps, and two batches of scores.
    assert steps == list(range(1, agreement_steps(task, SAMPLER, 5) + 1)) == list(range(1, 15))
    assert same(weights, state(task.model))
    plan = task.plan
    assert list(found) == ["direct", "paraphrase", "neighbour", "other"]
    labels = np.concatenate([plan.labels(role)[np.arange(5) % len(plan.labels(role))] for role in found])
    images = drained(unseen(task, SAMPLER, labels))
    scores = clip.scores(images, [plan.prompts[label].text for label in labels])
    assert np.array_equal(np.concatenate(list(found.values())), scores)
    # The same weights give the same pictures: pairs of them differ by nothing.
    again = drained(agree(task, SAMPLER, clip, 5, task.model))
    assert Agreement.of(again["direct"] - found["direct"]) == Agreement(0.0, 0.0, 5)


def test_missing_weights_are_never_drawn_at_random(folder: Path, tmp_path: Path) -> None:
    whole = clip_folder(tmp_path / "whole")
    weights = load_file(whole / "model.safetensors")
    weights.pop("visual_projection.weight")
    save_file(weights, whole / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(AssetError, match="not those of a whole CLIP"):
        Clip(whole, CPU)
    with pytest.raises(AssetError, match=r"There is no CLIP in .*/nowhere \("):
        Clip(tmp_path / "nowhere", CPU)
