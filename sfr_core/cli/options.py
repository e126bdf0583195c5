"""Options that say what is run on what; a run and a race have them in common. No torch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from sfr_core.configs import Device, Memory, Precision, PresetName, Variant

WHAT = ("model", "forget", "redirect", "preset", "variant", "device", "precision", "memory", "data_free")
"""Options of `add_what` that are fields of a run's configuration."""


def add_what(parser: argparse.ArgumentParser) -> None:
    """Adds them."""
    parser.add_argument(
        "--model", metavar="ID", help="model to change (see: models), or the folder of a diffusers pipeline"
    )
    parser.add_argument(
        "--forget",
        metavar="SPEC",
        help="class:NAME[,NAME...], random:SHARE[@SEED], samples:ROW[,...], files:NAME[,...] (either also :@FILE), concept:TEXT",
    )
    parser.add_argument("--redirect", metavar="TEXT", help="prompt that is answered in place of the forgotten concept")
    parser.add_argument("--preset", metavar="|".join(get_args(PresetName)), help="how much is spent (default quick)")
    parser.add_argument(
        "--variant",
        metavar="|".join(get_args(Variant)),
        help="the authors' code, or the method as written (default official)",
    )
    parser.add_argument("--device", metavar="|".join(get_args(Device)), help="default auto")
    parser.add_argument("--precision", metavar="|".join(get_args(Precision)), help="default auto: what is faster here")
    parser.add_argument(
        "--memory",
        metavar="|".join(get_args(Memory)),
        help="spare: recompute activations, hold still parts in half precision",
    )
    parser.add_argument(
        "--data", metavar="DIR", help="pictures for a classifier of your own: a folder or zip, class = subfolder"
    )
    parser.add_argument(
        "--data-free", action="store_true", default=None, help="let a generator draw the pictures itself before the run"
    )
    parser.add_argument(
        "--weights", metavar="FILE", help="its weights, safetensors; or the folder of a run to go on from"
    )
    parser.add_argument(
        "--architecture", metavar="NAME", help="torchvision:NAME, timm:NAME (with ?size=32&...) or a JSON file"
    )
    parser.add_argument(
        "--retrained",
        type=Path,
        metavar="FILE",
        help="the same network retrained without the forget set, to compare with: safetensors, or the folder of a retrain run",
    )
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="run even on a classifier that hardly recognises its own training pictures",
    )


def given_fields(args: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """Fields of a RunConfig as far as their options were given, as texts."""
    wanted = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if wanted.pop("data_free", False):
        wanted["data"] = "data-free"
    if any([args.data, args.weights, args.architecture]):
        wanted.setdefault("model", "own:")
    return wanted
