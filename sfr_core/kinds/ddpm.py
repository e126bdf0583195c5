"""Class-conditional diffusion models on pixels."""

from __future__ import annotations

from sfr_core.data.class_sets import PreviewSettings, SelfGenerated
from sfr_core.kinds.base import Kind

PREVIEW = PreviewSettings()
"""4 pictures of each class: 640 forward passes for ten classes. The 8 previews of a run took 27 of 200 seconds of CPU time of the
default run with its evaluation."""
SELF_GENERATED = SelfGenerated()
KIND = Kind(
    id="ddpm",
    order=1,
    title="Generator (class-conditional diffusion model, DDPM)",
    noun="diffusion model",
    only="works only on image generators",
    forgets=("class",),
    abilities=frozenset({"Redirectable", "Denoising"}),
    opens="sfr_core.tasks.ddpm:open_ddpm",
    previews=PREVIEW,
    own=SELF_GENERATED,
    default_method="sfr-on-redirected",
)
