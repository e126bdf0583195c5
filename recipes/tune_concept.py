"""Finds presets for a shipped text-to-image model, with a run's seed and samples' noise that no table uses.

    python -m recipes.tune_concept sfr-on cat flags "google style" --try "lr=4e-4" "steps=80 batch_size=48"

Every setting of --try runs on every concept; one JSON line each goes to .work/tuning/MODEL.jsonl, and at the end one line per setting
to the screen: how often the concept is still shown by its own prompts and in other words, what its neighbours and the others
lost, the Frechet distance over the one before, and CPU time.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import cast

from recipes.trials import NOISE, Outcome, Trial, Tuning, bare, command_line, tenth
from sfr_core.configs import RunConfig
from sfr_core.metrics.concepts import sample_prompts
from sfr_core.metrics.generation import Protocol
from sfr_core.nets.prompt_judge import PromptJudge
from sfr_core.ops.stepwise import drained
from sfr_core.runs.sampling import ConceptDrawn, draw
from sfr_core.runs.session import Session
from sfr_core.tasks.text_to_image import TextToImageTask

Before = dict[str, ConceptDrawn]
"""The untouched model's samples by concept."""


def samples(session: Session, sampler: Protocol) -> ConceptDrawn:
    """Judged samples of the live model."""
    task = session.task
    assert isinstance(task, TextToImageTask)
    judge = cast(PromptJudge, task.judge)
    found = drained(draw(task, judge, sample_prompts(task.plan, sampler.n), sampler, seed=NOISE))
    assert isinstance(found, ConceptDrawn)
    return found


def trial(one: Trial[Before]) -> Outcome:
    """One run without looks, and what changed."""
    config = RunConfig(
        model=one.model.id, forget=f"concept:{one.forget}", method=one.method, settings=one.settings, seed=one.seed,
        device=one.device, data="data-free",
    )  # fmt: skip
    session = Session.of_card(config, one.model)
    old = one.before[one.forget] = one.before.get(one.forget) or samples(session, one.sampler)
    losses, cpu = bare(session)
    shares = old.shares()
    was, now = old.concept_record(shares), samples(session, one.sampler).concept_record(shares)
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


def summary(outcomes: list[Outcome]) -> str:
    """One line for the runs of one setting."""
    words = [o["words"][1] for o in outcomes if o["words"][1] is not None]
    lost = [value for o in outcomes for value in o["lost"].values() if value is not None]
    return (
        f"direct {mean(o['direct'][1] for o in outcomes):.1f} (most {max(o['direct'][1] for o in outcomes):.1f}), "
        f"in other words {mean(words) if words else 0:.1f}, lost {mean(lost):.1f} (most {max(lost):.1f}), "
        f"ratio {mean(o['ratio'] for o in outcomes):.2f}, CPU {mean(o['cpu'] for o in outcomes):.0f} s"
    )


TUNING: Tuning[Before] = Tuning(__doc__, "emoji-sd", "CONCEPT", 60, 10, lambda sampler: {}, trial, summary)


def main(argv: Sequence[str] | None = None) -> None:
    command_line(TUNING, argv)


if __name__ == "__main__":
    main()
