"""The two latent models as their recipes publish them, of a few thousand weights that never learnt anything, with judges to match.

Pictures are 64x64, classes, concepts and prompts those of the real ones; only sizes and numbers of samples are small.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from recipes.emoji.groups import CATEGORIES, fine_groups
from recipes.latents.concepts import write_concepts
from recipes.latents.quality import COLUMNS, save_sheet, sheet_rows
from recipes.latents.training import new_training
from recipes.learner import Progress
from recipes.publish import publish
from sfr_core.data.concepts import FILE
from sfr_core.metrics.generation import RealFeatures
from sfr_core.nets.judge import CARD, Judge
from sfr_core.nets.pipelines import sha256_of
from sfr_core.nets.resnet import SmallResNet
from sfr_core.zoo.cards import ModelCard, Sampling, write_card
from tests.recipes.generators import LATENTS, some_emoji, tiny_latent

SIDE = 64
STEPS = 2
DIT, SD = "emoji-dit", "emoji-sd"


def judge_classes(model: str) -> tuple[str, ...]:
    """Classes of the judge of either model, as recipes.judge.emoji names them."""
    if model == DIT:
        return tuple(CATEGORIES)
    return tuple(f"{name}, {style} style" for style in ("google", "twitter") for name in fine_groups())


def write_judge(folder: Path, names: Sequence[str]) -> None:
    """An untrained judge that finds every picture near enough to what it takes it for."""
    folder.mkdir(parents=True, exist_ok=True)
    k = len(names)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = SmallResNet(3, k + 1, widths=(4, 4, 8), blocks=1)
        means = torch.randn(k, 8)
    real = RealFeatures(means.double().numpy(), np.stack([np.eye(8)] * k), np.full(k, 9), np.ones(k))
    judge = Judge(network, means, torch.eye(8), torch.full((k,), 1e9), real)
    judge.save(folder / "model.safetensors")
    said = {"file": "model.safetensors", "sha256": sha256_of(folder / "model.safetensors"), "classes": list(names)}
    (folder / CARD).write_text(json.dumps(said))


def sheet_pictures(model: str) -> NDArray[np.uint8]:
    """What stands on the model's sheet: the picture in row r and column k is (3 r, 9 k, 200) all over."""
    rows = len(sheet_rows(tiny_latent(model)))
    colours = [(3 * row, 9 * column, 200) for row in range(rows) for column in range(COLUMNS)]
    return np.array(colours, np.uint8)[:, None, None].repeat(SIDE, 1).repeat(SIDE, 2)


def published(models: Path, model: str, *, sheet: bool = True) -> ModelCard:
    """The model and its judge in a folder of models; with few pictures of its own before a run and few sampler steps."""
    recipe, work = tiny_latent(model), models / f"{model}.work"
    training = new_training(recipe, some_emoji(), LATENTS, 0, False)
    training.save(work)
    if sheet:
        save_sheet(sheet_pictures(model), list(sheet_rows(recipe)), work / "samples.png")
    progress = Progress(seed=0, images=1000, steps=10, cpu_seconds=2.0)
    card = publish(work, models / model, progress, recipe, draft=False)
    card = replace(card, sampling=Sampling(steps=STEPS, guidance=3.0))
    write_card(card)
    if model == SD:
        write_concepts(card.folder)
        listed = json.loads((card.folder / FILE).read_text()) | {"free_forget": 8, "free_remain": 16}
        (card.folder / FILE).write_text(json.dumps(listed))
    write_judge(models / recipe.judge, judge_classes(model))
    return card
