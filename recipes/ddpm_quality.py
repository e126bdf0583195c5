"""Measures the diffusion model in .work/ddpm/model: judge accuracy and Frechet distance of guided samples, and a sheet.

    python -m recipes.ddpm_quality [--per-class 50] [--steps 50] [--guidance 2] [--folder FOLDER]

Writes quality.json and sheet.png beside the model's folder. The Frechet distance is measured in the judge's features, never
to be called FID; its value depends on the number of pictures, so that of as many training pictures stands beside it.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DModel
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from recipes.ddpm import WORK
from recipes.ddpm_folder import CLASSES, NULL, WEIGHTS, load_folder, sha256
from recipes.judge import ID as JUDGE
from sfr_core.data.datasets import ASSETS, FASHION_CLASSES, FASHION_FULL, Pictures, read_idx_pair
from sfr_core.nets.judge import NONE, Judge, Verdict, pixels_of
from sfr_core.ops.diffusion import Predictor, ddim

BATCH = 100
SHEET_PER_CLASS = 10


def predictor(model: UNet2DModel) -> Predictor:
    """The model's noise prediction under bf16 autocast, in eval mode."""
    model = model.to(memory_format=torch.channels_last).eval()

    def predict(x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            out: Tensor = model(x.contiguous(memory_format=torch.channels_last), t, labels).sample
        return out.float()

    return predict


def draw_samples(
    predict: Predictor, per_class: int, *, steps: int, guidance: float, seed: int
) -> tuple[Tensor, Tensor]:
    """`per_class` pictures of each class, [10 n, 1, 28, 28] in 0 to 1 rounded to 256 greys, sorted by class; and labels."""
    labels = torch.arange(CLASSES).repeat_interleave(per_class)
    noise = torch.randn((len(labels), 1, 28, 28), generator=torch.Generator().manual_seed(seed))
    parts = [
        ddim(predict, n, y, null=NULL, steps=steps, guidance=guidance)
        for n, y in zip(torch.split(noise, BATCH), torch.split(labels, BATCH), strict=True)
    ]
    return ((torch.cat(parts) + 1) * 127.5).round() / 255, labels


def frechet(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Frechet distance of two normal distributions fitted to features [n, d] and [m, d]:
    |mean a - mean b|^2 + tr(A + B - 2 (A B)^(1/2)).
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    A, B = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(A)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ B @ root).clip(0)).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(A) + np.trace(B) - 2 * cross)


def measure(
    judge: Judge, samples: Tensor, labels: NDArray[np.int64], train: Pictures, test: Pictures
) -> dict[str, Any]:
    """Accuracy (accepted as their class), plain accuracy and rejection in percent, and Frechet distances, per class."""
    found = judge(samples)
    per_class = len(labels) // CLASSES
    real = {c: judge(pixels_of(test.images[test.labels == c])).features for c in range(CLASSES)}
    known = {c: judge(pixels_of(train.images[train.labels == c][:per_class])).features for c in range(CLASSES)}
    rows = {}
    for c, name in enumerate(FASHION_CLASSES):
        mine = labels == c
        rows[name] = {
            "accuracy": percent(found.labels[mine] == c),
            "plain_accuracy": percent(found.plain[mine] == c),
            "rejected": percent(found.labels[mine] == NONE),
            "frechet": round(frechet(found.features[mine], real[c]), 3),
            "frechet_of_training_pictures": round(frechet(known[c], real[c]), 3),
        }
    return {"mean": means(rows), "weakest": min(row["accuracy"] for row in rows.values()), "classes": rows} | mistakes(
        found, labels
    )


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


def sheet(samples: Tensor, per_class: int, *, scale: int = 3) -> Image.Image:
    """One row per class of the first SHEET_PER_CLASS samples, each pixel `scale` wide, a grey line between pictures."""
    side, gap = 28 * scale, 2
    shown = min(SHEET_PER_CLASS, per_class)
    image = Image.new("L", (shown * (side + gap), CLASSES * (side + gap)), 96)
    greys = (samples[:, 0] * 255).round().to(torch.uint8).numpy()
    for c in range(CLASSES):
        for i in range(shown):
            tile = Image.fromarray(greys[c * per_class + i]).resize((side, side), Image.Resampling.NEAREST)
            image.paste(tile, (i * (side + gap), c * (side + gap)))
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=WORK / "ddpm" / "model")
    parser.add_argument("--per-class", type=int, default=50)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument(
        "--sheet-only", action="store_true", help="only draw; needs no judge and writes no quality.json"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    digest = sha256(args.folder / WEIGHTS)
    predict = predictor(load_folder(args.folder))
    begun = time.perf_counter()
    samples, labels = draw_samples(predict, args.per_class, steps=args.steps, guidance=args.guidance, seed=args.seed)
    seconds = time.perf_counter() - begun
    sheet(samples, args.per_class).save(args.folder.parent / "sheet.png")
    if args.sheet_only:
        print(f"{args.folder.parent / 'sheet.png'}: {len(samples)} samples in {seconds:.0f} s")
        return
    judge = Judge.load(ASSETS / "models" / JUDGE / "model.safetensors")
    train, test = read_idx_pair(FASHION_FULL, "train"), read_idx_pair(FASHION_FULL, "t10k")
    quality = {
        "sha256": digest, "per_class": args.per_class, "steps": args.steps, "guidance": args.guidance,
        "seed": args.seed, "seconds": round(seconds, 1), **measure(judge, samples, labels.numpy(), train, test),
    }  # fmt: skip
    (args.folder.parent / "quality.json").write_text(json.dumps(quality) + "\n", encoding="utf-8")
    print(json.dumps({key: quality[key] for key in ("per_class", "steps", "seconds", "mean", "weakest")}, indent=1))
    for name, row in quality["classes"].items():
        print(f"{name:12} {row}")


if __name__ == "__main__":
    main()
