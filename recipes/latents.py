"""Trains the small latent models of emoji: a diffusion transformer, and a text-to-image model.

    python -m recipes.latents_autoencoder ...            # first, once, to its --freeze: see there; .work/latents
    python -m recipes.latents emoji-dit --minutes 60     # goes on where it was; full state and pipeline in .work/emoji-dit
    python -m recipes.latents emoji-dit --finish 60000   # a last phase from there, in .work/emoji-dit-finished
    python -m recipes.latents emoji-dit --without flags --images 200000    # the gold standard, in .work/emoji-dit-without-flags
    python -m recipes.latents emoji-dit --device cuda --minutes 4          # the same in larger steps on a GPU
    python -m recipes.latents emoji-sd --without cat --keep-text --images 800000    # with the original's text encoder
    python -m recipes.latents_quality emoji-dit --finished                 # what the judge says, and a sheet
    python -m recipes.latents emoji-dit --publish --finished               # copies it to assets/models

`emoji-sd` likewise. It stops cleanly on SIGTERM or Ctrl-C. Where the full state in .work/ is gone, it goes on from the published
weights (with new optimiser moments). Everything that a step draws follows from the seed and the number of images seen.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from transformers import CLIPTextModel, CLIPTokenizer

from recipes.complaints import one_sentence
from recipes.ddpm import batches, stop_on_signals
from recipes.ddpm_folder import Progress
from recipes.ddpm_training import keep_training, progress_of
from recipes.emoji import EmojiSet, load
from recipes.latents_autoencoder import latent_set, renew_decoder
from recipes.latents_folder import LatentSet
from recipes.latents_publish import begun_weights, publish
from recipes.latents_sets import RECIPES, LatentRecipe, TextUNet, build, select, tokenizer_of
from recipes.latents_training import DiTTraining, TextTraining
from sfr_core.data.datasets import ASSETS

WORK = Path(__file__).resolve().parents[1] / ".work"


def folder_of(recipe: LatentRecipe, without: str | None, finished: bool) -> Path:
    """Where a training keeps its state."""
    left_out = "" if without is None else f"-without-{without.replace(' ', '-')}"
    return WORK / f"{recipe.id}{left_out}{'-finished' if finished else ''}"


def vocabulary(recipe: LatentRecipe, found: EmojiSet, folders: Sequence[Path] = ()) -> CLIPTokenizer:
    """The tokenizer of the first of these pipelines that is there, else one learned from all captions.

    A tokenizer that is learned twice from the same captions gives the same words other numbers (tokenizers 0.23 follows the order
    of a hash table), so whoever goes on with a text encoder must also take its tokenizer.
    """
    for folder in folders:
        if (folder / "tokenizer").is_dir():
            return CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    captions = frozenset(text for some in select(found, recipe).captions for text in some)
    return tokenizer_of(captions, recipe.vocabulary)


def new_training(
    recipe: LatentRecipe, found: EmojiSet, latents: LatentSet, seed: int, compiled: bool, device: str = "cpu",
    folders: Sequence[Path] = (), keep_text: Path | None = None,
) -> DiTTraining | TextTraining:  # fmt: skip
    """A training that saw nothing yet.

    Args:
        recipe, found, latents, seed, compiled, device: what learns what, and where.
        folders: see `vocabulary`, which is the same where something is left out.
        keep_text: a pipeline whose text encoder is taken over and no longer learns.
    """
    if not recipe.text:
        return DiTTraining(build(recipe, seed), Progress(seed=seed), recipe, latents, compiled, device)
    tokenizer = vocabulary(recipe, found, folders)
    model = build(recipe, seed, tokenizer)
    assert isinstance(model, TextUNet)
    if keep_text is not None:
        kept = CLIPTextModel.from_pretrained(keep_text / "text_encoder", dtype=torch.float32, local_files_only=True)
        model.text_encoder = kept.requires_grad_(False)
    return TextTraining(model, Progress(seed=seed), recipe, latents, tokenizer, compiled, device)


def resume(
    work: Path, published: Path, recipe: LatentRecipe, found: EmojiSet, latents: LatentSet, seed: int, *,
    without: str | None = None, compiled: bool = False, device: str = "cpu", fresh: bool = False,
    keep_text: bool = False,
) -> DiTTraining | TextTraining:  # fmt: skip
    """The training in `work`, else one from the half-precision weights in `published` unless a `fresh` one is asked for, else that.

    `keep_text`: with the text encoder in `published` from now on.

    Raises:
        ValueError: what is there was begun with another seed.
    """
    training = new_training(
        recipe, found, latents, seed, compiled, device, (work / "model", published), published if keep_text else None
    )
    if (work / "state.pt").exists():
        training.load_state(work)
    else:
        begun = None if fresh else begun_weights(published, recipe, without)
        if begun is not None:
            weights, training.progress = begun
            training.weights.load_state_dict(weights)
            training.average = {name: tensor.detach().clone() for name, tensor in training.weights.state_dict().items()}
    if keep_text and training.progress.text_until is None:
        training.progress.text_until = training.progress.images
    if training.progress.seed != seed:
        raise ValueError(f"The training in {work} or {published} has seed {training.progress.seed}, not {seed}.")
    return training


def train_as_asked(args: argparse.Namespace, recipe: LatentRecipe) -> None:
    """Trains until a limit.

    Raises:
        AssetError: the pictures cannot be read. FileNotFoundError: there is no autoencoder, or nothing to finish.
        ValueError: another seed, or no such category.
    """
    found = load()
    latents = latent_set(found)
    selection = select(found, recipe, args.without)
    source, work = folder_of(recipe, args.without, False), folder_of(recipe, args.without, bool(args.finish))
    begin_last = bool(args.finish) and (not (work / "state.pt").exists() or progress_of(work).finished >= 1)
    if begin_last and not (source / "state.pt").exists():
        raise FileNotFoundError(f"{source} holds no training to finish.")
    training = resume(
        source if begin_last else work, ASSETS / "models" / recipe.id, recipe, found, latents, args.seed,
        without=args.without, compiled=args.device == "cpu" and shutil.which("g++") is not None and not args.eager,
        device=args.device, fresh=args.fresh, keep_text=args.keep_text,
    )  # fmt: skip
    if begin_last:
        training.begin_finish(args.finish)
    print(
        f"{sum(p.numel() for p in training.weights.parameters())} parameters, {len(set(selection.stream))} pictures, "
        f"{len(selection.stream)} an epoch, latents times {latents.scale:.3f}",
        flush=True,
    )
    steps = batches(args.minutes, args.images, training.progress, stop_on_signals())
    keep_training(training, lambda: training.step(selection), steps, work)


def cpu_pace(recipe: LatentRecipe, steps: int = 10) -> float:
    """CPU seconds of one thread for each picture of a training step on this machine, after two steps to warm up."""
    found = load()
    training = new_training(recipe, found, latent_set(found), 0, shutil.which("g++") is not None)
    selection = select(found, recipe)
    for _ in range(2):
        training.step(selection)
    begun = time.process_time()
    for _ in range(steps):
        training.step(selection)
    return (time.process_time() - begun) / (steps * recipe.batch)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=sorted(RECIPES))
    parser.add_argument("--minutes", type=float, help="stop after this time")
    parser.add_argument("--images", type=int, help="stop when so many images were seen in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--without", metavar="NAME", help="the gold standard: train without this category or concept")
    parser.add_argument("--finish", type=int, metavar="N", help="a last phase of N images with a falling rate")
    parser.add_argument(
        "--fresh", action="store_true", help="from nothing but the vocabulary, also where weights are published"
    )
    parser.add_argument(
        "--keep-text", action="store_true", help="with the published text encoder, which no longer learns"
    )
    parser.add_argument("--eager", action="store_true", help="do not compile the network")
    parser.add_argument("--publish", action="store_true", help="copy the model of .work/ to assets/models")
    parser.add_argument("--finished", action="store_true", help="with --publish: the model of the last phase")
    parser.add_argument("--draft", action="store_true", help="with --publish: do not offer it on the page yet")
    args = parser.parse_args(argv)
    recipe = RECIPES[args.model]
    if args.keep_text and not recipe.text:
        parser.error(f"{recipe.id} has no text encoder to keep")
    if args.device == "cuda":
        recipe = replace(recipe, batch=recipe.gpu_batch)
    torch.set_num_threads(1)
    with one_sentence():
        if args.publish:
            work = folder_of(recipe, args.without, args.finished)
            renew_decoder(work / "model")
            progress = progress_of(work)
            pace = None if progress.device == "cpu" else cpu_pace(recipe)
            card = publish(
                work, ASSETS / "models" / recipe.id, progress, recipe, args.without, draft=args.draft, pace=pace
            )
            print(f"{card.folder}: {card.training.get('images_seen')} images seen, metrics {card.metrics}")
        else:
            train_as_asked(args, recipe)


if __name__ == "__main__":
    main()
