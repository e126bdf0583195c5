"""Measures a diffusion model in .work/: judge accuracy and Frechet distance of guided samples, records for its card, a sheet.

    python -m recipes.ddpm_quality [--finished]                       # the original: quality and the record of every class
    python -m recipes.ddpm_quality --without Trouser [--finished]     # the retrained one: quality and its one record
    python -m recipes.ddpm_quality --finished --bench Trouser         # adds a record with the benchmark's numbers, 500@50
    python -m recipes.ddpm_quality --sheet-only                       # only look
    python -m recipes.ddpm_quality --data cifar10 --folder DIR        # another set, by its own judge (recipes.judge)

Writes quality.json and sheet.png beside the model's folder. The Frechet distance is measured in the judge's features, never
to be called FID; its value depends on the number of pictures, so that of as many training pictures stands beside it. Samples
come from the noise of every evaluation (`metrics.generation.SAMPLE_SEED`), so records of different classes share them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DModel
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from recipes.complaints import one_sentence
from recipes.ddpm import folder_of
from recipes.ddpm_folder import QUALITY, digest_of, load_folder, measured
from recipes.ddpm_sets import CLASSES, NULL, RECIPES, Recipe
from sfr_core.data.datasets import ASSETS, Pictures
from sfr_core.errors import AssetError
from sfr_core.metrics.generation import (
    BENCH,
    PAGE,
    SAMPLE_SEED,
    Protocol,
    frechet,
    generator_record,
    moments,
    sample_plan,
)
from sfr_core.nets.judge import Judge, RealFeatures, Verdict, pixels_of
from sfr_core.ops.diffusion import Predictor
from sfr_core.ops.sampling import sample_pictures, sampler_steps, tiles
from sfr_core.ops.stepwise import drained
from sfr_core.results import GeneratorRecord

SHEET_PER_CLASS = 10
GREY = "#606060"


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
) -> Tensor:  # fmt: skip
    """A picture of each label as a run would draw it, [n, *shape] in 0 to 1, of 256 levels."""
    work = sample_pictures(
        predict, labels, shape, null=NULL, seed=seed, steps=steps, guidance=guidance, device=torch.device("cpu")
    )

    def tell(done: int) -> None:
        if done % steps == 0:
            print(f"{done} of {sampler_steps(len(labels), steps, shape)} sampler steps", flush=True)

    return pixels_of(drained(work, tell))


def first_rows(labels: NDArray[np.int64], plan: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of `labels` that make up `plan`: the first ones of each class.

    Raises:
        ValueError: there are too few of a class.
    """
    rows = []
    for c, n in zip(*np.unique(plan, return_counts=True), strict=True):
        found = np.flatnonzero(labels == c)[:n]
        if len(found) < n:
            raise ValueError(f"{len(found)} samples of class {c}, {n} are needed.")
        rows.append(found)
    return np.concatenate(rows)


def records(
    verdict: Verdict, labels: NDArray[np.int64], real: RealFeatures, protocol: Protocol, forgotten: Iterable[int],
    names: Sequence[str],
) -> dict[str, dict[str, GeneratorRecord]]:  # fmt: skip
    """The record of each class in `forgotten`, as if it were the forgotten one, from shared samples."""
    made = {}
    for c in forgotten:
        rows = first_rows(labels, sample_plan([c], CLASSES, protocol.n))
        record = generator_record(
            verdict.rows(rows), labels[rows], [c], real, steps=protocol.steps, guidance=protocol.guidance
        )
        made[f"class:{names[c]}"] = {protocol.name: record}
    return made


def measure(
    judge: Judge, samples: Tensor, labels: NDArray[np.int64], train: Pictures, real: RealFeatures, names: Sequence[str]
) -> dict[str, Any]:
    """Accuracy (accepted as their class), plain accuracy and rejection in percent, and Frechet distances, per class.

    Args:
        judge: who looks.
        samples: [n, c, h, w] in 0 to 1, equally many of each class that occurs.
        labels: classes asked for [n].
        train: real training pictures, of which as many as samples are compared with the test pictures too.
        real: the judge's features of test pictures.
        names: of the classes.
    """
    found = judge(samples)
    shown = np.unique(labels)
    each = len(labels) // len(shown)
    rows = {}
    for c in shown.tolist():
        mine = labels == c
        known = judge(pixels_of(train.images[train.labels == c][:each])).features
        test = real.means[c], real.covariances[c]
        rows[names[c]] = {
            "accuracy": percent(found.labels[mine] == c),
            "plain_accuracy": percent(found.plain[mine] == c),
            "rejected": percent(found.rejected[mine]),
            "frechet": round(frechet(*moments(found.features[mine]), *test), 3),
            "frechet_of_training_pictures": round(frechet(*moments(known), *test), 3),
        }
    weakest = min(rows.values(), key=lambda row: row["accuracy"])["accuracy"]
    return {"mean": means(rows), "weakest": weakest, "classes": rows} | mistakes(found, labels)


def percent(hits: NDArray[np.bool_]) -> float:
    return round(100 * float(hits.mean()), 2)


def means(rows: dict[str, dict[str, float]]) -> dict[str, float]:
    first = next(iter(rows.values()))
    return {key: round(sum(row[key] for row in rows.values()) / len(rows), 3) for key in first}


def mistakes(found: Verdict, labels: NDArray[np.int64]) -> dict[str, Any]:
    """Rows: class asked for; columns: class accepted, last one rejected; counts."""
    table = np.zeros((CLASSES, CLASSES + 1), int)
    np.add.at(table, (labels, found.labels), 1)
    return {"confusion": table.tolist()}


def sheet(samples: Tensor, labels: NDArray[np.int64], *, scale: int = 3) -> Image.Image:
    """One row per class of its first SHEET_PER_CLASS samples, each pixel `scale` wide, a grey line between pictures."""
    side, gap = samples.shape[-1] * scale, 2
    shown = np.unique(labels)
    across = min(SHEET_PER_CLASS, int(np.bincount(labels).max()))
    image = Image.new("RGB" if samples.shape[1] == 3 else "L", (across * (side + gap), len(shown) * (side + gap)))
    image.paste(GREY, (0, 0, *image.size))
    pictures = tiles((samples * 255).round().to(torch.uint8))
    for down, c in enumerate(shown):
        for i, row in enumerate(np.flatnonzero(labels == c)[:across]):
            tile = Image.fromarray(pictures[row].squeeze()).resize((side, side), Image.Resampling.NEAREST)
            image.paste(tile, (i * (side + gap), down * (side + gap)))
    return image


def card_quality(found: dict[str, Any], protocol: Protocol, seconds: float) -> tuple[dict[str, float], dict[str, Any]]:
    """The card's flat metrics, and the table of classes that stands beside them."""
    metrics = {
        "judge_accuracy": found["mean"]["accuracy"],
        "judge_accuracy_weakest": found["weakest"],
        "frechet": found["mean"]["frechet"],
        "frechet_of_training_pictures": found["mean"]["frechet_of_training_pictures"],
    }
    said = {
        "per_class": protocol.n, "steps": protocol.steps, "guidance": protocol.guidance, "seed": SAMPLE_SEED,
        "seconds": round(seconds, 1), "classes": found["classes"], "confusion": found["confusion"],
    }  # fmt: skip
    return metrics, said


def written_records(
    predict: Predictor,
    judge: Judge,
    labels: NDArray[np.int64],
    protocol: Protocol,
    forgotten: Iterable[int],
    recipe: Recipe,
) -> dict[str, dict[str, Any]]:
    """Draws `labels` and returns the records of the `forgotten` classes as JSON takes them.

    Raises:
        AssetError: the judge knows nothing of test pictures.
    """
    samples = draw_samples(predict, labels, recipe.shape, steps=protocol.steps, guidance=protocol.guidance)
    made = records(judge(samples), labels, real_of(judge), protocol, forgotten, recipe.data.class_names)
    return {spec: {name: asdict(one) for name, one in rows.items()} for spec, rows in made.items()}


def real_of(judge: Judge) -> RealFeatures:
    """What the judge knows of test pictures.

    Raises:
        AssetError: nothing.
    """
    if judge.real is None:
        raise AssetError(
            "The judge has no statistics of test pictures.",
            hint="Run python -m recipes.judge --calibrate, with the --data of the model.",
        )
    return judge.real


def add_bench(work: Path, predict: Predictor, judge: Judge, classes: Iterable[int], recipe: Recipe) -> None:
    """Adds the benchmark's record of each of `classes` to what was measured on the same weights.

    Raises:
        ValueError: nothing was, or on other weights.
    """
    digest = digest_of(work)
    found = measured(work, digest)
    if not found["metrics"]:
        raise ValueError(f"{work} holds no {QUALITY} yet: run python -m recipes.ddpm_quality without --bench first.")
    for c in classes:
        made = written_records(predict, judge, sample_plan([c], CLASSES, BENCH.n), BENCH, [c], recipe)
        for spec, rows in made.items():
            found["records"].setdefault(spec, {}).update(rows)
        (work / QUALITY).write_text(json.dumps({"sha256": digest, **found}) + "\n", encoding="utf-8")
        print(made, flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=sorted({data for data, _ in RECIPES}), default="fashion-mnist")
    parser.add_argument("--size", choices=("small", "paper"), default="small")
    parser.add_argument("--folder", type=Path, help="where the pictures are, if not in the usual place")
    parser.add_argument("--without", metavar="CLASS", help="the model retrained without this class")
    parser.add_argument("--finished", action="store_true", help="the model of the last phase")
    parser.add_argument("--work", type=Path, help="another folder that holds model/")
    parser.add_argument("--per-class", type=int, default=50)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--no-records", action="store_true")
    parser.add_argument("--sheet-only", action="store_true", help="only draw; writes no quality.json")
    parser.add_argument(
        "--bench", nargs="+", default=[], metavar="CLASS", help="only add the benchmark's records of these"
    )
    args = parser.parse_args(argv)
    if (args.data, args.size) not in RECIPES:
        parser.error(f"there is no {args.size} network for {args.data}")
    names = RECIPES[args.data, args.size].data.class_names
    if not {*args.bench, *filter(None, [args.without])} <= set(names):
        parser.error(f"no such class; there are {', '.join(names)}")
    torch.set_num_threads(1)
    with one_sentence():
        measure_as_asked(args)


def measure_as_asked(args: argparse.Namespace) -> None:
    """Draws, measures and writes.

    Raises:
        FileNotFoundError: there is no model.
        InputError: the sampler steps do not divide the schedule, or the judge is missing or knows no test pictures.
        ValueError: what was measured belongs to other weights, or --bench comes before it.
    """
    recipe = RECIPES[args.data, args.size]
    names = recipe.data.class_names
    work: Path = args.work or folder_of(recipe, args.without, args.finished)
    left_out = None if args.without is None else names.index(args.without)
    digest = digest_of(work)
    predict = predictor(load_folder(work / "model"), compiled=shutil.which("g++") is not None and not args.sheet_only)
    opened = ASSETS / "models" / recipe.judge
    if args.bench:
        add_bench(work, predict, Judge.open(opened), [names.index(name) for name in args.bench], recipe)
        return
    judge = None if args.sheet_only else Judge.open(opened)
    train = (
        None if judge is None else recipe.pictures(args.folder, None)
    )  # what is missing is said before minutes of drawing
    begun = time.perf_counter()
    labels = np.repeat(np.array([c for c in range(CLASSES) if c != left_out], np.int64), args.per_class)
    samples = draw_samples(predict, labels, recipe.shape, steps=args.steps, guidance=args.guidance)
    seconds = time.perf_counter() - begun
    sheet(samples, labels).save(work / "sheet.png")
    if judge is None or train is None:
        print(f"{work / 'sheet.png'}: {len(samples)} samples in {seconds:.0f} s")
        return
    found = measure(judge, samples, labels, train, real_of(judge), names)
    metrics, quality = card_quality(found, Protocol(args.per_class, args.steps, args.guidance), seconds)
    written: dict[str, Any] = {"sha256": digest, "metrics": metrics, "quality": quality, "records": {}}
    if not args.no_records:
        asked = list(range(CLASSES)) if left_out is None else [left_out]
        everything = np.repeat(np.arange(CLASSES), PAGE.n)
        labels = everything if left_out is None else sample_plan([left_out], CLASSES, PAGE.n)
        written["records"] = written_records(predict, judge, labels, PAGE, asked, recipe)
    (work / QUALITY).write_text(json.dumps(written) + "\n", encoding="utf-8")
    print(json.dumps(metrics, indent=1))
    for name, row in found["classes"].items():
        print(f"{name:12} {row}")
    for spec, rows in written["records"].items():
        print(spec, rows)


if __name__ == "__main__":
    main()
