"""SFR-on on two weights, every number written out."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.errors import InputError
from sfr_core.events import Event, MaskReady, PhaseProgress, PhaseStarted, Step
from sfr_core.methods.sfron import estimate_fisher, sfron
from sfr_core.ops.stepwise import drained
from tests.core.grammar import check_grammar
from tests.core.tiny import LinearTask

FORGET = [[[1.0, 0.0], [0.0, 1.0]]]
"""One batch of two rows: losses w0 and w1."""
REMAIN = [[[2.0, 0.5]]]
"""One batch of one row: loss 2 w0 + w1 / 2."""
PLAIN: dict[str, Any] = {
    "lr": 0.1, "momentum": 0.9, "weight_decay": 0.0, "lam": 1.0, "alpha": 3.0, "lr_schedule": "constant",
    "alpha_schedule": "constant", "clip_forget": None, "fisher_batch_size": 2, "batch_size": 2, "steps": 1,
}  # fmt: skip


class Watched(LinearTask):
    """Notes the weights at every question, so that the half-way point of a step is seen."""

    def __init__(self, w: tuple[float, float], **batches: Any) -> None:
        super().__init__(w, **batches)
        self.weights: list[tuple[str, list[float]]] = []

    def _linear(self, rows: list[list[float]]) -> Tensor:
        self.weights.append((self.asked[-1], self.model.w.tolist()))
        return super()._linear(rows)

    @property
    def after_forgetting(self) -> list[list[float]]:
        """The weights between the forgetting and the remain step of every pair."""
        return [w for (before, _), (now, w) in zip(self.weights, self.weights[1:], strict=False)
                if (before, now) in {("forget", "remain"), ("redirect", "remain")}]  # fmt: skip


def two(kind: type[Watched] = Watched, **batches: Any) -> Any:
    return kind((1.0, 2.0), **{"forget": FORGET, "remain": REMAIN, **batches})


def go(task: Any, **changes: Any) -> list[Event]:
    config = SFRonConfig(**{**PLAIN, **changes})
    events = []
    for event in sfron(task, config, rng=torch.Generator(), cancel=CancelToken()):
        events.append(event)
        if isinstance(event, PhaseStarted) and event.phase == "unlearn" and isinstance(task, Watched):
            task.weights.clear()  # what the mask phase asked is not a step
    check_grammar(events)
    return events


def steps(events: list[Event]) -> list[Step]:
    return [e for e in events if isinstance(e, Step)]


def weights(task: LinearTask) -> list[float]:
    return task.model.w.tolist()


def fisher(task: Any, part: Any, **changes: Any) -> tuple[list[float], list[Event]]:
    config = SFRonConfig(**{**PLAIN, **changes})
    events: list[Event] = []
    found = drained(estimate_fisher(task, part, config, rng=torch.Generator(), cancel=CancelToken()), events.append)
    assert found is not None
    return found["w"].tolist(), events


def test_fishers_ratio_and_mask_of_two_weights() -> None:
    # Mean gradients (1/2, 1/2) and (2, 1/2): F_f = (1/4, 1/4), F_r = (4, 1/4), ratios 1/16 and 1.
    task = two()
    assert fisher(task, "forget")[0] == [0.25, 0.25]
    assert fisher(task, "remain")[0] == [4.0, 0.25]
    assert weights(task) == [1.0, 2.0]
    (mask,) = [e for e in go(two()) if isinstance(e, MaskReady)]
    assert (mask.density, mask.threshold, mask.layers[0].kept) == (0.5, 1.0, 1)
    assert mask.layers[0].kept_at[:2] == (2, 2)
    assert mask.layers[0].kept_at[-1] == 0


def test_one_forget_and_one_remain_step() -> None:
    task = two()
    (step,) = steps(go(task))
    # lambda 1: losses (1, 2), c = (1, 1/2), w = (2/3, 1/3); loss 2/3 * 1 + 1/3 * 2 = 4/3.
    assert step.forget_loss == pytest.approx(4 / 3)
    # -3 * (2/3, 1/3) = (-2, -1); the mask leaves (0, -1); w1 climbs by 0.1 * 1.
    assert step.alpha == 3.0
    assert step.forget_grad_norm == pytest.approx(1.0)
    assert task.after_forgetting == [pytest.approx([1.0, 2.1])]
    # Remain loss 2 * 1 + 2.1 / 2; velocity 0.9 * (0, -1) + (2, 0.5) = (2, -0.4).
    assert step.remain_loss == pytest.approx(3.05)
    assert step.remain_grad_norm == pytest.approx(math.hypot(2.0, 0.5))
    assert weights(task) == pytest.approx([0.8, 2.14])
    assert step.lr == 0.1


class Gapped(Watched):
    """Says these gaps in turn, one for each forgetting step that is due."""

    gaps = (0.1, 0.5, 0.7, 0.49)

    def label_gap(self, batch: Any, rng: torch.Generator) -> float:
        self.asked.append("gap")
        return self.gaps[self.asked.count("gap") - 1]


def test_forgetting_pauses_while_the_label_misleads_enough() -> None:
    task = two(Gapped)
    found = steps(go(task, steps=8, forget_every=2, forget_until=0.5))
    assert [s.forget_loss is not None for s in found] == [True, False, False, False, False, False, True, False]
    assert [s.alpha for s in found if s.forget_loss is None] == [None] * 6
    # Without such an end nobody asks, and a joint step that leaves forgetting out is a remain step.
    free = two(Gapped)
    assert all(s.forget_loss is not None for s in steps(go(free, steps=3)))
    assert "gap" not in free.asked
    joint = two(Gapped)
    joint.gaps = (0.5,)
    go(joint, alternate=False, forget_until=0.5)
    assert weights(joint) == pytest.approx([1.0 - 0.1 * 2.0, 2.0 - 0.1 * 0.5])


def test_the_first_steps_forget_and_the_others_only_repair() -> None:
    found = steps(go(two(), steps=6, forget_every=2, forget_steps=3))
    assert [s.forget_loss is not None for s in found] == [True, False, True, False, False, False]
    one = two()
    assert all(s.forget_loss is None for s in steps(go(one, steps=3, forget_steps=1))[1:])


class Approaching(Watched):
    """Says what share of the way is left."""

    shares = (1.0, 0.5, 0.4, 0.3, 0.2, 0.1, 9.0)

    def recall_losses(self, batch: Any, before: nn.Module, rng: torch.Generator, weights: str) -> Tensor:
        return (self.model.w**2).sum()[None]

    def relative_losses(self, batch: Any, before: nn.Module, rng: torch.Generator, other: str) -> Tensor:
        self.asked.append("share")
        return self.shares[self.asked.count("share") - 1] + 0.0 * self.model.w[:1]


def test_a_run_that_has_come_near_enough_only_repairs() -> None:
    # Means of five: 0.48 after the fifth, 0.3 after the sixth, which is near enough for good: the seventh is never asked.
    relative = {"forget_loss": "relative", "adaptive": False, "mask": False}
    task = two(Approaching)
    found = steps(go(task, steps=9, forget_down_to=0.31, **relative))
    assert [s.forget_loss is not None for s in found] == [True] * 6 + [False] * 3
    early = steps(go(two(Approaching), steps=6, forget_down_to=0.9, **relative))
    assert [s.forget_loss is not None for s in early] == [True] * 5 + [False]


class Recalled(Watched):
    """Answers w; recalls the distance of both weights from those before, and half of what is left on the way to 3."""

    def recall_losses(self, batch: Any, before: nn.Module, rng: torch.Generator, weights: str) -> Tensor:
        assert not any(p.requires_grad for p in before.parameters())
        self.asked.append(f"recall {weights}")
        return ((self.model.w - before.w) ** 2).sum()[None]

    def relative_losses(self, batch: Any, before: nn.Module, rng: torch.Generator, other: str) -> Tensor:
        self.asked.append(f"relative {other}")
        return ((self.model.w - 3.0) ** 2 / (before.w - 3.0) ** 2)[:1]


def test_repair_towards_what_the_model_said_before() -> None:
    task = two(Recalled)
    (step,) = steps(go(task, mask=False, remain_loss="recall", momentum=0.0))
    # Ascent as before: 3 * (2/3, 1/3) * 0.1 = (0.2, 0.1) up; then 2 * (0.2, 0.1) * 0.1 down again.
    assert step.remain_loss == pytest.approx(0.2**2 + 0.1**2)
    assert weights(task) == pytest.approx([1.2 - 0.04, 2.1 - 0.02])
    assert "remain" not in task.asked
    assert "recall equal" in task.asked
    steps(go(task, mask=False, remain_loss="recall", recall_weights="noise"))
    assert task.asked[-1] == "recall noise"


def test_a_share_of_the_way_is_descended() -> None:
    task = two(Recalled)
    (step,) = steps(go(task, mask=False, forget_loss="relative", adaptive=False, remain_loss="recall", momentum=0.0))
    # (1 - 3)**2 / (1 - 3)**2 = 1 with slope 2 * (1 - 3) / 4 = -1; alpha 3, lr 0.1: up by 0.3, and 2 * 0.3 * 0.1 back.
    assert step.forget_loss == pytest.approx(1.0)
    assert weights(task) == pytest.approx([1.3 - 0.06, 2.0])


@pytest.mark.parametrize(
    ("changes", "have", "sentence", "hint"),
    [
        ({"remain_loss": "recall"}, {"Redirectable"}, "answers from before can be recalled", "'data'"),
        ({"forget_loss": "relative"}, {"Redirectable"}, "answers from before can be recalled", "'ascent'"),
        ({"forget_until": 0.5}, {"Redirectable"}, "without a label", "none"),
        ({"forget_down_to": 0.1}, {"Denoising", "Redirectable"}, "Only the relative forget loss", "'relative'"),
        ({"forget_loss": "redirect"}, set(), "no wrong answer", "ascent"),
    ],
)
def test_what_a_kind_of_model_cannot_do_is_refused(
    changes: dict[str, Any], have: set[str], sentence: str, hint: str
) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        SFRonConfig(**changes).check_abilities(have)
    assert hint in caught.value.hint
    SFRonConfig().check_abilities(have)


@pytest.mark.parametrize(("clip", "norm"), [(7.0, 1.0), (0.5, 0.5), (0.1, 0.1)])
def test_the_clip_comes_after_the_mask(clip: float, norm: float) -> None:
    task = two()
    (step,) = steps(go(task, clip_forget=clip))  # before the mask the norm is sqrt(5)
    assert step.forget_grad_norm == pytest.approx(norm, rel=1e-5)
    assert task.after_forgetting == [pytest.approx([1.0, 2.0 + 0.1 * norm], rel=1e-6)]


def test_the_rate_warms_up_within_its_schedule() -> None:
    rates = [step.lr for step in steps(go(two(), steps=4, lr_schedule="cosine", lr_warmup=2))]
    assert rates == pytest.approx([0.1 / 2, 0.1 * (1 + 2**-0.5) / 2, 0.1 / 2, 0.1 * (1 - 2**-0.5) / 2])


def test_weights_over_the_whole_forget_set() -> None:
    # Two batches of one row: losses 1 and 2 over D_f, c = (1, 1/2), mean 3/4; eps_1 = 1 / (3/4) = 4/3.
    task = two(forget=[[[1.0, 0.0]], [[0.0, 1.0]]])
    (step,) = steps(go(task, weight_scope="forget-set", mask=False))
    assert step.forget_loss == pytest.approx(4 / 3)
    assert step.forget_grad_norm == pytest.approx(4.0)  # alpha 3 times 4/3
    # Over the batch alone a single sample always weighs 1.
    (step,) = steps(go(two(forget=[[[1.0, 0.0]], [[0.0, 1.0]]]), mask=False))
    assert step.forget_loss == pytest.approx(1.0)


def test_redirecting_descends_towards_the_wrong_answer() -> None:
    task = two(redirect=[[[4.0, 0.0], [0.0, 0.0]]])
    (step,) = steps(go(task, forget_loss="redirect", adaptive=False, mask=False, alpha=0.5))
    assert step.forget_loss == pytest.approx(2.0)  # mean of 4 * 1 and 0
    assert task.after_forgetting == [pytest.approx([1 - 0.1 * 0.5 * 2, 2.0])]


def test_redirecting_weighs_the_whole_set_by_the_same_losses() -> None:
    # Redirect losses 4 and 1 (true ones 1 and 2): c = (1/4, 1), mean 5/8; the first batch weighs (1/4) / (5/8) = 2/5.
    task = two(forget=[[[1.0, 0.0]], [[0.0, 1.0]]], redirect=[[[4.0, 0.0]], [[1.0, 0.0]]])
    (step,) = steps(go(task, forget_loss="redirect", weight_scope="forget-set", mask=False))
    assert step.forget_loss == pytest.approx(0.4 * 4)


@pytest.mark.parametrize(("floor", "moved"), [(0.0, 0.0), (1e-4, 1.0)])
def test_one_exact_zero_loss_silences_the_batch_unless_there_is_a_floor(floor: float, moved: float) -> None:
    # Losses (0, 1), gradients (0, 0) and (1, 0); lambda 1/2: c = 1/sqrt(1e-4) = 100 and 1 with the floor.
    task = two(forget=[[[0.0, 0.0], [1.0, 0.0]]])
    (step,) = steps(go(task, lam=0.5, loss_floor=floor, mask=False))
    share = moved / 101
    assert step.forget_loss == pytest.approx(share, rel=1e-5, abs=1e-12)
    assert step.forget_grad_norm == pytest.approx(3 * share, rel=1e-5, abs=1e-12)


SHORT = [[[1.0, 0.0], [1.0, 0.0]], [[3.0, 0.0]]]
"""A full batch with mean gradient (1, 0), and a short one with (3, 0)."""


@pytest.mark.parametrize(
    ("changes", "value", "total"),
    [
        ({}, (1 + 9) / 2, 2),
        ({"fisher_last_batch": "drop"}, 1.0, 1),
        ({"fisher_batches": 1}, 1.0, 1),
        ({"fisher_batches": 5}, 5.0, 2),
        ({"fisher_clip": 2.0}, (1 + 4) / 2, 2),
    ],
    ids=["keep", "drop", "cap", "cap beyond", "clip"],
)
def test_fisher_of_a_full_and_a_short_batch(changes: dict[str, Any], value: float, total: int) -> None:
    found, events = fisher(two(forget=SHORT), "forget", **changes)
    assert found == pytest.approx([value, 0.0], rel=1e-5)
    assert events[0] == PhaseStarted(phase="fisher", total=total)
    assert [e.done for e in events if isinstance(e, PhaseProgress)] == list(range(1, total + 1)), (
        "progress ends at 100 %"
    )


def test_the_only_batch_is_kept_though_it_is_short() -> None:
    found, events = fisher(two(forget=[[[3.0, 0.0]]]), "forget", fisher_last_batch="drop")
    assert found == [9.0, 0.0]
    assert events[0] == PhaseStarted(phase="fisher", total=1)


@pytest.mark.parametrize("value", ["hold", "drift"])
def test_masked_weights_hold_or_drift(value: str) -> None:
    task = two()
    go(task, steps=2, weight_decay=0.5, masked_weights=value)
    first, second = task.after_forgetting
    starts = [w for name, w in task.weights if name == "forget"][-2:]
    if value == "hold":
        assert [first[0], second[0]] == [starts[0][0], starts[1][0]]
    else:
        # First: weight decay alone, 1 - 0.1 * 0.5 * 1. Then the momentum of both steps too.
        assert first[0] == pytest.approx(0.95)
        velocity = 0.9 * 0.5 + 2 + 0.5 * 0.95  # after the first remain step
        assert starts[1][0] == pytest.approx(0.95 - 0.1 * velocity)
        assert second[0] == pytest.approx(starts[1][0] - 0.1 * (0.9 * velocity + 0.5 * starts[1][0]))
    assert first[1] == pytest.approx(2 - 0.1 * (-1 + 0.5 * 2))  # what the mask keeps moves alike


def test_one_joint_step_without_alternation() -> None:
    task = two()
    (step,) = steps(go(task, alternate=False))
    # (0, -1) + (2, 0.5) in one step, at the weights of the start.
    assert task.weights[-2:] == [("forget", [1.0, 2.0]), ("remain", [1.0, 2.0])]
    assert weights(task) == pytest.approx([0.8, 2.05])
    assert step.remain_grad_norm == pytest.approx(math.hypot(2.0, 0.5))
    assert step.forget_grad_norm is None
    assert step.forget_loss == pytest.approx(4 / 3)
    task = two()
    go(task, alternate=False, steps=2, forget_every=2, momentum=0.0)  # it forgets only every second step
    assert weights(task) == pytest.approx([1 - 0.2 - 0.2, 2 + 0.05 - 0.05])
    (step,) = steps(go(two(), alternate=False, clip_forget=1.0))  # one gradient, clipped as one
    assert step.remain_grad_norm == pytest.approx(1.0, rel=1e-5)


def test_separate_state_keeps_the_forget_momentum_out_of_the_remain_step() -> None:
    task = two()
    go(task, optimizer_state="separate")
    assert weights(task) == pytest.approx([0.8, 2.1 - 0.05])  # shared: 2.14
    task = two()
    go(task, optimizer_state="separate", steps=2, mask=False, adaptive=False, alpha=2.0)
    # Forget velocity (-1, -1), then 0.9 * that + (-1, -1) = (-1.9, -1.9): apart from the remain steps.
    first, second = task.after_forgetting
    start = [w for name, w in task.weights if name == "forget"][1]
    assert first == pytest.approx([1.1, 2.1])
    assert second == pytest.approx([start[0] + 0.19, start[1] + 0.19])


# With weight decay 1/2 and lr 0.1 and no gradient at all, every optimiser step multiplies by 0.95.
STILL: dict[str, Any] = {
    "forget": [[[0.0, 0.0]]], "remain": [[[0.0, 0.0]]],
}  # fmt: skip
DECAY: dict[str, Any] = {"weight_decay": 0.5, "momentum": 0.0, "mask": False, "adaptive": False, "slow_beta": 0.5}
AFTER_ONE = (1 + 0.95**2) / 2


@pytest.mark.parametrize(
    ("steps", "scope", "wanted"),
    [
        (2, "outer", (1 + 0.95**3) / 2),  # forget, remain, remain, then half way back
        (2, "step", (AFTER_ONE + 0.95 * AFTER_ONE) / 2),
        (4, "outer", ((1 + 0.95**3) / 2) ** 2),  # the second cycle starts from the slow weights
    ],
)
def test_slow_weights_move_once_a_cycle_or_every_step(steps: int, scope: str, wanted: float) -> None:
    task = two(**STILL)
    go(task, **DECAY, steps=steps, forget_every=2, slow_scope=scope)
    assert weights(task)[0] == pytest.approx(wanted)


def test_a_held_closed_mask_forgets_nothing_at_all() -> None:
    # Only the BatchNorm statistics of the forget batches and their place in the generator remain.
    task = two()
    go(task, gamma=1e6, masked_weights="hold", weight_decay=0.5, steps=3)
    starts = [w for name, w in task.weights if name == "forget"][-3:]
    assert task.after_forgetting == starts


def test_alpha_zero_is_momentum_and_decay_only() -> None:
    task = two()
    found = steps(go(task, alpha=0.0, steps=2, weight_decay=0.5, mask=False))
    assert [s.forget_grad_norm for s in found] == [0.0, 0.0]
    assert task.after_forgetting[0] == pytest.approx([0.95, 1.9])
    task = two()
    go(task, alpha=0.0, steps=3, momentum=0.0, mask=False)
    starts = [w for name, w in task.weights if name == "forget"]
    assert task.after_forgetting == starts


def test_a_floor_in_adam_leaves_tiny_gradients_alone() -> None:
    # Remain gradients (2, 0.5) times 1e-6: Adam's first step is lr * g / (|g| + eps).
    task = two(remain=[[[2e-6, 0.5e-6]]])
    asked = {"mask": False, "alpha": 0.0, "optimizer": "adam", "optimizer_state": "separate", "alternate": True}
    go(task, **asked, adam_eps=1e-6)
    assert weights(task) == pytest.approx([1.0 - 0.1 * 2 / 3, 2.0 - 0.1 * 0.5 / 1.5], rel=1e-4)
    plain = two(remain=[[[2e-6, 0.5e-6]]])
    go(plain, **asked)
    assert weights(plain) == pytest.approx([1.0 - 0.1, 2.0 - 0.1], rel=1e-2)
