"""Finds presets for the shipped classifier on held-out pictures: the second 1,000 of each class, never the test set.

    python -m recipes.tuning.classifier sfr-on class:Sneaker class:Shirt --grid lr=0.01,0.02 forget_every=2,5 --set steps=100
    python -m recipes.tuning.classifier sfr-on class:Sneaker --try "lr=0.03 forget_every=10" "batch_size=96 steps=200" --seeds 0 1

Every combination of --grid, and every setting of --try, runs on every forget specification with every seed; one JSON line
each goes to .work/tuning/METHOD.jsonl, and at the end one line per setting to the screen: the test accuracy on what remains
that is missing to the retrained model, what is left of the forgotten class, Avg.D and CPU time. Random shares need the
retrained models of `python -m recipes.classifier --tuning` (forget seeds 100 and 101, which no benchmark uses).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import torch

from recipes.classifier import ID, TUNING_SPECS, Job
from recipes.command import one_sentence
from recipes.tuning.trials import LOGS, NEVER, Outcome, arguments, assignments, single, try_all
from sfr_core.cancel import CancelToken
from sfr_core.configs import Precision, RunConfig
from sfr_core.data.datasets import (
    FASHION_FULL,
    SHIPPED_PER_CLASS,
    Dataset,
    fashion_mnist,
    first_per_class,
    read_idx_pair,
)
from sfr_core.events import Finished
from sfr_core.nets.pipelines import sha256_of
from sfr_core.presets import resolve
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session
from sfr_core.zoo.shipped import ModelCard, RetrainedModel, card


@cache
def held_out() -> Dataset:
    """The shipped training pictures with 10,000 other training pictures of the full set in the place of the test set."""
    full = read_idx_pair(FASHION_FULL, "train")
    rows = first_per_class(full.labels, SHIPPED_PER_CLASS, skip=SHIPPED_PER_CLASS)
    return replace(fashion_mnist(), name="fashion-mnist-held-out", test=full.rows(rows))


@cache
def tuning_card() -> ModelCard:
    """The shipped card with the retrained models that only tuning uses."""
    shipped, blank = card(ID), {"bytes": 0, "seed": 0, "wall_seconds": 0.0, "cpu_seconds": 0.0, "metrics": {}}
    more = []
    for spec in TUNING_SPECS:
        path = LOGS / Job(spec).file
        digest = sha256_of(path) if path.exists() else ""
        more.append(RetrainedModel(spec=spec, second=False, file=str(path), sha256=digest, **blank))
    return replace(shipped, retrained=(*shipped.retrained, *more))


def trial(method: str, forget: str, settings: dict[str, Any], seed: int = 0, precision: Precision = "bf16") -> Outcome:
    """One run on the held-out pictures; returns its metrics."""
    config = RunConfig(model=ID, forget=forget, method=method, settings=settings, seed=seed, precision=precision)
    session = Session.open(config, tuning_card(), dataset=held_out())
    cpu = time.process_time()
    events = list(run(session, cancel=CancelToken(), live_every=NEVER))
    cpu = round(time.process_time() - cpu, 1)
    (result,) = [event.result for event in events if isinstance(event, Finished)]
    assert result is not None
    return {
        **_rounded(result.after, ("FA", "RA", "TA", "MIA", "TA_forget", "TA_remain", "KL")),
        "avg_d": result.avg_d,
        "avg_d_before": result.avg_d_before,
        "retrained": result.retrained and _rounded(result.retrained, ("FA", "RA", "TA", "MIA", "TA_remain")),
        "density": result.mask_density,
        "passes": result.passes,
        "seconds": round(result.seconds, 1),
        "cpu": cpu,
    }


def _rounded(record: Any, names: Sequence[str]) -> dict[str, float]:
    """What was measured of these metrics."""
    found = {name: getattr(record, name) for name in names}
    return {name: round(value, 2) for name, value in found.items() if value is not None}


def summary(outcomes: list[dict[str, Any]]) -> str:
    """One line for the runs of one setting: what the held-out pictures say of it, over forget sets and seeds."""
    parts = []
    classes = [o for o in outcomes if "TA_forget" in o and o["retrained"]]
    if classes:
        by_class: dict[str, list[float]] = {}
        for o in classes:
            by_class.setdefault(o["forget"], []).append(o["retrained"]["TA_remain"] - o["TA_remain"])
        means = {forget: sum(found) / len(found) for forget, found in by_class.items()}
        worst = max(means, key=lambda forget: means[forget])
        parts.append(
            f"missing {sum(means.values()) / len(means):.2f}, most {means[worst]:.2f} ({worst}), "
            f"forgotten class at most {max(o['TA_forget'] for o in classes):.1f}"
        )
    judged = [o["avg_d"] for o in outcomes if o.get("avg_d") is not None]
    if judged:
        parts.append(f"Avg.D {sum(judged) / len(judged):.2f}, at most {max(judged):.2f}")
    parts.append(f"CPU {sum(o['cpu'] for o in outcomes) / len(outcomes):.1f} s")
    return "; ".join(parts)


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__, "SPEC", seed=0)
    parser.add_argument("--grid", nargs="*", default=[], metavar="FIELD=VALUE,VALUE")
    parser.add_argument("--set", nargs="*", default=[], dest="fixed", metavar="FIELD=VALUE")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    with one_sentence():
        fixed = single(args.method, args.fixed)
        grid = assignments(args.method, args.grid, many=True)
        chosen = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
        tried = [single(args.method, text.split()) for text in args.tried]
        settings = [{**fixed, **changes} for changes in ([] if tried and not grid else chosen) + tried]

        def one(changed: dict[str, Any], forget: str, seed: int) -> Outcome:
            resolved = resolve(ID, args.method, args.preset, overrides=changed, forget=forget)
            return trial(args.method, forget, resolved, seed)

        try_all(settings, args.forget, args.seeds, one, summary, LOGS / f"{args.method}.jsonl")


if __name__ == "__main__":
    main()
