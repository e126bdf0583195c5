"""Text-to-image diffusion models on latents."""

from __future__ import annotations

from sfr_core.data.class_sets import PreviewSettings, SelfGenerated
from sfr_core.kinds.base import Kind, Pipeline, Sampling

PREVIEW = PreviewSettings()
SELF_GENERATED = SelfGenerated()
"""How many pictures, the plan of the prompts says."""
KIND = Kind(
    id="text-to-image",
    order=3,
    title="Generator (text-to-image diffusion model on latents)",
    noun="text-to-image model",
    only="works only on models that draw from a prompt",
    forgets=("concept",),
    abilities=frozenset({"Redirectable", "Denoising", "Promptable"}),
    opens="sfr_core.tasks.text_to_image:open_text_to_image",
    dataset="sfr_core.zoo.shipped:concepts_alone",
    loads="sfr_core.zoo.shipped:open_prompt_pipeline",
    prompts=True,
    pipeline=Pipeline(name="StableDiffusionPipeline", trained="unet"),
    sampling=Sampling(steps=50, guidance=7.5),
    previews=PREVIEW,
    own=SELF_GENERATED,
    passes_per_mask=2,
    default_method="sfr-on-redirected",
)
