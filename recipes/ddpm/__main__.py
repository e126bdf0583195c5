"""Trains the shipped class-conditional diffusion model on all 60,000 pictures of Fashion-MNIST.

    python -m recipes.ddpm --minutes 60             # goes on where it was; full state and model in .work/ddpm
    python -m recipes.ddpm --without Trouser --images 2000000   # the retrained model, in .work/ddpm-without-Trouser
    python -m recipes.ddpm --finish 100000          # a last phase from there, in .work/ddpm-finished: the rate falls to 0
    python -m recipes.ddpm.quality --finished       # judge accuracy of its samples, records and a sheet
    python -m recipes.ddpm --publish --finished     # copies the model with that quality to assets/models

`--data cifar10` takes CIFAR-10 (`--folder` with train/CLASS/ and test/CLASS/, else torchvision's download), with a small
network or, on a GPU, the paper's (`--size paper --device cuda`). Stops and restarts: see recipes/train.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from recipes.command import one_sentence, parser_of
from recipes.ddpm.training import Training, add_data, chosen
from recipes.learner import to_pixels
from recipes.train import add_arguments, can_compile, keep_training, publish_model, take_up


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    add_data(parser)
    add_arguments(parser, "class")
    args = parser.parse_args(argv)
    recipe = chosen(parser, args)
    torch.set_num_threads(1)
    with one_sentence():
        if args.publish:
            publish_model(recipe, args)
            return
        data = recipe.pictures(args.folder, args.without)
        training, work = take_up(recipe, args, lambda _: Training(args.seed, recipe, can_compile(), args.device))
        training.progress.folder = args.folder is not None
        keep_training(training, (to_pixels(data.images), torch.from_numpy(data.labels)), work, args)


if __name__ == "__main__":
    main()
