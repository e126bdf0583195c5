"""Class-conditional diffusion transformers on latents."""

from __future__ import annotations

from dataclasses import replace

from sfr_core.data.class_sets import SelfGenerated
from sfr_core.kinds import ddpm
from sfr_core.kinds.base import Pipeline, Sampling

PREVIEW = replace(ddpm.PREVIEW, times=4)
"""Each takes 8 s of CPU of the shipped model's default run of 390 s."""
SELF_GENERATED = SelfGenerated(forget=128, remain=32)
"""Of twelve classes 480 pictures together: 9,600 forward passes before a run."""
KIND = replace(
    ddpm.KIND,
    id="dit",
    order=2,
    title="Generator (class-conditional diffusion transformer on latents, DiT)",
    noun="diffusion transformer",
    opens="sfr_core.tasks.dit:open_dit",
    dataset="sfr_core.zoo.shipped:names_alone",
    loads="sfr_core.zoo.shipped:open_class_pipeline",
    pipeline=Pipeline(name="DiTPipeline", trained="transformer"),
    sampling=Sampling(steps=50, guidance=4.0),
    previews=PREVIEW,
    own=SELF_GENERATED,
    default_method="sfr-on-redirected",
)
