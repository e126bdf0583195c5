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
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTokenizer

from recipes.command import one_sentence, parser_of
from recipes.emoji.packages import EmojiSet, load
from recipes.latents.autoencoder import latent_set, renew_decoder
from recipes.latents.captions import tokenizer_of
from recipes.latents.recipes import NULL, RECIPES, LatentRecipe, LatentSet, TextUNet, build, save_pipeline, text_encoder
from recipes.latents.selection import Selection, select
from recipes.learner import Denoiser
from recipes.train import (
    add_arguments,
    can_compile,
    chosen_folder,
    keep_training,
    publish_model,
    published,
    take_up,
)  # fmt: skip
from sfr_core.nets.pipelines import sha256_of
from sfr_core.ops.denoising import antithetic_timesteps, drop_labels

DROPOUT = 0.1
"""Share of pictures that are shown without their label or caption."""


class LatentTraining(Denoiser):
    """What both have in common: the stream of pictures, the noise, and where the model is kept.

    `network` is the part of `model` that draws; `seed` decides everything that steps draw; `tokenizer` is that of a model that reads prompts.
    """

    def __init__(
        self, model: torch.nn.Module, network: torch.nn.Module, seed: int, recipe: LatentRecipe, latents: LatentSet,
        compiled: bool = False, device: str = "cpu", tokenizer: CLIPTokenizer | None = None,
    ) -> None:  # fmt: skip
        super().__init__(model, seed, recipe, device)
        self.recipe, self.latents, self.tokenizer = recipe, latents, tokenizer
        self.forward = torch.compile(network) if compiled else network

    def conditioned(self, selection: Selection, rows: Tensor, rng: torch.Generator) -> Callable[..., Tensor]:
        """The prediction of the noise in noised latents at timesteps, asked with what shows in these rows."""
        raise NotImplementedError

    def step(self, selection: Selection) -> float:
        """One Adam step on the next pictures; the plain mean squared error."""
        places, rng = self.next_rows(len(selection.stream))
        rows = torch.from_numpy(selection.stream)[places]
        predict = self.conditioned(selection, rows, rng)
        x = self.latents.pictures[rows]
        t = antithetic_timesteps(len(rows), rng)
        return self.regress(x, t, torch.randn(x.shape, generator=rng), predict)

    def save(self, work: Path) -> str:
        self.save_state(work)
        model = build(self.recipe, 0, self.tokenizer)
        model.load_state_dict(self.average)
        save_pipeline(model, work / "model", self.latents, self.tokenizer)
        return sha256_of(work / "model" / self.recipe.file)


class DiTTraining(LatentTraining):
    """A DiTTransformer2DModel in eval mode: its own dropping of labels, anew in every block, stays off."""

    def conditioned(self, selection: Selection, rows: Tensor, rng: torch.Generator) -> Callable[..., Tensor]:
        labels = drop_labels(torch.from_numpy(selection.labels)[rows], NULL, DROPOUT, rng).to(self.device)
        return lambda noisy, t: self.forward(noisy, timestep=t, class_labels=labels).sample


class TextTraining(LatentTraining):
    """A UNet2DConditionModel and its CLIPTextModel that predict noise together; each picture is shown with one of its captions."""

    tokenizer: CLIPTokenizer
    _tokens: tuple[Selection, Tensor, list[list[int]]] | None = None

    @property
    def model(self) -> TextUNet:
        return cast(TextUNet, self.weights)

    def conditioned(self, selection: Selection, rows: Tensor, rng: torch.Generator) -> Callable[..., Tensor]:
        tokens = self.tokens(selection, rows, rng).to(self.device)

        def predict(noisy: Tensor, t: Tensor) -> Tensor:
            words = self.model.text_encoder(tokens).last_hidden_state
            found: Tensor = self.forward(noisy, t, encoder_hidden_states=words).sample
            return found

        return predict

    def tokens(self, selection: Selection, rows: Tensor, rng: torch.Generator) -> Tensor:
        """Tokens of one caption of each picture, every tenth an empty one, int64 [n, TOKENS]."""
        if self._tokens is None or self._tokens[0] is not selection:
            self._tokens = (selection, *token_table(selection.captions, self.tokenizer))
        _, table, by_row = self._tokens
        chances = torch.rand(len(rows), generator=rng).tolist()
        chosen = torch.tensor([by_row[r][int(c * len(by_row[r]))] for r, c in zip(rows.tolist(), chances, strict=True)])
        return table[drop_labels(chosen, 0, DROPOUT, rng)]


def token_table(captions: Sequence[Sequence[str]], tokenizer: CLIPTokenizer) -> tuple[Tensor, list[list[int]]]:
    """Tokens of every caption once, the empty one first, and for each picture the rows of its captions."""
    texts = ["", *dict.fromkeys(text for some in captions for text in some)]
    number = {text: row for row, text in enumerate(texts)}
    length = tokenizer.model_max_length
    tokens = tokenizer(texts, padding="max_length", truncation=True, max_length=length).input_ids
    return torch.from_numpy(np.array(tokens, np.int64)), [[number[text] for text in some] for some in captions]


def vocabulary(recipe: LatentRecipe, found: EmojiSet, folders: Sequence[Path]) -> CLIPTokenizer:
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
    recipe: LatentRecipe, found: EmojiSet, latents: LatentSet, seed: int, compiled: bool = False, device: str = "cpu",
    folders: Sequence[Path] = (), keep_text: Path | None = None,
) -> LatentTraining:  # fmt: skip
    """A training that saw nothing yet, with the `vocabulary` of one of the folders.

    `keep_text`: a pipeline whose text encoder is taken over and no longer learns.
    """
    if not recipe.text:
        model = build(recipe, seed).eval()
        return DiTTraining(model, model, seed, recipe, latents, compiled, device)
    tokenizer = vocabulary(recipe, found, folders)
    both = cast(TextUNet, build(recipe, seed, tokenizer))
    if keep_text is not None:
        both.text_encoder = text_encoder(keep_text).requires_grad_(False)
    both.unet.to(memory_format=torch.channels_last)
    return TextTraining(both.train(), both.unet, seed, recipe, latents, compiled, device, tokenizer)


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
            publish_model(recipe, args)
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
