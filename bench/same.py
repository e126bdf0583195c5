"""Whether this checkout computes what another one did: the default run of each shipped model, weights bit for bit.

    git clone . ../base && git -C ../base checkout COMMIT
    python -m bench.same ../base [--models ID ...] [--threads 1] [--steps N] [--reference-out DIR] [--out DIR]

Each run is a `python -m sfr_core run` of its checkout: quick preset, seed 0, 32 bits, on the CPU. The other checkout's runs are kept in
a folder of their commit, threads and steps, and made only where they are missing. Where a machine is slow, `--steps 5` compares the first
steps of the same runs. Compared are the tensors of
after.safetensors and every value of result.json but times, memory and versions. Exit status 1: something differs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from recipes.command import parser_of

ROOT = Path(__file__).resolve().parents[1]
DEFAULTS = {
    "fashion-mnist-resnet": "class:Sneaker",
    "emoji-dit": "class:flags",
    "fashion-mnist-ddpm": "class:Trouser",
    "emoji-sd": "concept:cat",
}
"""What the page forgets of each model where nobody chooses."""
MACHINE = {"seconds", "peak_memory_bytes", "versions"}
"""Of result.json: what no two runs of one checkout have in common."""


def command(checkout: Path, model: str, out: Path) -> list[str]:
    """The default run of a model in a checkout, which may call the method otherwise."""
    asked = "from sfr_core import presets; print(presets.default_method('%s') if hasattr(presets, 'default_method') else 'sfr-on')"
    surroundings = {**os.environ, "PYTHONPATH": str(checkout)}
    method = subprocess.run(
        [sys.executable, "-c", asked % model],
        cwd=checkout,
        env=surroundings,
        capture_output=True,
        text=True,
        check=True,
    )
    run_it = [
        "run",
        "--model",
        model,
        "--forget",
        DEFAULTS[model],
        "--method",
        method.stdout.strip(),
        "--preset",
        "quick",
    ]
    return [
        sys.executable,
        "-m",
        "sfr_core",
        *run_it,
        "--seed",
        "0",
        "--device",
        "cpu",
        "--precision",
        "fp32",
        "--out",
        str(out),
    ]


def run(checkout: Path, model: str, threads: int, steps: int | None, out: Path) -> Path:
    """The default run of a model in a checkout, or its first steps, unless `out` holds it already.

    Raises:
        CalledProcessError: the run failed; its reason stands on stderr.
    """
    if not (out / "result.json").exists():
        more = ["--overwrite", *([] if steps is None else ["--set", f"steps={steps}"])]
        count = str(threads)
        surroundings = {
            "PYTHONPATH": str(checkout),
            "OMP_NUM_THREADS": count,
            "MKL_NUM_THREADS": count,
            "UNLEARNING_CACHE": "off",
        }
        subprocess.run(
            [*command(checkout, model, out), *more],
            cwd=checkout, env={**os.environ, **surroundings}, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
    return out


def weight_differences(a: Path, b: Path) -> Iterator[str]:
    """Each tensor of two safetensors files that has not the same type, shape and bits."""
    ours, theirs = load_file(a), load_file(b)
    for name in sorted(ours.keys() | theirs.keys()):
        x, y = ours.get(name), theirs.get(name)
        if x is None or y is None:
            yield f"{name} only in {a if y is None else b}"
        elif (x.dtype, x.shape) != (y.dtype, y.shape):
            yield f"{name}: {x.dtype} {tuple(x.shape)}, was {y.dtype} {tuple(y.shape)}"
        elif not torch.equal(x.contiguous().flatten().view(torch.uint8), y.contiguous().flatten().view(torch.uint8)):
            yield f"{name}: up to {(x.double() - y.double()).abs().max():.3g} apart"


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a JSON object with its path, times and versions left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in MACHINE:
                yield from leaves(inner, f"{path}.{key}" if path else key)
    else:
        yield path, value


def value_differences(a: Path, b: Path) -> Iterator[str]:
    """Each value of two result.json that differs."""
    ours, theirs = (dict(leaves(json.loads(path.read_text()))) for path in (a, b))
    for path in sorted(ours.keys() | theirs.keys()):
        x, y = ours.get(path, "absent"), theirs.get(path, "absent")
        if x != y:
            yield f"{path}: {x}, was {y}"


def compare(ours: Path, theirs: Path) -> list[str]:
    """What differs between two folders of a run; empty where nothing does."""
    weights = weight_differences(ours / "after.safetensors", theirs / "after.safetensors")
    return [*weights, *value_differences(ours / "result.json", theirs / "result.json")]


def main(argv: list[str] | None = None) -> int:
    parser = parser_of(__doc__)
    parser.add_argument("other", type=Path, help="another checkout of this repository")
    parser.add_argument("--models", nargs="+", choices=DEFAULTS, default=list(DEFAULTS))
    parser.add_argument("--threads", type=int, default=1, help="of torch, in both")
    parser.add_argument("--steps", type=int, help="of each run; default: the preset's")
    parser.add_argument("--reference-out", type=Path, help="keeps the other's runs; default: beside it, with -runs")
    parser.add_argument("--out", type=Path, help="keeps this checkout's runs; default: nowhere")
    args = parser.parse_args(argv)
    other = args.other.resolve()
    head = subprocess.run(["git", "-C", str(other), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    kept = (args.reference_out or other.with_name(f"{other.name}-runs")).resolve()
    reference = kept / f"{head.stdout[:12]}-t{args.threads}{f'-s{args.steps}' if args.steps else ''}"
    differ = False
    with tempfile.TemporaryDirectory() as folder:
        mine = (args.out or Path(folder)).resolve()
        for model in args.models:
            theirs = run(other, model, args.threads, args.steps, reference / model)
            found = compare(run(ROOT, model, args.threads, args.steps, mine / model), theirs)
            differ = differ or bool(found)
            print(f"{model:24}{DEFAULTS[model]:16}{'DIFFERS' if found else 'same weights and numbers'}", flush=True)
            for line in found[:20]:
                print(f"    {line}")
            if len(found) > 20:
                print(f"    and {len(found) - 20} more")
    return int(differ)


if __name__ == "__main__":
    sys.exit(main())
