"""Measures a latent model in .work/ with the emoji judges: are its samples what was asked for? And a sheet to look at.

    python -m recipes.latents_quality emoji-dit [--finished] [--each 20]
    python -m recipes.latents_quality emoji-sd --finished

Draws with diffusers' own pipeline from the folder of the model, as anybody would, and writes quality.json and samples.png beside
it. `emoji-dit` is asked for each category, `emoji-sd` for each concept by its name; its sheet shows what it can be asked to forget
and twenty common prompts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DiTPipeline, StableDiffusionPipeline
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from recipes.complaints import one_sentence
from recipes.ddpm_folder import QUALITY, sha256
from recipes.emoji_sets import CATEGORIES, CONCEPTS
from recipes.latents import folder_of
from recipes.latents_autoencoder import renew_decoder
from recipes.latents_concepts import categories, objects, shown, styles
from recipes.latents_publish import GUIDANCE, JUDGES, STEPS, main_file
from recipes.latents_sets import RECIPES, LatentRecipe
from sfr_core.data.datasets import ASSETS
from sfr_core.nets.judge import Judge, pixels_of
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


def draw(pipeline: Any, asked: Sequence[Any], seed: int = SEED, steps: int = STEPS) -> NDArray[np.uint8]:
    """A picture of each label or prompt, uint8 [n, h, w, 3]."""
    pipeline.set_progress_bar_config(disable=True)
    made = []
    for begin in range(0, len(asked), BATCH):
        part = list(asked[begin : begin + BATCH])
        rng = torch.Generator().manual_seed(seed + begin)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            made.append(
                pipeline(
                    part, num_inference_steps=steps, guidance_scale=GUIDANCE, generator=rng, output_type="np"
                ).images
            )
        print(f"{begin + len(part)} of {len(asked)} pictures", flush=True)
    return np.concatenate([(255 * images).round().astype(np.uint8) for images in made])


def open_pipeline(folder: Path, recipe: LatentRecipe) -> Any:
    """diffusers' pipeline of a model's folder, in float32."""
    kind = StableDiffusionPipeline if recipe.text else DiTPipeline
    return kind.from_pretrained(folder, torch_dtype=torch.float32, local_files_only=True)


def percent(hits: NDArray[np.bool_]) -> float:
    return round(100 * float(hits.mean()), 2)


def measure(
    judge: Judge, images: NDArray[np.uint8], names: Sequence[str], right: Sequence[Sequence[int]]
) -> dict[str, Any]:
    """Percent of the pictures that the judge accepts as what was asked for, by name and over all.

    Args:
        judge: who looks.
        images: uint8 [n, h, w, 3], equally many of each name, in their order.
        names: what was asked for.
        right: the judge's classes that count as each name.
    """
    found = judge(pixels_of(images))
    each = len(images) // len(names)
    rows = {}
    for i, (name, classes) in enumerate(zip(names, right, strict=True)):
        mine = slice(i * each, (i + 1) * each)
        rows[name] = {
            "accuracy": percent(np.isin(found.labels[mine], classes)),
            "plain_accuracy": percent(np.isin(found.plain[mine], classes)),
            "rejected": percent(found.rejected[mine]),
        }
    means = {
        key: round(float(np.mean([row[key] for row in rows.values()])), 2) for key in ("accuracy", "plain_accuracy")
    }
    return {**means, "samples": len(images), "steps": STEPS, "guidance": GUIDANCE, "by_name": rows}


def of_common(by_name: Mapping[str, Mapping[str, float]]) -> float:
    """Mean accuracy of the twenty prompts that a person would try first, percent."""
    return round(float(np.mean([by_name[name]["accuracy"] for name in COMMON_NAMES])), 2)


def sheet(images: NDArray[np.uint8], columns: int = COLUMNS) -> Image.Image:
    """Pictures in rows of `columns`."""
    rows = len(images) // columns
    _, height, width, channels = images.shape
    tiled = images[: rows * columns].reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return Image.fromarray(tiled.reshape(rows * height, columns * width, channels))


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
    """Writes rows of COLUMNS pictures, with their names inside (sfr_core.zoo.cards.SHEET_ROWS)."""
    said = PngInfo()
    said.add_text(SHEET_ROWS, json.dumps(list(names)))
    sheet(images).save(path, pnginfo=said)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=sorted(RECIPES))
    parser.add_argument("--without", metavar="CATEGORY")
    parser.add_argument("--finished", action="store_true")
    parser.add_argument("--each", type=int, default=20, help="pictures of each category or concept that the judge sees")
    parser.add_argument("--sheet-only", action="store_true", help="only look")
    args = parser.parse_args(argv)
    recipe = RECIPES[args.model]
    torch.set_num_threads(1)
    with one_sentence():
        work = folder_of(recipe, args.without, args.finished)
        if not (work / "model" / main_file(recipe)).exists():
            raise FileNotFoundError(f"{work} holds no model: train one with python -m recipes.latents {recipe.id}.")
        measure_as_asked(args, recipe, work)


def measure_as_asked(args: argparse.Namespace, recipe: LatentRecipe, work: Path) -> None:
    """Draws the sheet, and unless only that was asked for, the pictures for the judge."""
    renew_decoder(work / "model")
    pipeline = open_pipeline(work / "model", recipe)
    rows = sheet_rows(recipe)
    wanted = [texts[column % len(texts)] for texts in rows.values() for column in range(COLUMNS)]
    save_sheet(draw(pipeline, wanted, SEED - 1000), list(rows), work / SAMPLES)
    if args.sheet_only:
        return
    judge = Judge.open(ASSETS / "models" / JUDGES[recipe.id])
    names = list(CONCEPTS) if recipe.text else list(CATEGORIES)
    right = [
        [judge.names.index(c) for c in shown(name)] if recipe.text else [judge.names.index(name)] for name in names
    ]
    asked = [f"a {name}" if recipe.text else i for i, name in enumerate(names) for _ in range(args.each)]
    found = measure(judge, draw(pipeline, asked), names, right)
    metrics = {"sample_accuracy": found["accuracy"]}
    if recipe.text:
        metrics["common_accuracy"] = of_common(found["by_name"])
    print(json.dumps(found, indent=1), flush=True)
    said = {
        "sha256": sha256(work / "model" / main_file(recipe)),
        "metrics": metrics,
        "quality": found,
        "records": {},
    }
    (work / QUALITY).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
