"""The classifier baselines against the recorded runs of the authors' code."""

from typing import Any

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.bad_teacher import BadTeacherConfig
from sfr_core.catalog.gradient_ascent import GradientAscentConfig
from sfr_core.catalog.salun import SalUnConfig
from sfr_core.catalog.scrub import ScrubConfig
from sfr_core.configs import EpochConfig
from sfr_core.events import Finished, Step
from sfr_core.methods.bad_teacher import bad_teacher
from sfr_core.methods.finetune import finetune
from sfr_core.methods.gradient_ascent import gradient_ascent
from sfr_core.methods.random_label import random_label
from sfr_core.methods.salun import saliency, salun
from sfr_core.methods.scrub import scrub
from sfr_core.ops.stepwise import drained
from tests.golden.cases import Case, epoch_fields, load
from tests.golden.replay import (
    Replay,
    check_final,
    check_mask,
    check_mask_event,
    largest_shift,
    masked_norm,
    near,
    norm_of,
    replay,
    same,
)
from tests.golden.tasks import open_task


def run_baseline(name: str, **changes: Any) -> Replay:
    """The baseline of that case with the case's settings, some of them changed."""
    case = load(name)
    s = case.settings
    method, config_cls, own = {
        "FT": (finetune, EpochConfig, {}),
        "GA": (gradient_ascent, GradientAscentConfig, {"clip": s.get("clip")}),
        "RL": (random_label, EpochConfig, {}),
        "SalUn": (salun, SalUnConfig, {"mask_fraction": s.get("mask_top_fraction")}),
        "BadTeacher": (bad_teacher, BadTeacherConfig, {"temperature": float(s.get("temperature", 0))}),
        "SCRUB": (
            scrub,
            ScrubConfig,
            {
                "temperature": float(s.get("temperature", 0)),
                "forget_epochs": s.get("maximize_epochs"),
                "ce_weight": s.get("gamma"),
                "kl_weight": s.get("alpha"),
            },
        ),
    }[s["method"]]
    return replay(case, method, config_cls(**{**epoch_fields(case), **own, **changes}))


def total_loss(case: Case, step: Step, batch: dict[str, Any]) -> float:
    """The differentiated loss, put together from what the event says of both parts."""
    if batch["set"] == "forget":
        assert step.forget_loss is not None
        assert step.remain_loss is None
        return -step.forget_loss
    if batch["set"] == "remain":
        assert step.forget_loss is None
        assert step.remain_loss is not None
        return step.remain_loss
    n = len(batch["rows"])
    n_forget = sum(row < len(case.inputs["forget.x"]) for row in batch["rows"])
    assert (step.forget_loss is None) == (n_forget == 0)
    return ((step.forget_loss or 0.0) * n_forget + (step.remain_loss or 0.0) * (n - n_forget)) / n


@pytest.mark.parametrize("name", ["ft", "ga", "rl", "salun", "badteacher", "scrub"])
def test_run_repeats_the_recording(name: str) -> None:
    case = load(f"baseline_{name}")
    run = run_baseline(case.name)
    batches, recorded, mask = case.settings["batches"], case.expected["steps"], case.tensors("mask")
    assert run.events[-1] == Finished(steps=len(recorded))
    assert len(batches) == len(recorded)
    if name != "scrub":  # its two sets were recorded with two batch sizes, which our config does not have
        assert run.steps[0].total == len(recorded)
    for batch, step, update, raw, want in zip(batches, run.steps, run.updates, run.raw, recorded, strict=True):
        assert total_loss(case, step, batch) == near(want["loss"])
        assert step.lr == same(want["lr"])
        assert update.lr == same(want["lr"])
        assert norm_of(raw) == near(want["grad_norm_raw"])
        if "grad_norm_before_clip" in want:
            assert masked_norm(raw, mask) == near(want["grad_norm_before_clip"])
        assert update.norm == near(want["grad_norm_applied"])
        for norm in (step.forget_grad_norm, step.remain_grad_norm):
            assert norm is None or norm == near(want["grad_norm_applied"])
    training = case.settings["mode"]["train"] == "train"
    assert {a.training for a in run.task.asked if a.batch.phase != "saliency"} <= {training}
    if mask:
        check_mask_event(run.mask_ready, case.expected["mask_density"])
    check_final(run)


def test_salun_mask_repeats_the_recording() -> None:
    case = load("baseline_salun")
    task = open_task(case)
    share = case.settings["mask_top_fraction"]
    mask = drained(saliency(task, share, 8, None, rng=torch.Generator(), cancel=CancelToken()))
    check_mask(mask, case.tensors("mask"), case.expected["mask_density"])
    assert [a.batch.rows for a in task.asked] == case.settings["saliency_batches"]
    assert not any(a.training for a in task.asked)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ft", {"lr_schedule": "constant"}),
        ("ga", {"clip": None}),
        ("rl", {"momentum": 0.8}),
        ("salun", {"mask_fraction": 0.5}),
        ("badteacher", {"temperature": 2.0}),
        ("scrub", {"kl_weight": 1.0}),
        ("scrub", {"weight_decay": 0.0}),
    ],
    ids=lambda v: v if isinstance(v, str) else next(iter(v)),
)
def test_a_changed_setting_is_noticed(name: str, change: dict[str, Any]) -> None:
    run = run_baseline(f"baseline_{name}", **change)
    assert largest_shift(run) > 4e-6
    with pytest.raises(AssertionError):
        check_final(run)
