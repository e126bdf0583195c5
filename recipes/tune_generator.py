"""Finds presets for a shipped generator of classes, with a run's seed and samples' noise that no table uses.

    python -m recipes.tune_generator sfr-on Trouser Shirt "Ankle boot" --try "forget_every=2 batch_size=96" "gamma=5"
    python -m recipes.tune_generator sfr-on birds clocks --model emoji-dit

Every setting of --try runs on every class; one JSON line each goes to .work/tuning/MODEL.jsonl, and at the end one line per
setting to the screen: what is left of the forgotten class, what the rest lost, its Frechet distance over the one before, and
CPU time. The lines of the file also say how the forget loss rose, in multiples of its first value. All models draw from the same noise, so the ratio is less uncertain than its two parts.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from recipes.complaints import one_sentence
from recipes.tune import single
from sfr_core.cancel import CancelToken
from sfr_core.cards import read_card
from sfr_core.configs import Device, RunConfig
from sfr_core.events import Step
from sfr_core.generation import Untouched, draw
from sfr_core.metrics.generation import Protocol, sample_plan
from sfr_core.ops.diffusion import check_sampler
from sfr_core.ops.walks import drained
from sfr_core.presets import resolve
from sfr_core.runner import run
from sfr_core.session import Session
from sfr_core.tasks.diffusion import ClassDiffusionTask
from sfr_core.zoo import ModelCard, card

ID = "fashion-mnist-ddpm"
LOGS = Path(__file__).resolve().parents[1] / ".work" / "tuning"
SEED = 101
NOISE = 4711
"""The tables use seeds 0 to 2 and the noise of metrics.generation.SAMPLE_SEED."""
NEVER = 10**6


def trial(
    model: ModelCard, method: str, forget: str, settings: dict[str, Any], untouched: Untouched, sampler: Protocol, seed: int,
    device: Device = "cpu",
) -> dict[str, Any]:  # fmt: skip
    """One run without looks, and its two records."""
    config = RunConfig(
        model=model.id, forget=f"class:{forget}", method=method, settings=settings, seed=seed, device=device
    )
    session = Session.of_card(config, model)
    task, forgotten = session.task, session.split.spec.classes
    assert isinstance(task, ClassDiffusionTask)
    cpu = time.process_time()
    losses = [
        event.forget_loss
        for event in run(session, cancel=CancelToken(), live_every=NEVER, evaluate=False)
        if isinstance(event, Step) and event.forget_loss is not None
    ]
    cpu = time.process_time() - cpu
    labels = sample_plan(forgotten, len(session.dataset.class_names), sampler.n)
    before = untouched.drawn(task, session.reference("before"), labels).record(forgotten)
    after = drained(draw(task, task.judge, labels, sampler, seed=NOISE)).record(forgotten)
    return {
        "forget": forget, "seed": seed, "FA": after.FA, "some_class": after.accepted_any,
        "lost": round(before.JA_remain - after.JA_remain, 2), "ratio": round(after.FD_remain / before.FD_remain, 3),
        "FD": round(after.FD_remain, 3), "precision": session.precision, "cpu": round(cpu, 1),
        "risen": [round(loss / losses[0], 2) for loss in losses[:: max(1, len(losses) // 10)]] if losses else [],
    }  # fmt: skip


def summary(outcomes: list[dict[str, Any]]) -> str:
    """One line for the runs of one setting."""
    worst = max(outcomes, key=lambda o: o["ratio"])
    return (
        f"FA at most {max(o['FA'] for o in outcomes):.1f}, lost {mean(o['lost'] for o in outcomes):.2f} "
        f"(most {max(o['lost'] for o in outcomes):.2f}), ratio {mean(o['ratio'] for o in outcomes):.2f} "
        f"(most {worst['ratio']:.2f}, {worst['forget']}), CPU {mean(o['cpu'] for o in outcomes):.0f} s"
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method")
    parser.add_argument("forget", nargs="+", metavar="CLASS")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--try", nargs="+", default=[""], dest="tried", metavar="'FIELD=VALUE ...'")
    parser.add_argument("--seeds", nargs="+", type=int, default=[SEED])
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--sampler-steps", type=int, default=10)
    parser.add_argument("--model", default=ID)
    parser.add_argument("--folder", type=Path, help="another copy of the model")
    parser.add_argument("--card", default="card.json", help="its card's file name, for a draft")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    with one_sentence():
        check_sampler(args.sampler_steps)  # else it is refused after the first run of minutes
        tune(args)


def tune(args: argparse.Namespace) -> None:
    """All trials, and their lines.

    Raises:
        InputError, UnknownName: a field, class or model that is not there.
    """
    model = card(args.model) if args.folder is None else read_card(args.folder, args.card)
    assert model.sampling is not None
    sampler = Protocol(args.samples, args.sampler_steps, model.sampling.guidance)
    untouched = Untouched(sampler, NOISE)
    LOGS.mkdir(parents=True, exist_ok=True)
    lines = []
    for text in args.tried:
        changed = single(args.method, text.split(), kind=model.kind)
        settings = resolve(model.id, args.method, args.preset, overrides=changed, kind=model.kind)
        outcomes = []
        for seed in args.seeds:
            for forget in args.forget:
                outcomes.append(trial(model, args.method, forget, settings, untouched, sampler, seed, args.device))
                line = {"method": args.method, "set": changed, "samples": sampler.name, **outcomes[-1]}
                with open(LOGS / f"{model.id}.jsonl", "a", encoding="utf-8") as log:
                    log.write(json.dumps(line) + "\n")
                print(json.dumps(line), flush=True)
        lines.append(f"{text or 'the preset'}: {summary(outcomes)}")
        print(lines[-1], flush=True)
    print("\n".join(["", *lines]))


if __name__ == "__main__":
    main()
