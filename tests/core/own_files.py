"""A visitor's own classifier, small enough to learn in a moment: coloured squares, a network of four channels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from sfr_core.nets.named import build_network, read_architecture

ARCHITECTURE = "SmallResNet?widths=4,&size=8"
COLOURS = {"blue": (20, 20, 220), "green": (20, 220, 20), "red": (220, 20, 20)}


@dataclass(frozen=True)
class OwnFiles:
    """Arguments of the three options."""

    data: Path
    weights: Path
    architecture: str = ARCHITECTURE

    def options(self) -> list[str]:
        """The untrained network of `write_own` recognises nothing, so a run must be asked for anyway."""
        return [*self.files(), "--anyway"]

    def files(self) -> list[str]:
        return ["--data", str(self.data), "--weights", str(self.weights), "--architecture", self.architecture]


def write_pictures(folder: Path, per_class: int = 10, side: int = 8) -> Path:
    """One subfolder per colour; noise makes every picture different."""
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for i in range(per_class):
            noise = rng.integers(-20, 21, (side, side, 3))
            Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(folder / name / f"{i}.png")
    return folder


def write_own(folder: Path, architecture: str = ARCHITECTURE, channels: int = 3) -> OwnFiles:
    """Pictures, and weights as the architecture's own start from seed 1 gives them."""
    data = write_pictures(folder / "pictures")
    torch.manual_seed(1)
    module = build_network(read_architecture(architecture), classes=len(COLOURS), channels=channels)
    save_file(module.state_dict(), folder / "mine.safetensors")
    return OwnFiles(data, folder / "mine.safetensors", architecture)
