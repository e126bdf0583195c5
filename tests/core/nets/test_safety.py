"""A tiny safety checker of the real class: what it flags is black for everybody, from the task's samples on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from transformers import CLIPConfig, CLIPImageProcessor

from sfr_core.nets.safety import SafetyFilter, safety_of
from sfr_core.ops.stepwise import drained
from sfr_core.tasks.text_to_image import TextToImageTask
from tests.core.tiny_sd import concept_plan, tiny_pipeline

CPU = torch.device("cpu")


def _pipeline(threshold: float) -> StableDiffusionPipeline:
    """Similarities lie between -1 and 1: a threshold of -2 flags everything, one of 2 nothing."""
    small = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(vision_config={**small, "image_size": 8, "patch_size": 4}, text_config=small, projection_dim=4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        checker = StableDiffusionSafetyChecker(config)
    checker.concept_embeds_weights.fill_(threshold)
    checker.special_care_embeds_weights.fill_(2.0)
    extractor = CLIPImageProcessor(size={"shortest_edge": 8}, crop_size={"height": 8, "width": 8})
    plain = tiny_pipeline()
    return StableDiffusionPipeline(
        plain.vae, plain.text_encoder, plain.tokenizer, plain.unet, plain.scheduler, checker, extractor
    )


def test_all_or_nothing() -> None:
    pictures = torch.randint(1, 255, (3, 3, 16, 16), dtype=torch.uint8)
    for threshold, flagged in ((-2.0, True), (2.0, False)):
        found = safety_of(_pipeline(threshold), CPU)
        assert isinstance(found, SafetyFilter)
        assert found.flagged(pictures).tolist() == [flagged] * 3
        assert torch.equal(found(pictures), torch.zeros_like(pictures) if flagged else pictures)
    assert safety_of(tiny_pipeline(), CPU) is None


def test_only_the_flagged_picture_is_black() -> None:
    pictures = torch.stack([torch.full((3, 16, 16), value, dtype=torch.uint8) for value in (40, 220)])
    pipeline = _pipeline(0.0)
    checker = pipeline.safety_checker
    ready = pipeline.feature_extractor([p.permute(1, 2, 0).numpy() for p in pictures], return_tensors="pt").pixel_values
    with torch.no_grad():
        embedded = checker.visual_projection(checker.vision_model(ready)[1])
    checker.concept_embeds[:] = embedded[1] - embedded[0]  # nearer to the second picture than to the first
    nearness = torch.cosine_similarity(embedded, checker.concept_embeds[:1])
    checker.concept_embeds_weights.fill_(float(nearness.mean()))
    found = safety_of(pipeline, CPU)
    assert found is not None
    assert [bool(picture.any()) for picture in found(pictures)] == [True, False]


def test_a_tasks_samples_pass_through_it_also_from_a_folder(tmp_path: Path) -> None:
    _pipeline(-2.0).save_pretrained(tmp_path)
    task = TextToImageTask(StableDiffusionPipeline.from_pretrained(tmp_path), concept_plan(), None, device=CPU)
    labels = np.zeros(2, np.int64)
    assert not drained(task.sample(labels, seed=0, steps=1, guidance=1.0)).any()
    task.latents.safety = None
    assert drained(task.sample(labels, seed=0, steps=1, guidance=1.0)).any()
