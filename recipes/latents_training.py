"""Training steps of the latent models: a transformer that is asked with labels, a U-Net that is asked with words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import DiTTransformer2DModel
from torch import Tensor
from transformers import CLIPTokenizer

from recipes.ddpm_folder import Progress
from recipes.ddpm_training import Denoiser, draw, rows_at
from recipes.latents_folder import LatentSet, save_pipeline
from recipes.latents_sets import NULL, LatentRecipe, Selection, TextUNet
from sfr_core.ops.denoising import antithetic_timesteps, drop_labels

DROPOUT = 0.1
"""Share of pictures that are shown without their label or caption."""


class LatentTraining(Denoiser):
    """What both have in common: the stream of pictures, the noise, and where the model is kept."""

    recipe: LatentRecipe

    def __init__(
        self, model: torch.nn.Module, progress: Progress, recipe: LatentRecipe, latents: LatentSet, device: str = "cpu"
    ) -> None:
        super().__init__(model.to(device), progress, recipe, device)
        self.recipe, self.latents = recipe, latents

    def pictures(self, selection: Selection) -> tuple[Tensor, torch.Generator]:
        """Rows of the next pictures, and the generator of everything else that this step draws."""
        at, seed, batch = self.progress.images, self.progress.seed, self.recipe.batch
        rows = selection.stream[rows_at(seed, at, batch, len(selection.stream))]
        return torch.from_numpy(rows), draw(seed, at)

    def towards_noise(self, rows: Tensor, rng: torch.Generator, predict: Callable[[Tensor, Tensor], Tensor]) -> float:
        """One step on these pictures; the plain mean squared error."""
        x = self.latents.pictures[rows]
        t = antithetic_timesteps(len(rows), rng)
        return self.regress(x, t, torch.randn(x.shape, generator=rng), predict)


class DiTTraining(LatentTraining):
    """A DiTTransformer2DModel that predicts noise; its own dropping of labels, anew in every block, stays off."""

    def __init__(
        self,
        model: DiTTransformer2DModel,
        progress: Progress,
        recipe: LatentRecipe,
        latents: LatentSet,
        compiled: bool,
        device: str = "cpu",
    ) -> None:
        super().__init__(model.eval(), progress, recipe, latents, device)
        self.model = model
        self.forward = torch.compile(model) if compiled else model

    def step(self, selection: Selection) -> float:
        """One Adam step on the next pictures; the plain mean squared error."""
        rows, rng = self.pictures(selection)
        labels = torch.from_numpy(selection.labels)[rows]
        labels = drop_labels(labels, NULL, DROPOUT, rng).to(self.device)
        return self.towards_noise(
            rows, rng, lambda noisy, t: self.forward(noisy, timestep=t, class_labels=labels).sample
        )

    def save(self, work: Path) -> str:
        """Full state and half-precision pipeline into `work`; returns the sha256 of the model's weights."""
        self.save_state(work)
        return save_pipeline(self.average, work / "model", self.recipe, self.latents)


class TextTraining(LatentTraining):
    """A UNet2DConditionModel and its CLIPTextModel that predict noise together."""

    def __init__(
        self,
        model: TextUNet,
        progress: Progress,
        recipe: LatentRecipe,
        latents: LatentSet,
        tokenizer: CLIPTokenizer,
        compiled: bool,
        device: str = "cpu",
    ) -> None:
        model.unet.to(memory_format=torch.channels_last)
        super().__init__(model.train(), progress, recipe, latents, device)
        self.model, self.tokenizer = model, tokenizer
        self.forward = torch.compile(model.unet) if compiled else model.unet
        self._tokens: tuple[Selection, Tensor, list[list[int]]] | None = None

    def step(self, selection: Selection) -> float:
        """One Adam step on the next pictures, each with one of its captions; the plain mean squared error."""
        rows, rng = self.pictures(selection)
        tokens = self.tokens(selection, rows, rng).to(self.device)

        def predict(noisy: Tensor, t: Tensor) -> Tensor:
            words = self.model.text_encoder(tokens).last_hidden_state
            found: Tensor = self.forward(noisy, t, encoder_hidden_states=words).sample
            return found

        return self.towards_noise(rows, rng, predict)

    def tokens(self, selection: Selection, rows: Tensor, rng: torch.Generator) -> Tensor:
        """Tokens of one caption of each picture, every tenth an empty one, int64 [n, TOKENS]."""
        if self._tokens is None or self._tokens[0] is not selection:
            self._tokens = (selection, *token_table(selection.captions, self.tokenizer))
        _, table, by_row = self._tokens
        chances = torch.rand(len(rows), generator=rng).tolist()
        chosen = torch.tensor([by_row[r][int(c * len(by_row[r]))] for r, c in zip(rows.tolist(), chances, strict=True)])
        return table[drop_labels(chosen, 0, DROPOUT, rng)]

    def save(self, work: Path) -> str:
        """Full state and half-precision pipeline into `work`; returns the sha256 of the U-Net's weights."""
        self.save_state(work)
        return save_pipeline(self.average, work / "model", self.recipe, self.latents, self.tokenizer)


def token_table(captions: Sequence[Sequence[str]], tokenizer: CLIPTokenizer) -> tuple[Tensor, list[list[int]]]:
    """Tokens of every caption once, the empty one first, and for each picture the rows of its captions."""
    texts = ["", *dict.fromkeys(text for some in captions for text in some)]
    number = {text: row for row, text in enumerate(texts)}
    length = tokenizer.model_max_length
    tokens = tokenizer(texts, padding="max_length", truncation=True, max_length=length).input_ids
    return torch.from_numpy(np.array(tokens, np.int64)), [[number[text] for text in some] for some in captions]
