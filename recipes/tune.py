"""Finds presets for the shipped classifier on held-out pictures: the second 1,000 of each class, never the test set.

    python -m recipes.tune sfr-on class:Sneaker class:Shirt --grid lr=0.01,0.02 forget_every=2,5 --set steps=100

Every combination of --grid runs on every forget specification; one JSON line each goes to .work/tuning/METHOD.jsonl and a
table to the screen. Random shares need the gold standards of `python -m recipes.classifier --tuning`
(forget seeds 100 and 101, which no benchmark uses).
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from recipes.classifier import ID, TUNING, TUNING_SEEDS, Job
from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig, parse_value
from sfr_core.data.datasets import (
    FASHION_FULL,
    SHIPPED_PER_CLASS,
    Dataset,
    fashion_mnist,
    first_per_class,
    read_idx_pair,
)
from sfr_core.errors import ConfigError, UnknownName
from sfr_core.events import Finished
from sfr_core.methods import METHODS
from sfr_core.presets import resolve
from sfr_core.runner import run
from sfr_core.session import Session
from sfr_core.zoo import GoldStandard, ModelCard, build_module, card, open_model


@cache
def held_out() -> Dataset:
    """The shipped training pictures with 10,000 other training pictures of the full set in the place of the test set."""
    full = read_idx_pair(FASHION_FULL, "train")
    rows = first_per_class(full.labels, SHIPPED_PER_CLASS, skip=SHIPPED_PER_CLASS)
    return replace(fashion_mnist(), name="fashion-mnist-held-out", test=full.rows(rows))


@cache
def tuning_card() -> ModelCard:
    """The shipped card with the two gold standards that only tuning uses."""
    shipped = card(ID)
    golds = []
    for seed in TUNING_SEEDS:
        job = Job(f"random:0.1@{seed}")
        path = TUNING / job.file
        golds.append(
            GoldStandard(
                spec=job.spec, twin=False, file=str(path), bytes=0, sha256=_digest(path), seed=0,
                wall_seconds=0.0, cpu_seconds=0.0, metrics={},
            )
        )  # fmt: skip
    return replace(shipped, retrained=(*shipped.retrained, *golds))


def _digest(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def trial(method: str, forget: str, settings: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    """One run on the held-out pictures; returns settings and metrics."""
    config = RunConfig(model=ID, forget=forget, method=method, settings=settings, seed=seed, precision="bf16")
    shipped = tuning_card()
    session = Session(
        config, shipped, held_out(), lambda: open_model(shipped), lambda: build_module(shipped.architecture)
    )
    cpu = time.process_time()
    for event in run(session, cancel=CancelToken(), live_every=10**6):
        if isinstance(event, Finished) and event.result is not None:
            r = event.result
            kept = {k: round(getattr(r.after, k), 2) for k in ("FA", "RA", "TA", "MIA", "TA_forget", "TA_remain", "KL")
                    if getattr(r.after, k) is not None}  # fmt: skip
            gold = r.retrained
            return {
                "forget": forget, **kept, "avg_d": r.avg_d, "avg_d_before": r.avg_d_before,
                "retrained": None if gold is None else {k: round(getattr(gold, k) or 0, 2) for k in ("FA", "RA", "TA", "MIA", "TA_remain")},
                "density": r.mask_density, "seconds": round(r.seconds, 1), "cpu": round(time.process_time() - cpu, 1),
            }  # fmt: skip
    raise RuntimeError("the run ended without a result")


def parse_assignments(method: str, texts: list[str], *, many: bool) -> dict[str, list[Any]]:
    """`field=a,b` to values of the method's config."""
    known = {s.name: s for s in METHODS[method].config_cls.settings()}
    found = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if name not in known:
            raise UnknownName("field", name, known)
        if not equals:
            raise ConfigError(f"'{text}' gives no value.", hint="Write field=value.")
        found[name] = [parse_value(known[name], v) for v in (values.split(",") if many else [values])]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=sorted(METHODS))
    parser.add_argument("forget", nargs="+")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--grid", nargs="*", default=[])
    parser.add_argument("--set", nargs="*", default=[], dest="fixed")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    grid = parse_assignments(args.method, args.grid, many=True)
    fixed = {k: v[0] for k, v in parse_assignments(args.method, args.fixed, many=False).items()}
    TUNING.mkdir(parents=True, exist_ok=True)
    for values in itertools.product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        for forget in args.forget:
            settings = resolve(ID, args.method, args.preset, overrides={**fixed, **chosen}, forget=forget)
            outcome = {"set": {**fixed, **chosen}, **trial(args.method, forget, settings, args.seed)}
            with open(TUNING / f"{args.method}.jsonl", "a") as log:
                log.write(json.dumps(outcome) + "\n")
            print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main()
