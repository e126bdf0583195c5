"""Finds presets for a shipped text-to-image model, with a run's seed and samples' noise that no table uses.

    python -m recipes.tune_concept sfr-on cat flags "google style" --try "lr=4e-4" "steps=80 batch_size=48"

Every setting of --try runs on every concept; one JSON line each goes to .work/tuning/MODEL.jsonl, and at the end one line per setting
to the screen: how often the concept is still shown by its own prompts and in other words, what its neighbours and the others
lost, the Frechet distance over the one before, and CPU time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path
from statistics import mean
from typing import Any, cast

import torch

from recipes.tune import single
from recipes.tune_generator import LOGS, NEVER, NOISE, SEED
from sfr_core.cancel import CancelToken
from sfr_core.cards import read_card
from sfr_core.configs import Device, RunConfig
from sfr_core.events import Step
from sfr_core.generation import ConceptDrawn, draw
from sfr_core.metrics.concepts import sample_prompts
from sfr_core.metrics.generation import Protocol
from sfr_core.nets.prompt_judge import PromptJudge
from sfr_core.ops.walks import drained
from sfr_core.presets import resolve
from sfr_core.runner import run
from sfr_core.session import Session
from sfr_core.tasks.text_to_image import TextToImageTask
from sfr_core.zoo import ModelCard, card

ID = "emoji-sd"


def samples(session: Session, sampler: Protocol) -> ConceptDrawn:
    """Judged samples of the live model."""
    task = session.task
    assert isinstance(task, TextToImageTask)
    judge = cast(PromptJudge, task.judge)
    found = drained(draw(task, judge, sample_prompts(task.plan, sampler.n), sampler, seed=NOISE))
    assert isinstance(found, ConceptDrawn)
    return found


def trial(
    model: ModelCard, method: str, concept: str, settings: dict[str, Any], before: dict[str, ConceptDrawn], sampler: Protocol,
    device: Device = "cpu", seed: int = SEED,
) -> dict[str, Any]:  # fmt: skip
    """One run without looks, and what changed; `before` keeps the untouched model's samples by concept."""
    config = RunConfig(
        model=model.id, forget=f"concept:{concept}", method=method, settings=settings, seed=seed, device=device,
        data="data-free",
    )  # fmt: skip
    session = Session.of_card(config, model)
    old = before[concept] = before.get(concept) or samples(session, sampler)
    cpu = time.process_time()
    losses = [
        event.forget_loss
        for event in run(session, cancel=CancelToken(), live_every=NEVER, evaluate=False)
        if isinstance(event, Step) and event.forget_loss is not None
    ]
    cpu = time.process_time() - cpu
    shares = old.shares()
    was, now = old.concept_record(shares), samples(session, sampler).concept_record(shares)
    lost = {
        who: None if b is None or a is None else round(b - a, 1)
        for who, b, a in [
            ("neighbours", was.JA_neighbours, now.JA_neighbours),
            ("others", was.JA_others, now.JA_others),
        ]
    }
    return {
        "forget": concept, "direct": [was.FA, now.FA], "words": [was.FA_paraphrase, now.FA_paraphrase], "lost": lost,
        "ratio": round(now.FD_remain / was.FD_remain, 3), "cpu": round(cpu, 1), "samples": sampler.name,
        "losses": [round(loss, 4) for loss in losses[:: max(1, len(losses) // 10)]],
    }  # fmt: skip


def summary(outcomes: list[dict[str, Any]]) -> str:
    """One line for the runs of one setting."""
    words = [o["words"][1] for o in outcomes if o["words"][1] is not None]
    lost = [value for o in outcomes for value in o["lost"].values() if value is not None]
    return (
        f"direct {mean(o['direct'][1] for o in outcomes):.1f} (most {max(o['direct'][1] for o in outcomes):.1f}), "
        f"in other words {mean(words) if words else 0:.1f}, lost {mean(lost):.1f} (most {max(lost):.1f}), "
        f"ratio {mean(o['ratio'] for o in outcomes):.2f}, CPU {mean(o['cpu'] for o in outcomes):.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method")
    parser.add_argument("forget", nargs="+", metavar="CONCEPT")
    parser.add_argument("--try", nargs="+", default=[""], dest="tried", metavar="'FIELD=VALUE ...'")
    parser.add_argument("--seeds", nargs="+", type=int, default=[SEED])
    parser.add_argument("--samples", type=int, default=60)
    parser.add_argument("--sampler-steps", type=int, default=10)
    parser.add_argument("--model", default=ID)
    parser.add_argument("--folder", type=Path, help="another copy of the model")
    parser.add_argument("--card", default="card.json", help="its card's file name, for a draft")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = card(args.model) if args.folder is None else read_card(args.folder, args.card)
    assert model.sampling is not None
    sampler = Protocol(args.samples, args.sampler_steps, model.sampling.guidance)
    before: dict[str, ConceptDrawn] = {}
    LOGS.mkdir(parents=True, exist_ok=True)
    lines = []
    for text in args.tried:
        changed = single(args.method, text.split(), kind=model.kind)
        settings = resolve(model.id, args.method, overrides=changed, kind=model.kind)
        outcomes = []
        for concept, seed in itertools.product(args.forget, args.seeds):
            outcomes.append(trial(model, args.method, concept, settings, before, sampler, args.device, seed))
            line = {"method": args.method, "set": changed, "seed": seed, **outcomes[-1]}
            with open(LOGS / f"{model.id}.jsonl", "a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)
        lines.append(f"{text or 'the preset'}: {summary(outcomes)}")
        print(lines[-1], flush=True)
    print("\n".join(["", *lines]))


if __name__ == "__main__":
    main()
