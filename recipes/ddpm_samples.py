"""Draws the picture of a published diffusion model's card: `samples.png` in its folder, a row of four samples for each class.

    python -m recipes.ddpm_samples

The noise is fixed (SEED, chosen once and not among several); steps and guidance are those that the card names.
"""

from __future__ import annotations

import argparse
import base64
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from recipes.complaints import one_sentence
from sfr_core.errors import InputError
from sfr_core.ops.sampling import sample_pictures, sheet_png
from sfr_core.ops.stepwise import drained
from sfr_core.zoo import shipped as zoo

COLUMNS = 4
SEED = 2024
NAME = "samples.png"


def draw(model_id: str) -> Path:
    """Writes the sheet into the model's folder and returns its path.

    Raises:
        UnknownName: no such model. InputError: not a generator.
    """
    card = zoo.card(model_id)
    if card.sampling is None:
        raise InputError(f"'{model_id}' is not a generator.", hint="Choose a diffusion model.")
    data, model = zoo.open_dataset(card), zoo.open_model(card)
    height, width, channels = data.train.images.shape[1:]
    classes = len(data.class_names)
    work = sample_pictures(
        lambda x, t, y: model(x, t, y).sample,
        np.repeat(np.arange(classes), COLUMNS),
        (channels, height, width),
        null=classes,
        seed=SEED,
        steps=card.sampling.steps,
        guidance=card.sampling.guidance,
        device=torch.device("cpu"),
    )
    path = card.folder / NAME
    path.write_bytes(base64.b64decode(sheet_png(drained(work), COLUMNS)))
    return path


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="fashion-mnist-ddpm")
    args = parser.parse_args(argv)
    with one_sentence():
        print(draw(args.model))


if __name__ == "__main__":
    main()
