"""Finds presets for a shipped generator of classes, with a run's seed and samples' noise that no table uses.

    python -m recipes.tune_generator sfr-on Trouser Shirt "Ankle boot" --try "forget_every=2 batch_size=96" "gamma=5"
    python -m recipes.tune_generator sfr-on birds clocks --model emoji-dit

Every setting of --try runs on every class; one JSON line each goes to .work/tuning/MODEL.jsonl, and at the end one line per
setting to the screen: what is left of the forgotten class, what the rest lost, its Frechet distance over the one before, and
CPU time. The lines of the file also say how the forget loss rose, in multiples of its first value, and how far each class's samples moved in the judge's
features, which names the classes that a ratio comes from. All models draw from the same noise, so the ratio is less uncertain than its two parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from recipes.trials import NOISE, Outcome, Trial, Tuning, bare, command_line, tenth
from sfr_core.configs import RunConfig
from sfr_core.metrics.generation import sample_plan
from sfr_core.ops.stepwise import drained
from sfr_core.runs.sampling import OriginalSamples, draw
from sfr_core.runs.session import Session
from sfr_core.tasks.diffusion import DiffusionTask


def moved(before: NDArray[np.float32], after: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[int, float]:
    """Squared distance of the mean features [n, d] of each class from those before, by label [n]."""
    return {
        int(c): float(np.square(after[labels == c].mean(0) - before[labels == c].mean(0)).sum())
        for c in np.unique(labels)
    }


def trial(one: Trial[OriginalSamples]) -> Outcome:
    """One run without looks, and its two records."""
    config = RunConfig(
        model=one.model.id, forget=f"class:{one.forget}", method=one.method, settings=one.settings, seed=one.seed,
        device=one.device,
    )  # fmt: skip
    session = Session.of_card(config, one.model)
    task, forgotten = session.task, session.split.spec.classes
    assert isinstance(task, DiffusionTask)
    assert task.judge is not None
    losses, cpu = bare(session)
    labels = sample_plan(forgotten, len(session.dataset.class_names), one.sampler.n)
    was = one.before.drawn(task, session.reference("before"), labels)
    now = drained(draw(task, task.judge, labels, one.sampler, seed=NOISE))
    before, after = was.record(forgotten), now.record(forgotten)
    shifts = moved(was.verdict.features, now.verdict.features, labels)
    return {
        "FA": after.FA, "some_class": after.accepted_any, "lost": round(before.JA_remain - after.JA_remain, 2),
        "ratio": round(after.FD_remain / before.FD_remain, 3), "FD": round(after.FD_remain, 3),
        "precision": session.precision, "cpu": round(cpu, 1), "risen": [round(loss / losses[0], 2) for loss in tenth(losses)],
        "moved": {session.dataset.class_names[c]: round(shift, 3) for c, shift in shifts.items() if c not in forgotten},
    }  # fmt: skip


def summary(outcomes: list[Outcome]) -> str:
    """One line for the runs of one setting."""
    worst = max(outcomes, key=lambda o: o["ratio"])
    return (
        f"FA at most {max(o['FA'] for o in outcomes):.1f}, lost {mean(o['lost'] for o in outcomes):.2f} "
        f"(most {max(o['lost'] for o in outcomes):.2f}), ratio {mean(o['ratio'] for o in outcomes):.2f} "
        f"(most {worst['ratio']:.2f}, {worst['forget']}), CPU {mean(o['cpu'] for o in outcomes):.0f} s"
    )


TUNING = Tuning(
    __doc__, "fashion-mnist-ddpm", "CLASS", 300, 10, lambda sampler: OriginalSamples(sampler, NOISE), trial, summary
)


def main(argv: Sequence[str] | None = None) -> None:
    command_line(TUNING, argv)


if __name__ == "__main__":
    main()
