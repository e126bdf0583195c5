"""What the three families of SFR-on cases share: mask phase and step series against the recording."""

from __future__ import annotations

from typing import Any

import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.events import Finished
from sfr_core.methods.sfron import estimate_fisher, sfron
from sfr_core.ops.saliency import Tensors, batch_gradients, describe_saliency, saliency_mask
from sfr_core.ops.stepwise import drained
from tests.golden.cases import Case, sfron_fields
from tests.golden.replay import (
    Replay,
    check_final,
    check_fisher,
    check_mask,
    check_mask_event,
    check_rows,
    check_shadow,
    masked_norm,
    near,
    norm_of,
    replay,
    same,
)
from tests.golden.tasks import Asked, GoldenTask, open_task

PARTS = ("forget", "remain")


def run_sfron(case: Case, task: GoldenTask | None = None, **changes: Any) -> Replay:
    """The whole method with the case's settings, some of them changed."""
    return replay(case, sfron, SFRonConfig(**{**sfron_fields(case), **changes}), task)


def fishers(case: Case, config: SFRonConfig) -> tuple[GoldenTask, dict[str, Tensors]]:
    """Both diagonals at the start weights, by part, and the task that noted the losses."""
    task, found = open_task(case), {}
    for part in PARTS:
        found[part] = drained(estimate_fisher(task, part, config, rng=torch.Generator(), cancel=CancelToken()))  # type: ignore[arg-type]
    return task, found


def check_fisher_batches(case: Case, task: GoldenTask) -> None:
    """Losses (and norms before the clip, where recorded) of the estimation batches, in order and in eval mode."""
    for part in PARTS:
        asked = [a for a in task.asked if a.batch.phase == f"fisher_{part}"]
        assert not any(a.training for a in asked)
        if "fisher_batches" not in case.expected:
            recorded = [{"loss": loss} for loss in case.expected["fisher_batch_loss"][part]]
        else:
            recorded = case.expected["fisher_batches"][part]
        for a, want in zip(asked, recorded, strict=True):
            assert float(a.losses.mean()) == near(want["loss"])
            norm = want.get("grad_norm_before_clip", want.get("grad_norm_raw"))
            if norm is not None:
                gradients = batch_gradients(task.parameters(), task.fisher_losses(a.batch, torch.Generator()).mean())
                assert norm_of(gradients) == near(norm)


def check_ties(case: Case, found: dict[str, Tensors], gamma: float, mask: Tensors, recorded: dict[str, float]) -> None:
    """As many ratios exactly equal to gamma as recorded (0/0 of unused class rows, made 1 by the epsilons), all kept."""
    eps, ties = case.settings["epsilon_mask"], 0
    for name, keep in mask.items():
        tied = (found["forget"][name] + eps) / (found["remain"][name] + eps) == gamma
        ties += int(tied.sum())
        assert bool(keep[tied].all())
    assert ties == recorded["entries_with_ratio_exactly_gamma"]


def check_masks_at_every_gamma(case: Case) -> None:
    """Fishers, estimation batches, and the mask at each recorded gamma, of a case without a loop."""
    size = case.settings["batch_size"]["forget"]
    task, found = fishers(case, SFRonConfig(fisher_batch_size=size, fisher_clip=case.settings.get("fisher_clip")))
    for part, fisher in found.items():
        check_fisher(case, part, fisher)
    check_fisher_batches(case, task)
    eps = case.settings["epsilon_mask"]
    for gamma in case.settings["gammas"]:
        recorded = case.expected["gamma"][str(gamma)]
        mask = saliency_mask(found["forget"], found["remain"], gamma, eps)
        check_mask(mask, case.tensors(f"mask_{gamma}"), recorded["mask_density"])
        check_ties(case, found, gamma, mask, recorded["mask_ties"])
        event = describe_saliency(mask, found["forget"], found["remain"], gamma, eps)
        check_mask_event(event, recorded["mask_density"])


def check_whole_case(case: Case) -> Replay:
    """Every recorded quantity of a SFR-on case that can be reached from outside."""
    if case.settings["mask"]:
        task, found = fishers(case, SFRonConfig(**sfron_fields(case)))
        for part in PARTS:
            check_fisher(case, part, found[part])
        check_fisher_batches(case, task)
        mask = saliency_mask(found["forget"], found["remain"], case.settings["gamma"], case.settings["epsilon_mask"])
        check_mask(mask, case.tensors("mask"), case.expected["mask_density"])
        check_ties(case, found, case.settings["gamma"], mask, case.expected["mask_ties"])
    run = run_sfron(case)
    check_steps(run)
    check_final(run)
    check_shadow(run)
    return run


def check_steps(run: Replay) -> None:
    """Losses, strengths, learning rates and norms, step by step."""
    case, recorded = run.task.case, run.task.case.expected["steps"]
    mask = case.tensors("mask")
    if case.settings["mask"]:
        check_mask_event(run.mask_ready, case.expected["mask_density"])
        assert run.mask_ready.threshold == case.settings["gamma"]
    assert run.events[-1] == Finished(steps=len(recorded))
    assert [s.i for s in run.steps] == list(range(1, len(recorded) + 1))
    asked = iter([a for a in run.task.asked if a.batch.phase in PARTS])
    updates, raw = iter(run.updates), iter(run.raw)
    for step, want in zip(run.steps, recorded, strict=True):
        forget, remain = want.get("forget"), want["remain"]
        if forget is None:
            assert (step.forget_loss, step.alpha, step.forget_grad_norm) == (None, None, None)
        else:
            assert step.forget_loss == near(forget["loss"])
            assert step.alpha == same(forget["alpha"])
            sign = 1 if case.settings.get("pseudo_class") is not None else -1
            assert sign * step.alpha * step.forget_loss == near(forget["scaled_loss"])
            assert step.forget_grad_norm == near(forget["grad_norm_applied"])
            gradients = next(raw)
            assert norm_of(gradients) == near(forget["grad_norm_raw"])
            assert masked_norm(gradients, mask) == near(forget["grad_norm_before_clip"])
            _check_part(run, next(asked), next(updates), forget, "forget", step.i - 1)
        assert step.remain_loss == near(remain["loss"])
        assert step.remain_grad_norm == near(remain["grad_norm_applied"])
        assert step.lr == same(remain["lr"])
        before_clip = remain.get("grad_norm_raw", remain.get("grad_norm_before_clip"))
        assert norm_of(next(raw)) == near(before_clip)
        _check_part(run, next(asked), next(updates), remain, "remain", step.i - 1)
    assert next(asked, None) is next(updates, None) is next(raw, None) is None


def _check_part(run: Replay, asked: Asked, update: Any, want: dict[str, Any], part: str, t: int) -> None:
    """One half of a step: batch order, mode, per-sample losses, and what the optimiser really received."""
    assert asked.batch.phase == part
    assert asked.batch.number == (t // run.task.case.settings["forget_period_k"] if part == "forget" else t)
    assert asked.training
    assert update.lr == same(want["lr"])
    assert update.norm == near(want["grad_norm_applied"])
    if "per_sample_loss" in want:
        check_rows(asked.losses, want["per_sample_loss"])
    terms = getattr(run.task, "terms", {}).get((part, asked.batch.number))
    if "per_sample_vlb" in want:
        check_rows(terms[0], want["per_sample_mse"])
        check_rows(terms[1], want["per_sample_vlb"])
