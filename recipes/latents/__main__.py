"""Trains the small latent models of emoji: a diffusion transformer, and a text-to-image model.

    python -m recipes.latents.autoencoder ...            # first, once, to its --freeze: see there; .work/latents
    python -m recipes.latents emoji-dit --minutes 60     # goes on where it was; full state and pipeline in .work/emoji-dit
    python -m recipes.latents emoji-dit --finish 60000   # a last phase from there, in .work/emoji-dit-finished
    python -m recipes.latents emoji-dit --without flags --images 200000    # the retrained one, in .work/emoji-dit-without-flags
    python -m recipes.latents emoji-dit --device cuda --minutes 4          # the same in larger steps on a GPU
    python -m recipes.latents emoji-sd --without cat --keep-text --images 800000    # with the original's text encoder
    python -m recipes.latents.quality emoji-dit --finished                 # what the judge says, and a sheet
    python -m recipes.latents emoji-dit --publish --finished               # copies it to assets/models

`emoji-sd` likewise. Stops and restarts: see recipes/train.py.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from recipes.command import one_sentence, parser_of
from recipes.emoji.packages import EmojiSet, load
from recipes.latents.autoencoder import latent_set, renew_decoder
from recipes.latents.recipes import RECIPES, LatentRecipe, LatentSet
from recipes.latents.selection import select
from recipes.latents.training import LatentTraining, new_training
from recipes.train import (
    add_arguments,
    can_compile,
    chosen_folder,
    keep_training,
    publish_model,
    published,
    take_up,
)  # fmt: skip


def go_on(
    recipe: LatentRecipe, found: EmojiSet, latents: LatentSet, args: argparse.Namespace
) -> tuple[LatentTraining, Path]:
    """The training that the arguments mean, and its folder."""
    target = published(recipe)
    compiled = args.device == "cpu" and not args.eager and can_compile()
    kept = target if args.keep_text else None

    def new(work: Path) -> LatentTraining:
        return new_training(recipe, found, latents, args.seed, compiled, args.device, (work / "model", target), kept)

    training, work = take_up(recipe, args, new)
    if args.keep_text and training.progress.text_until is None:
        training.progress.text_until = training.progress.images
    return training, work


def cpu_pace(recipe: LatentRecipe, steps: int = 10) -> float:
    """CPU seconds of one thread for each picture of a training step on this machine, after two steps to warm up."""
    found = load()
    training = new_training(recipe, found, latent_set(found), 0, can_compile())
    selection = select(found, recipe)
    for _ in range(2):
        training.step(selection)
    begun = time.process_time()
    for _ in range(steps):
        training.step(selection)
    return (time.process_time() - begun) / (steps * recipe.batch)


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("model", choices=sorted(RECIPES))
    add_arguments(parser, "category or concept")
    parser.add_argument("--keep-text", action="store_true", help="the published text encoder, which no longer learns")
    parser.add_argument("--eager", action="store_true", help="do not compile the network")
    args = parser.parse_args(argv)
    recipe = RECIPES[args.model]
    if args.keep_text and not recipe.text:
        parser.error(f"{recipe.id} has no text encoder to keep")
    if args.device == "cuda":
        recipe = replace(recipe, batch=recipe.gpu_batch)
    torch.set_num_threads(1)
    with one_sentence():
        if args.publish:
            renew_decoder(chosen_folder(recipe, args) / "model")
            publish_model(recipe, args, lambda: cpu_pace(recipe))
            return
        found = load()
        latents = latent_set(found)
        selection = select(found, recipe, args.without)
        training, work = go_on(recipe, found, latents, args)
        print(
            f"{sum(p.numel() for p in training.weights.parameters())} parameters, {len(set(selection.stream))} pictures, "
            f"{len(selection.stream)} an epoch, latents times {latents.scale:.3f}",
            flush=True,
        )
        keep_training(training, (selection,), work, args)


if __name__ == "__main__":
    main()
