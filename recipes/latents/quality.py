"""Measures a latent model in .work/ with the emoji judges: are its samples what was asked for? And a sheet to look at.

    python -m recipes.latents.quality emoji-dit [--finished] [--each 20]
    python -m recipes.latents.quality emoji-sd --finished

Draws with diffusers' own pipeline from the folder of the model, as anybody would, and writes quality.json and samples.png beside
it. `emoji-dit` is asked for each category, `emoji-sd` for each concept by its name; its sheet shows what it can be asked to forget
and twenty common prompts.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DiTPipeline, StableDiffusionPipeline
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from recipes.command import one_sentence, parser_of
from recipes.emoji.groups import CATEGORIES, CONCEPTS
from recipes.latents.autoencoder import renew_decoder
from recipes.latents.concepts import categories, objects, shown, styles
from recipes.latents.recipes import RECIPES, LatentRecipe
from recipes.publish import digest_of, means, shares, write_quality
from recipes.train import add_choice, chosen_folder
from sfr_core.data.datasets import ASSETS
from sfr_core.nets.judge import Judge, pixels_of
from sfr_core.ops.sampling import sheet_png
from sfr_core.zoo.cards import SAMPLES, SHEET_ROWS

SEED = 1234
BATCH = 50
COLUMNS = 10

COMMON_NAMES = (
    "cat", "dog", "heart", "flag", "face", "clock", "car", "flower", "tree", "house",
    "hand", "bird", "fruit", "cake", "drink", "train", "boat", "moon", "ball", "person",
)  # fmt: skip
COMMON = tuple(f"a {name}" for name in COMMON_NAMES)
"""The twenty prompts that a person would try first."""


def draw(pipeline: Any, recipe: LatentRecipe, asked: Sequence[Any], seed: int = SEED) -> NDArray[np.uint8]:
    """A picture of each label or prompt, uint8 [n, h, w, 3]."""
    pipeline.set_progress_bar_config(disable=True)
    steps, guidance = recipe.sampling.steps, recipe.sampling.guidance
    made = []
    for begin in range(0, len(asked), BATCH):
        part = list(asked[begin : begin + BATCH])
        rng = torch.Generator().manual_seed(seed + begin)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            drawn = pipeline(part, num_inference_steps=steps, guidance_scale=guidance, generator=rng, output_type="np")
        made.append((255 * drawn.images).round().astype(np.uint8))
        print(f"{begin + len(part)} of {len(asked)} pictures", flush=True)
    return np.concatenate(made)


def measure(
    judge: Judge, images: NDArray[np.uint8], names: Sequence[str], right: Sequence[Sequence[int]]
) -> dict[str, dict[str, float]]:
    """Percent of the pictures [n, h, w, 3] that the judge accepts as what was asked for, by name.

    There are equally many of each name, in their order; `right` are the judge's classes that count as it.
    """
    found = judge(pixels_of(images))
    numbers = np.arange(len(images)) // (len(images) // len(names))
    return {
        name: shares(found.rows(numbers == i), classes)
        for i, (name, classes) in enumerate(zip(names, right, strict=True))
    }


def sheet_rows(recipe: LatentRecipe) -> dict[str, tuple[Any, ...]]:
    """What the sheet shows: the name of every row, and what is asked for there, in turn, by label or prompt.

    The text-to-image model is asked for every concept that can be forgotten by its own prompts, so that the page can show
    people what they choose from, and then for the rest of COMMON.
    """
    if not recipe.text:
        return {name: (i,) for i, name in enumerate(CATEGORIES)}
    listed = [entry for entry in objects() + categories() + styles() if entry["offered"]]
    rows: dict[str, tuple[Any, ...]] = {entry["name"]: tuple(entry["direct"]) for entry in listed}
    asked = {text for texts in rows.values() for text in texts}
    return rows | {text: (text,) for text in COMMON if text not in asked}


def save_sheet(images: NDArray[np.uint8], names: Sequence[str], path: Path) -> None:
    """Writes rows of COLUMNS pictures, with their names inside (sfr_core.cards.SHEET_ROWS)."""
    said = PngInfo()
    said.add_text(SHEET_ROWS, json.dumps(list(names)))
    Image.open(io.BytesIO(base64.b64decode(sheet_png(images, COLUMNS)))).save(path, pnginfo=said)


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("model", choices=sorted(RECIPES))
    add_choice(parser, "category or concept")
    parser.add_argument("--each", type=int, default=20, help="pictures of each category or concept that the judge sees")
    parser.add_argument("--sheet-only", action="store_true", help="only look")
    args = parser.parse_args(argv)
    recipe = RECIPES[args.model]
    torch.set_num_threads(1)
    with one_sentence():
        measure_model(args, recipe, chosen_folder(recipe, args))


def measure_model(args: argparse.Namespace, recipe: LatentRecipe, work: Path) -> None:
    """Draws the sheet, and unless only that was asked for, the pictures for the judge."""
    digest = digest_of(work, recipe)
    renew_decoder(work / "model")
    kind = StableDiffusionPipeline if recipe.text else DiTPipeline
    pipeline = kind.from_pretrained(work / "model", torch_dtype=torch.float32, local_files_only=True)
    rows = sheet_rows(recipe)
    wanted = [texts[column % len(texts)] for texts in rows.values() for column in range(COLUMNS)]
    save_sheet(draw(pipeline, recipe, wanted, SEED - 1000), list(rows), work / SAMPLES)
    if args.sheet_only:
        return
    judge = Judge.open(ASSETS / "models" / recipe.judge)
    names = list(CONCEPTS) if recipe.text else list(CATEGORIES)
    right = [
        [judge.names.index(c) for c in shown(name)] if recipe.text else [judge.names.index(name)] for name in names
    ]
    asked = [f"a {name}" if recipe.text else i for i, name in enumerate(names) for _ in range(args.each)]
    by_name = measure(judge, draw(pipeline, recipe, asked), names, right)
    overall = means(by_name, 2)
    quality = {
        "accuracy": overall["accuracy"],
        "plain_accuracy": overall["plain_accuracy"],
        "samples": len(asked),
        "steps": recipe.sampling.steps,
        "guidance": recipe.sampling.guidance,
        "by_name": by_name,
    }
    metrics = {"sample_accuracy": overall["accuracy"]}
    if recipe.text:
        metrics["common_accuracy"] = means({name: by_name[name] for name in COMMON_NAMES}, 2)["accuracy"]
    print(json.dumps(quality, indent=1), flush=True)
    write_quality(work, digest, metrics, quality)


if __name__ == "__main__":
    main()
