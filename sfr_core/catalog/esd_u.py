"""ESD on everything but cross-attention."""

from __future__ import annotations

from dataclasses import replace

from sfr_core.catalog import esd_x
from sfr_core.configs.base import Trainable, checked, part_field


@checked
class EsdUConfig(esd_x.EsdConfig):
    """ESD-u: the same on everything but cross-attention, so that the concept goes whatever the prompt."""

    trainable: Trainable = part_field("without-cross-attention")


_ESD_X = esd_x.METHOD["text-to-image"]
METHOD = {
    "text-to-image": replace(
        _ESD_X,
        id="esd-u",
        title="ESD-u",
        summary="Reverses the original's guidance towards the concept, in all layers but those that read the prompt.",
        order=13,
        config_cls=EsdUConfig,
        parts=replace(_ESD_X.parts, manifold="Euclidean, on all but cross-attention: δᵀ δ"),
        presets=esd_x.presets_of(1e-4, real_rate=5e-5, real_batch=2),
    )
}
