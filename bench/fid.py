"""Real FID of a generator's samples, where its network can be had; off everywhere unless somebody asks here.

    pip install torch-fidelity
    python -m bench.fid fashion-mnist-ddpm --per-class 100 --steps 50

FID is the Frechet distance in the features of InceptionV3, whose weights torch-fidelity downloads. It was made for coloured
pictures of 299 pixels; on grey ones of 28 it compares two models at equal numbers of pictures and says little else. The
playground itself uses the distance in the bundled judge's features, which is another number and never called FID.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recipes.command import one_sentence, parser_of
from recipes.ddpm.quality import draw_samples, predictor
from sfr_core.errors import AssetError
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


def main(argv: list[str] | None = None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("model", help="identifier of a generator")
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--steps", type=int, default=50)
    args = parser.parse_args(argv)
    with one_sentence():
        card = zoo.card(args.model)
        if card.kind != "ddpm":
            raise AssetError(f"{args.model} draws nothing.", hint="Choose a generator.")
        data = zoo.open_dataset(card)
        real, (height, width, channels) = data.test.images, data.test.images.shape[1:]
        real_fid(real[:2], real[:2])  # whether it can be had, before anything is drawn
        labels = np.repeat(np.arange(len(data.class_names)), args.per_class)
        samples = draw_samples(
            predictor(zoo.open_model(card)), labels, (channels, height, width), steps=args.steps, guidance=2.0
        )
        found = real_fid(samples, real)
        print(f"FID {found:.2f} ({len(samples)} samples, {args.steps} steps, {len(real)} test pictures)")


if __name__ == "__main__":
    main()
