"""The page with generators of 8 channels that never learnt anything: `python -m tests.browser.tiny_page FOLDER`.

It draws noise, but within a second, and everything around it is real: runner, judge, events, page.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import RetrainedModel, Sampling, write_card
from tests.core.tiny_unet import WEIGHTS, ddpm_card, unet_folder
from tests.demos.latent_models import DIT, SD, published

MODEL = "fashion-mnist-ddpm"
SAMPLER_STEPS = 4


def prepare(folder: Path) -> None:
    """Puts the shipped classifier and judge and the tiny generators, one with a retrained one for Trouser, into `folder`."""
    for name in ("fashion-mnist-resnet", "fashion-mnist-judge"):
        (folder / name).symlink_to(zoo.MODELS / name)
    home = folder / MODEL
    card = ddpm_card(
        home,
        id=MODEL,
        title="Tiny generator",
        dataset="fashion-mnist",
        judge="fashion-mnist-judge",
        sampling=Sampling(steps=SAMPLER_STEPS, guidance=2.0),
        training={"images_seen": 1000},
    )
    size, digest = unet_folder(home / "retrained", seed=1)
    reference = RetrainedModel(
        spec="class:Trouser", second=False, file=f"retrained/{WEIGHTS}", bytes=size, sha256=digest, seed=1,
        wall_seconds=None, cpu_seconds=4.5, metrics={},
    )  # fmt: skip
    from dataclasses import replace

    write_card(replace(card, retrained=(reference,)))
    Image.fromarray(np.zeros((280, 56), np.uint8)).save(home / "samples.png")
    for name in (DIT, SD):
        published(folder, name)


def main() -> None:
    folder = Path(sys.argv[1])
    prepare(folder)
    zoo.MODELS = folder
    zoo.cards.cache_clear()
    from demos.app_builder import build_app

    build_app().launch()


if __name__ == "__main__":
    main()
