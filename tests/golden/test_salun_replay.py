"""SalUn on the tiny pixel diffusion model against the recorded runs."""

from typing import Any

import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.salun import SalUnJointConfig
from sfr_core.methods.salun import saliency, salun_joint
from sfr_core.ops.saliency import batch_gradients
from sfr_core.ops.stepwise import drained
from tests.golden.cases import Case, load, optimizer_fields
from tests.golden.replay import (
    Replay,
    check_final,
    check_mask,
    check_mask_event,
    masked_norm,
    near,
    norm_of,
    replay,
    same,
)
from tests.golden.tasks import open_task


def test_salun_mask_repeats_the_recording() -> None:
    case = load("ddpm_salun")
    task = open_task(case)
    s = case.settings
    share, clip = s["mask_top_fraction"], s["saliency_clip"]
    mask = drained(saliency(task, share, 8, clip, rng=torch.Generator(), cancel=CancelToken()))
    check_mask(mask, case.tensors("mask"), case.expected["mask_density"])
    recorded = case.expected["saliency_batches"]
    assert [float(a.losses.mean()) for a in task.asked] == [near(b["loss"]) for b in recorded]
    assert not any(a.training for a in task.asked)
    for asked, want in zip(list(task.asked), recorded, strict=True):
        gradients = batch_gradients(task.parameters(), task.fisher_losses(asked.batch, torch.Generator()).mean())
        assert norm_of(gradients) == near(want["grad_norm_before_clip"])


def run_joint(case: Case, **changes: Any) -> Replay:
    """SalUn's joint steps with the case's settings, some of them changed."""
    s = case.settings
    fields = {
        **optimizer_fields(case),
        "steps": s["steps_T"],
        "batch_size": s["batch_size"]["remain"],
        "forget_weight": s["forget_weight"],
        "remain_weight": s["remain_weight"],
        "mask_fraction": s["mask_top_fraction"],
        "saliency_clip": s["saliency_clip"],
        "clip": s["clip"],
    }
    return replay(case, salun_joint, SalUnJointConfig(**{**fields, **changes}))


def test_salun_joint_steps_repeat_the_recording() -> None:
    case = load("ddpm_salun")
    s = case.settings
    run = run_joint(case)
    check_mask_event(run.mask_ready, case.expected["mask_density"])
    asked = [a for a in run.task.asked if a.batch.phase != "saliency"]
    assert [a.batch.phase for a in asked] == ["remain", "forget"] * s["steps_T"]
    assert all(a.training for a in asked)
    for step, update, raw, want in zip(run.steps, run.updates, run.raw, case.expected["steps"], strict=True):
        assert step.forget_loss == near(want["forget_loss_derived"])
        assert step.remain_loss == near(want["remain_loss"])
        total = s["forget_weight"] * step.forget_loss + s["remain_weight"] * step.remain_loss
        assert total == near(want["total_loss"])
        assert step.lr == same(want["lr"])
        assert update.lr == same(want["lr"])
        assert norm_of(raw) == near(want["grad_norm_before_clip"])
        assert step.forget_grad_norm == near(want["grad_norm_applied"])
        assert step.remain_grad_norm == near(want["grad_norm_applied"])
        assert update.norm == near(want["grad_norm_applied"])
    check_final(run)


def test_salun_joint_step_clips_before_the_mask() -> None:
    # In the recording no norm reaches the clip, so it cannot tell the two orders apart; a smaller clip can.
    case = load("ddpm_salun")
    run = run_joint(case, clip=0.1)
    for update, raw in zip(run.updates, run.raw, strict=True):
        whole, kept = norm_of(raw), masked_norm(raw, case.tensors("mask"))
        assert whole > 0.15
        assert kept < 0.99 * whole
        assert update.norm == near(kept * 0.1 / (whole + 1e-6))
