"""How the pictures of somebody's own classifier become its input, as a run's file says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sfr_core.configs.base import checked
from sfr_core.errors import quoted

ClassOrder = Literal["alphabetical", "natural"]
MOST_CLASSES = 20_000
"""Names that a file may hold; those of ImageNet-21k are fewer."""
Side = Annotated[int, Field(ge=1, le=1024)]
Channels = Annotated[tuple[float, ...], Field(min_length=1, max_length=3)]


@checked
class PictureReading:
    """All that has to be known to read the same pictures again alike; what was not given is what was found.

    Attributes:
        size: height and width of the network's input in pixels. channels: of it.
        mean, std: per channel, of pixels scaled to 0..1.
        class_order: how the folders are sorted. classes: names in the order of the outputs, where they were given.
        crop: share of the centre that is kept; None stretches the whole picture.
        background: colour behind transparency. mirror: mirrored pictures are natural ones.
    """

    size: tuple[Side, Side]
    channels: Literal[1, 3]
    mean: Channels
    std: Channels
    class_order: ClassOrder = "alphabetical"
    classes: Annotated[tuple[str, ...], Field(max_length=MOST_CLASSES)] | None = None
    crop: Annotated[float, Field(gt=0, le=1)] | None = None
    background: Annotated[str, Field(max_length=60)] = "white"
    mirror: bool = False

    def said(self) -> str:
        """All of it in one sentence."""
        height, width = self.size
        mean, std = (", ".join(f"{value:.4g}" for value in values) for values in (self.mean, self.std))
        shape = "whole pictures stretched" if self.crop is None else f"{self.crop:.4g} of the centre kept"
        order = f"in {self.class_order} order" if self.classes is None else "in a given order"
        mirrored = ", mirrored for training" if self.mirror else ""
        return (
            f"Pictures are read at {height} × {width} pixels with {self.channels} {'channel' if self.channels == 1 else 'channels'}, {shape}, "
            f"mean {mean}, standard deviation {std}, {quoted(self.background)} behind transparency{mirrored}; classes {order}."
        )
