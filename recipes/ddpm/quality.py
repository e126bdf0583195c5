"""Measures a diffusion model in .work/: judge accuracy and Frechet distance of guided samples, a sheet.

    python -m recipes.ddpm.quality [--finished]                       # the original
    python -m recipes.ddpm.quality --without Trouser [--finished]     # the retrained one
    python -m recipes.ddpm.quality --sheet-only                       # only look
    python -m recipes.ddpm.quality --data cifar10 --folder DIR        # another set, by its own judge (recipes.judge)

Writes quality.json and sheet.png beside the model's folder. The Frechet distance is measured in the judge's features, never
to be called FID; its value depends on the number of pictures, so that of as many training pictures stands beside it. Samples
come from the noise of every evaluation (`metrics.generation.SAMPLE_SEED`), so records of different classes share them.
"""

from __future__ import annotations

import argparse
import base64
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DModel
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix
from torch import Tensor

from recipes.command import one_sentence, parser_of
from recipes.ddpm.training import CLASSES, NULL, Recipe, add_data, chosen, load_folder
from recipes.publish import digest_of, means, shares, write_quality
from recipes.train import add_choice, can_compile, chosen_folder
from sfr_core.data.datasets import ASSETS, Pictures
from sfr_core.errors import AssetError
from sfr_core.metrics.generation import SAMPLE_SEED, frechet, moments
from sfr_core.nets.judge import Judge, RealFeatures, pixels_of
from sfr_core.ops.diffusion import Predictor
from sfr_core.ops.sampling import sample_pictures, sampler_steps, sheet_png
from sfr_core.ops.stepwise import drained

SHEET_PER_CLASS = 10


def predictor(model: UNet2DModel, compiled: bool = False) -> Predictor:
    """The model's noise prediction under bf16 autocast, in eval mode."""
    model = model.to(memory_format=torch.channels_last).eval()
    forward = torch.compile(model) if compiled else model

    def predict(x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            out: Tensor = forward(x.contiguous(memory_format=torch.channels_last), t, labels).sample
        return out.float()

    return predict


def draw_samples(
    predict: Predictor, labels: NDArray[np.int64], shape: tuple[int, int, int] = (1, 28, 28), *, steps: int, guidance: float,
    seed: int = SAMPLE_SEED,
) -> NDArray[np.uint8]:  # fmt: skip
    """A picture of each label as a run would draw it, [n, h, w, c]; `shape` is channels, height and width."""
    work = sample_pictures(
        predict, labels, shape, null=NULL, seed=seed, steps=steps, guidance=guidance, device=torch.device("cpu")
    )

    def tell(done: int) -> None:
        if done % steps == 0:
            print(f"{done} of {sampler_steps(len(labels), steps, shape)} sampler steps", flush=True)

    return drained(work, tell)


def measure(
    judge: Judge, samples: NDArray[np.uint8], labels: NDArray[np.int64], train: Pictures, real: RealFeatures,
    names: Sequence[str],
) -> tuple[dict[str, float], dict[str, Any]]:  # fmt: skip
    """Accuracy (accepted as their class), plain accuracy and rejection in percent, and Frechet distances to test pictures.

    Args:
        judge: who looks at the samples [n, h, w, c].
        labels: classes asked for [n], each equally often.
        train: real training pictures, of which as many as samples are compared with the test pictures too.
        real: the judge's features of test pictures.
        names: of the classes.

    Returns what the card says of all classes, and of each.
    """
    found = judge(pixels_of(samples))
    shown = np.unique(labels)
    each = len(labels) // len(shown)
    rows = {}
    for c in shown.tolist():
        mine = labels == c
        known = judge(pixels_of(train.images[train.labels == c][:each])).features
        test = real.means[c], real.covariances[c]
        rows[names[c]] = shares(found.rows(mine), [c]) | {
            "frechet": round(frechet(*moments(found.features[mine]), *test), 3),
            "frechet_of_training_pictures": round(frechet(*moments(known), *test), 3),
        }
    overall = means(rows, 3)
    metrics = {
        "judge_accuracy": overall["accuracy"],
        "judge_accuracy_weakest": min(row["accuracy"] for row in rows.values()),
        "frechet": overall["frechet"],
        "frechet_of_training_pictures": overall["frechet_of_training_pictures"],
    }
    # Rows: class asked for; columns: class accepted, the last one rejected.
    counts = confusion_matrix(labels, found.labels, labels=range(CLASSES + 1))[:CLASSES]
    return metrics, {"classes": rows, "confusion": counts.tolist()}


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    add_data(parser)
    add_choice(parser, "class")
    parser.add_argument("--per-class", type=int, default=50)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--sheet-only", action="store_true", help="only draw; writes no quality.json")
    args = parser.parse_args(argv)
    recipe = chosen(parser, args)
    torch.set_num_threads(1)
    with one_sentence():
        measure_model(args, recipe)


def measure_model(args: argparse.Namespace, recipe: Recipe) -> None:
    """Draws, measures and writes."""
    names, work = recipe.data.class_names, chosen_folder(recipe, args)
    left_out = None if args.without is None else names.index(args.without)
    digest = digest_of(work, recipe)
    predict = predictor(load_folder(work / "model"), compiled=can_compile() and not args.sheet_only)
    # What is missing is said before minutes of drawing.
    judge = None if args.sheet_only else Judge.open(ASSETS / "models" / recipe.judge)
    train = None if args.sheet_only else recipe.pictures(args.folder, None)
    if judge is not None and judge.real is None:
        raise AssetError(
            "The judge has no statistics of test pictures.",
            hint="Run python -m recipes.judge --calibrate, with the --data of the model.",
        )
    begun = time.perf_counter()
    labels = np.repeat(np.array([c for c in range(CLASSES) if c != left_out], np.int64), args.per_class)
    samples = draw_samples(predict, labels, recipe.shape, steps=args.steps, guidance=args.guidance)
    seconds = time.perf_counter() - begun
    columns = min(SHEET_PER_CLASS, args.per_class)
    first = samples.reshape(-1, args.per_class, *samples.shape[1:])[:, :columns]
    (work / "sheet.png").write_bytes(base64.b64decode(sheet_png(np.concatenate(first), columns)))
    if judge is None or judge.real is None or train is None:
        print(f"{work / 'sheet.png'}: {len(samples)} samples in {seconds:.0f} s")
        return
    metrics, quality = measure(judge, samples, labels, train, judge.real, names)
    quality |= {
        "per_class": args.per_class, "steps": args.steps, "guidance": args.guidance, "seed": SAMPLE_SEED,
        "seconds": round(seconds, 1),
    }  # fmt: skip
    write_quality(work, digest, metrics, quality)
    print(json.dumps(metrics, indent=1))
    for name, row in quality["classes"].items():
        print(f"{name:12} {row}")


if __name__ == "__main__":
    main()
