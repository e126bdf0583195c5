"""Finds presets for a shipped generator, with a run's seed and samples' noise that no table uses.

    python -m recipes.tuning.generator sfr-on Trouser Shirt "Ankle boot" --try "forget_every=2 batch_size=96" "gamma=5"
    python -m recipes.tuning.generator sfr-on birds clocks --model emoji-dit
    python -m recipes.tuning.generator sfr-on cat flags "google style" --model emoji-sd --try "lr=4e-4" "steps=80 batch_size=48"

Every setting of --try runs on everything that is named; one JSON line each goes to .work/tuning/MODEL.jsonl, and at the end one line
per setting to the screen. Of classes it says what is left of the forgotten one, what the rest lost, its Frechet distance over the
one before, and CPU time. The lines of the file also say how the forget loss rose, in multiples of its first value, and how far each class's
samples moved in the judge's features, which names the classes that a ratio comes from. All models draw from the same noise, so
the ratio is less uncertain than its two parts. Of concepts it says how often one is still shown by its own prompts and in other
words, and what its neighbours and the others lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from recipes.command import one_sentence
from recipes.tuning.trials import LOGS, Outcome, arguments, bare, single, tenth, try_all
from sfr_core.configs import RunConfig
from sfr_core.data.samples import sample_plan, sample_prompts
from sfr_core.data.splits import forget_spec
from sfr_core.errors import InputError, UnknownName
from sfr_core.metrics.generation import Protocol
from sfr_core.nets.judge import PromptJudge
from sfr_core.ops.diffusion import check_sampler
from sfr_core.ops.stepwise import drained
from sfr_core.presets import resolve
from sfr_core.runs.sampling import ConceptDrawn, OriginalSamples, draw
from sfr_core.runs.session import Session
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.tasks.text_to_image import TextToImageTask
from sfr_core.zoo.cards import read_card
from sfr_core.zoo.shipped import card, open_dataset

SEED = 101
NOISE = 4711
"""The tables use seeds 0 to 2 and the noise of metrics.generation.SAMPLE_SEED."""


def moved(before: NDArray[np.float32], after: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[int, float]:
    """Squared distance of the mean features [n, d] of each class from those before, by label [n]."""
    return {
        int(c): float(np.square(after[labels == c].mean(0) - before[labels == c].mean(0)).sum())
        for c in np.unique(labels)
    }


def class_outcome(session: Session, sampler: Protocol, untouched: OriginalSamples) -> Outcome:
    """What one run changed."""
    task, forgotten = session.task, session.split.spec.classes
    assert isinstance(task, DiffusionTask)
    assert task.judge is not None
    losses, cpu = bare(session)
    labels = sample_plan(forgotten, len(session.dataset.class_names), sampler.n)
    was = untouched.drawn(task, session.reference("before"), labels)
    now = drained(draw(task, task.judge, labels, sampler, seed=NOISE))
    before, after = was.record(forgotten), now.record(forgotten)
    shifts = moved(was.verdict.features, now.verdict.features, labels)
    return {
        "FA": after.FA, "some_class": after.accepted_any, "lost": round(before.JA_remain - after.JA_remain, 2),
        "ratio": round(after.FD_remain / before.FD_remain, 3), "FD": round(after.FD_remain, 3),
        "precision": session.precision, "cpu": round(cpu, 1), "risen": [round(loss / losses[0], 2) for loss in tenth(losses)],
        "moved": {session.dataset.class_names[c]: round(shift, 3) for c, shift in shifts.items() if c not in forgotten},
    }  # fmt: skip


def class_summary(outcomes: list[Outcome]) -> str:
    """One line for the runs of one setting."""
    worst = max(outcomes, key=lambda o: o["ratio"])
    return (
        f"FA at most {max(o['FA'] for o in outcomes):.1f}, lost {mean(o['lost'] for o in outcomes):.2f} "
        f"(most {max(o['lost'] for o in outcomes):.2f}), ratio {mean(o['ratio'] for o in outcomes):.2f} "
        f"(most {worst['ratio']:.2f}, {worst['forget']}), CPU {mean(o['cpu'] for o in outcomes):.0f} s"
    )


def samples(session: Session, sampler: Protocol) -> ConceptDrawn:
    """Judged samples of the live model."""
    task = session.task
    assert isinstance(task, TextToImageTask)
    judge = cast(PromptJudge, task.judge)
    found = drained(draw(task, judge, sample_prompts(task.plan, sampler.n), sampler, seed=NOISE))
    assert isinstance(found, ConceptDrawn)
    return found


def concept_outcome(session: Session, sampler: Protocol, untouched: dict[str, ConceptDrawn]) -> Outcome:
    """What one run changed; `untouched` keeps the samples of the original by concept."""
    spec = session.config.forget
    old = untouched[spec] = untouched.get(spec) or samples(session, sampler)
    losses, cpu = bare(session)
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
        "direct": [was.FA, now.FA], "words": [was.FA_paraphrase, now.FA_paraphrase], "lost": lost,
        "ratio": round(now.FD_remain / was.FD_remain, 3), "cpu": round(cpu, 1), "losses": [round(loss, 4) for loss in tenth(losses)],
    }  # fmt: skip


def concept_summary(outcomes: list[Outcome]) -> str:
    """One line for the runs of one setting."""
    words = [o["words"][1] for o in outcomes if o["words"][1] is not None]
    lost = [value for o in outcomes for value in o["lost"].values() if value is not None]
    return (
        f"direct {mean(o['direct'][1] for o in outcomes):.1f} (most {max(o['direct'][1] for o in outcomes):.1f}), "
        f"in other words {mean(words) if words else 0:.1f}, lost {mean(lost):.1f} (most {max(lost):.1f}), "
        f"ratio {mean(o['ratio'] for o in outcomes):.2f}, CPU {mean(o['cpu'] for o in outcomes):.0f} s"
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__, "NAME", SEED)
    parser.add_argument("--samples", type=int, help="default: 300 of a class, 60 of a concept")
    parser.add_argument("--sampler-steps", type=int, default=10)
    parser.add_argument("--model", default="fashion-mnist-ddpm")
    parser.add_argument("--folder", type=Path, help="another copy of the model")
    parser.add_argument("--card", default="card.json", help="its card's file name, for a draft")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    with one_sentence():  # what is asked for is looked at before the first run of minutes
        check_sampler(args.sampler_steps)
        model = card(args.model) if args.folder is None else read_card(args.folder, args.card)
        if model.sampling is None:
            raise InputError(f"'{model.id}' is not a generator.", hint="Choose a model that draws.")
        concepts = model.kind == "text-to-image"
        tried = [single(args.method, text.split(), kind=model.kind) for text in args.tried or [""]]
        known = open_dataset(model).class_names
        for forget in args.forget:
            if forget not in known:
                raise UnknownName("concept" if concepts else "class", forget, known)
        sampler = Protocol(args.samples or (60 if concepts else 300), args.sampler_steps, model.sampling.guidance)
        untouched: Any = {} if concepts else OriginalSamples(sampler, NOISE)
        outcome, summary = (concept_outcome, concept_summary) if concepts else (class_outcome, class_summary)

        def trial(changed: dict[str, Any], forget: str, seed: int) -> Outcome:
            spec = forget_spec(model.kind, forget)
            settings = resolve(model.id, args.method, args.preset, overrides=changed, forget=spec, kind=model.kind)
            config = RunConfig(
                model=model.id, forget=spec, method=args.method, settings=settings, seed=seed, device=args.device,
                data="data-free" if concepts else "shipped",
            )  # fmt: skip
            found = outcome(Session.open(config, model), sampler, untouched)
            return {"method": args.method, "preset": args.preset, "samples": sampler.name, **found}

        try_all(tried, args.forget, args.seeds, trial, summary, LOGS / f"{model.id}.jsonl")


if __name__ == "__main__":
    main()
