"""SSD: which weights are chosen and what they keep, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from sfr_core.events import MaskReady, Step
from sfr_core.methods.ssd import dampening, of_all
from sfr_core.presets import resolve
from tests.core.tiny import LinearTask, play, same, state, tiny_task


def test_fisher_of_all_pictures_by_hand() -> None:
    # 1 of 4 pictures is to forget: a quarter of 8 and three quarters of 4.
    found = of_all({"w": torch.tensor([8.0, 0.0])}, {"w": torch.tensor([4.0, 4.0])}, 1, 3)
    torch.testing.assert_close(found["w"], torch.tensor([5.0, 3.0]))


def test_dampening_by_hand() -> None:
    forget, whole = torch.tensor([8.0, 8.0, 1.0, 0.0]), torch.tensor([2.0, 6.0, 2.0, 0.0])
    chosen = torch.tensor([True, True, False, False])
    # lambda 1: 2/8 and 6/8. lambda 2: 4/8, and 12/8 is cut to 1. What is not chosen stays, where both are 0 too.
    torch.testing.assert_close(dampening(forget, whole, chosen, 1.0), torch.tensor([0.25, 0.75, 1.0, 1.0]))
    torch.testing.assert_close(dampening(forget, whole, chosen, 2.0), torch.tensor([0.5, 1.0, 1.0, 1.0]))


def test_a_run_of_two_weights_by_hand() -> None:
    """One forget row with gradient (4, 1), three remain rows in one batch with mean gradient (0, 2).

    F_f = (16, 1), F_r = (0, 4), F_D = (4, 3.25): only w0 matters more than 2 times as much, and keeps 4 / 16 of itself.
    """
    task = LinearTask((3.0, 5.0), forget=[[[4.0, 1.0]]], remain=[[[0.0, 2.0], [0.0, 2.0], [0.0, 2.0]]])
    events = play("ssd", task, alpha=2.0, lam=1.0)
    torch.testing.assert_close(task.model.w.detach(), torch.tensor([0.75, 5.0]))
    (mask,) = [event for event in events if isinstance(event, MaskReady)]
    (step,) = [event for event in events if isinstance(event, Step)]
    assert (mask.density, mask.threshold) == (0.5, 2.0)
    assert step.forget_loss == pytest.approx(4 * 0.75 + 5.0)


@pytest.mark.parametrize("alpha", [4.001, 1e6])
def test_beyond_the_largest_possible_ratio_nothing_is_chosen(alpha: float) -> None:
    task = tiny_task()  # 15 of 60 rows: no ratio is above 4
    before = state(task.model)
    (mask,) = [event for event in play("ssd", task, alpha=alpha) if isinstance(event, MaskReady)]
    assert mask.density == 0.0
    assert same(before, state(task.model))


def test_no_weight_grows_or_changes_its_sign() -> None:
    task = tiny_task()
    before = state(task.model)
    play("ssd", task, alpha=1.0)
    after = dict(task.model.named_parameters())
    for name, weight in after.items():
        assert ((weight.detach() / before[name]).nan_to_num(nan=1.0) >= 0).all()
        assert (weight.detach().abs() <= before[name].abs()).all()
    assert math.isfinite(sum(float(w.detach().sum()) for w in after.values()))


def test_published_values() -> None:
    values = resolve("fashion-mnist-resnet", "ssd", "published")
    assert values == {"alpha": 10.0, "lam": 1.0, "fisher_batches": None, "fisher_batch_size": 128}
