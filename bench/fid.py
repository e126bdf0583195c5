"""Real FID of a generator's samples, where its network can be had; off everywhere unless somebody asks here.

    pip install torch-fidelity
    python -m bench.fid fashion-mnist-ddpm --per-class 100 --steps 50

FID is the Frechet distance in the features of InceptionV3, whose weights torch-fidelity downloads. It was made for coloured
pictures of 299 pixels; on grey ones of 28 it compares two models at equal numbers of pictures and says little else. The
playground itself uses the distance in the bundled judge's features, which is another number and never called FID.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sfr_core.errors import AssetError, PlaygroundError
from sfr_core.metrics.generation import SAMPLE_SEED
from sfr_core.nets.judge import CLASSES
from sfr_core.ops.diffusion import Predictor
from sfr_core.ops.sampling import sample_pictures
from sfr_core.ops.stepwise import drained
from sfr_core.zoo import shipped as zoo

BATCH = 100


def real_fid(samples: NDArray[np.uint8], real: NDArray[np.uint8], extractor: nn.Module | None = None) -> float:
    """FID of pictures uint8 [n, h, w, c] to real ones [m, h, w, c], c 1 or 3.

    Args:
        samples, real: grey pictures are shown to the network as equal red, green and blue.
        extractor: maps uint8 [n, 3, h, w] to features, with an attribute `num_features`; None downloads InceptionV3.

    Raises:
        AssetError: torchmetrics or torch-fidelity is not installed, or the weights cannot be downloaded.
    """
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance

        metric = FrechetInceptionDistance(feature=2048 if extractor is None else extractor)
    except (ImportError, OSError) as error:
        raise AssetError(
            f"FID cannot be had here ({str(error).splitlines()[0]}).",
            hint="Install torch-fidelity and let it download InceptionV3, or use the distance in the judge's features.",
        ) from None
    for pictures, is_real in ((real, True), (samples, False)):
        for part in torch.split(torch.from_numpy(pictures), BATCH):
            rgb = part.permute(0, 3, 1, 2)
            metric.update(rgb.expand(-1, 3, -1, -1), real=is_real)
    return float(metric.compute())


def draw(predict: Predictor, shape: tuple[int, int, int], per_class: int, steps: int) -> NDArray[np.uint8]:
    """`per_class` samples of each class at guidance 2, uint8 [n, h, w, c], from the noise of every evaluation."""
    work = sample_pictures(
        predict, np.repeat(np.arange(CLASSES), per_class), shape, null=CLASSES, seed=SAMPLE_SEED, steps=steps, guidance=2.0,
        device=torch.device("cpu"),
    )  # fmt: skip
    return drained(work)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="identifier of a generator")
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--steps", type=int, default=50)
    args = parser.parse_args(argv)
    try:
        card = zoo.card(args.model)
        if card.kind != "ddpm":
            raise AssetError(f"{args.model} draws nothing.", hint="Choose a generator.")
        model = zoo.open_model(card).eval()
        real = zoo.open_dataset(card).test.images
        real_fid(real[:2], real[:2])  # whether it can be had, before anything is drawn

        def predict(x: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            with torch.autocast("cpu", torch.bfloat16):
                out: torch.Tensor = model(x, t, labels).sample
            return out.float()

        height, width, channels = real.shape[1:]
        samples = draw(predict, (channels, height, width), args.per_class, args.steps)
        print(
            f"FID {real_fid(samples, real):.2f} ({len(samples)} samples, {args.steps} steps, {len(real)} test pictures)"
        )
    except PlaygroundError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
