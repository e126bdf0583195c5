"""Finds presets for the shipped classifier on held-out pictures: the second 1,000 of each class, never the test set.

    python -m recipes.tune sfr-on class:Sneaker class:Shirt --grid lr=0.01,0.02 forget_every=2,5 --set steps=100
    python -m recipes.tune sfr-on class:Sneaker --try "lr=0.03 forget_every=10" "batch_size=96 steps=200" --seeds 0 1 --lean

Every combination of --grid, and every setting of --try, runs on every forget specification with every seed; one JSON line
each goes to .work/tuning/METHOD.jsonl, and at the end one line per setting to the screen: the test accuracy on what remains
that is missing to the retrained model, what is left of the forgotten class, Avg.D and CPU time. Random shares need the
gold standards of `python -m recipes.classifier --tuning` (forget seeds 100 and 101, which no benchmark uses).
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

import numpy as np
import torch

from recipes.classifier import ID, TUNING, TUNING_SEEDS, Job
from sfr_core.cancel import CancelToken
from sfr_core.catalog import BY_KIND, spec_of
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
from sfr_core.presets import resolve
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session
from sfr_core.zoo.shipped import GoldStandard, ModelCard, card


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


def trial(method: str, forget: str, settings: dict[str, Any], seed: int = 0, *, lean: bool = False) -> dict[str, Any]:
    """One run on the held-out pictures; returns settings and metrics.

    Args:
        lean: of a class, measure only the accuracies on the held-out pictures (a fifth less time).
    """
    config = RunConfig(model=ID, forget=forget, method=method, settings=settings, seed=seed, precision="bf16")
    session = Session.of_card(config, tuning_card(), dataset=held_out())
    cpu = time.process_time()
    if lean and session.split.spec.classes:
        for _ in run(session, cancel=CancelToken(), live_every=10**6, evaluate=False):
            pass
        cpu = time.process_time() - cpu
        return {"forget": forget, "seed": seed, **_accuracies(session), "cpu": round(cpu, 1)}
    for event in run(session, cancel=CancelToken(), live_every=10**6):
        if isinstance(event, Finished) and event.result is not None:
            r = event.result
            kept = {k: round(getattr(r.after, k), 2) for k in ("FA", "RA", "TA", "MIA", "TA_forget", "TA_remain", "KL")
                    if getattr(r.after, k) is not None}  # fmt: skip
            gold = r.retrained
            return {
                "forget": forget, "seed": seed, **kept, "avg_d": r.avg_d, "avg_d_before": r.avg_d_before,
                "retrained": None if gold is None else {k: round(getattr(gold, k) or 0, 2) for k in ("FA", "RA", "TA", "MIA", "TA_remain")},
                "density": r.mask_density, "seconds": round(r.seconds, 1), "cpu": round(time.process_time() - cpu, 1),
            }  # fmt: skip
    raise RuntimeError("the run ended without a result")


def _accuracies(session: Session) -> dict[str, Any]:
    """TA_forget and TA_remain in percent of the present weights, and TA_remain of the retrained model."""
    labels = session.dataset.test.labels
    forgotten = np.isin(labels, session.split.spec.classes)
    hits = session.task.predict("test").argmax(1) == labels
    gold = session.answers("retrained")
    kept = None if gold is None else 100 * float((gold.test.argmax(1) == labels)[~forgotten].mean())
    return {
        "TA_forget": round(100 * float(hits[forgotten].mean()), 2),
        "TA_remain": round(100 * float(hits[~forgotten].mean()), 2),
        "retrained": None if kept is None else {"TA_remain": round(kept, 2)},
    }


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


def parse_assignments(method: str, texts: list[str], *, many: bool, kind: str = "classifier") -> dict[str, list[Any]]:
    """`field=a,b` to values of the method's config, as it works on this kind of model."""
    known = {s.name: s for s in spec_of(method, kind).config_cls.settings()}
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
    parser.add_argument("method", choices=sorted(BY_KIND["classifier"]))
    parser.add_argument("forget", nargs="+")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--grid", nargs="*", default=[])
    parser.add_argument("--set", nargs="*", default=[], dest="fixed")
    parser.add_argument("--try", nargs="*", default=[], dest="tried", metavar="'FIELD=VALUE ...'")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--lean", action="store_true", help="of classes, measure only held-out accuracies")
    args = parser.parse_args()
    torch.set_num_threads(1)
    fixed = single(args.method, args.fixed)
    grid = parse_assignments(args.method, args.grid, many=True)
    chosen = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    tried = [single(args.method, text.split()) for text in args.tried]
    TUNING.mkdir(parents=True, exist_ok=True)
    lines = []
    for changes in ([] if tried and not grid else chosen) + tried:
        changed, outcomes = {**fixed, **changes}, []
        for forget, seed in itertools.product(args.forget, args.seeds):
            settings = resolve(ID, args.method, args.preset, overrides=changed, forget=forget)
            outcome = {"set": changed, **trial(args.method, forget, settings, seed, lean=args.lean)}
            outcomes.append(outcome)
            with open(TUNING / f"{args.method}.jsonl", "a") as log:
                log.write(json.dumps(outcome) + "\n")
            print(json.dumps(outcome), flush=True)
        lines.append(f"{json.dumps(changed)}: {summary(outcomes)}")
        print(lines[-1], flush=True)
    print("\n".join(["", *lines]))


def single(method: str, texts: list[str], kind: str = "classifier") -> dict[str, Any]:
    """`field=value` to values of the method's config."""
    return {name: values[0] for name, values in parse_assignments(method, texts, many=False, kind=kind).items()}


if __name__ == "__main__":
    main()
