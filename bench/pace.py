"""What a step of each method costs on this machine's CPU, so that runs on a GPU can be compared at equal CPU time too.

    python -m bench.pace MODEL FORGET [METHOD ...]      # for example: emoji-dit flags; default: all baselines

Writes bench/results/pace.json. Where several runs share a GPU, no clock there tells what a method takes; so with --device cuda the
other benchmarks give each method as many steps as would fit into SFR-on's time here (bench.equal_time).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from bench.equal_time import TRIAL_STEPS, Measured, bare_run, cost, steps_for
from bench.store import locked, machine, write
from sfr_core.catalog import spec_of
from sfr_core.configs import RunConfig
from sfr_core.data.splits import forget_spec
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.ops.stepwise import drained
from sfr_core.presets import resolve
from sfr_core.runs.session import Session
from sfr_core.tasks.base import Preparable
from sfr_core.zoo.shipped import card

RESULTS = Path(__file__).parent / "results" / "pace.json"
RIVALS = {
    "ddpm": ("selective-amnesia", "salun", "joint", "gradient-ascent", "finetune"),
    "dit": ("salun", "selective-amnesia", "joint", "gradient-ascent", "finetune"),
    "text-to-image": ("esd-x", "esd-u", "salun", "uce", "concept-ablation"),
}
"""The baselines that a kind of model is compared with."""


def load() -> dict[str, dict[str, Any]]:
    """What was measured, by model and method."""
    return dict(json.loads(RESULTS.read_text(encoding="utf-8"))) if RESULTS.exists() else {}


def measure(model: str, kind: str, forget: str, method: str) -> dict[str, Any]:
    """A trial of a few steps of a method's quick preset on one thread."""
    settings = resolve(model, method, forget=forget_spec(kind, forget), kind=kind)
    config = RunConfig(
        model=model, forget=forget_spec(kind, forget), method=method, settings={**settings, "steps": TRIAL_STEPS},
        device="cpu",
    )  # fmt: skip
    session = Session.of_card(config, card(model))
    if isinstance(session.task, Preparable):
        drained(session.task.prepare())
    return {"forget": forget, "settings": settings, **asdict(bare_run(session)), "machine": machine()}


def equal_steps(model: str, method: str, settings: dict[str, Any], ours: dict[str, Any]) -> tuple[int, float]:
    """Steps of `method` that cost what SFR-on's run with the settings `ours` does, and that cost in CPU seconds.

    Raises:
        InputError: one of the two was not measured here with these settings (their number of steps aside).
    """
    found = load().get(model, {})
    trials = []
    for who, wanted in (("sfr-on", ours), (method, settings)):
        row = found.get(who)
        if row is None or {**row["settings"], "steps": 0} != {**wanted, "steps": 0}:
            raise InputError(
                f"What a step of {who} costs on {model} is not known for these settings.",
                hint=f"Measure it: python -m bench.pace {model} NAME {who}",
            )
        trials.append(Measured(**{name: row[name] for name in Measured.__dataclass_fields__}))
    budget = cost(trials[0], int(ours["steps"]))
    return steps_for(budget, trials[1]), budget


def answer(args: argparse.Namespace) -> None:
    """Measures what is asked for.

    Raises:
        InputError: an unknown model, method or thing to forget.
    """
    model = card(args.model)
    for method in ("sfr-on", *(args.methods or RIVALS[model.kind])):
        if "steps" not in {setting.name for setting in spec_of(method, model.kind).config_cls.settings()}:
            continue  # in closed form: it takes what it takes
        row = measure(model.id, model.kind, args.forget, method)
        with locked(RESULTS):
            every = load()
            every.setdefault(model.id, {})[method] = row
            write(RESULTS, every)
        print(f"{method}: {row['step_cpu_seconds'] / (TRIAL_STEPS - 1):.2f} CPU seconds a step", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("forget", metavar="FORGET", help="a class or a concept")
    parser.add_argument("methods", nargs="*", metavar="METHOD", help="beside SFR-on")
    torch.set_num_threads(1)  # threads that wait for each other would count
    try:
        answer(parser.parse_args(argv))
    except PlaygroundError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
