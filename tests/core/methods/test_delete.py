"""DELETE: the original's answer without the true class is the target."""

from __future__ import annotations

import math

import pytest
import torch

from sfr_core.methods.delete import masked_distillation
from sfr_core.presets import resolve
from tests.core.grammar import check_grammar
from tests.core.tiny import play, state, tiny_task


def test_masked_distillation_by_hand() -> None:
    # Teacher (1/2, 1/4, 1/4): without class 0 it says (0, 1/2, 1/2). The student says (1/2, 3/8, 1/8).
    teacher = torch.tensor([[2.0, 1.0, 1.0]]).log()
    student = torch.tensor([[4.0, 3.0, 1.0]]).log()
    wanted = 0.5 * math.log(0.5 / (3 / 8)) + 0.5 * math.log(0.5 / (1 / 8))
    assert float(masked_distillation(student, teacher, torch.tensor([0]))) == pytest.approx(wanted, rel=1e-6)


def test_a_student_like_the_original_has_left_what_it_gives_the_true_class() -> None:
    logits = torch.tensor([[2.0, 0.5, -1.0], [0.0, 3.0, 1.0]])
    truth = torch.tensor([2, 1])
    left = -torch.log1p(-logits.softmax(1).gather(1, truth[:, None])[:, 0])
    torch.testing.assert_close(masked_distillation(logits, logits, truth), left)


def test_gradient_by_hand() -> None:
    # Softmax q and target p give the gradient q - p: the true class is pushed down by all that it had.
    student = torch.tensor([[0.0, 0.0, 0.0]], requires_grad=True)
    masked_distillation(student, torch.tensor([[5.0, 1.0, 1.0]]), torch.tensor([0])).sum().backward()
    assert student.grad is not None
    torch.testing.assert_close(student.grad, torch.tensor([[1 / 3, 1 / 3 - 1 / 2, 1 / 3 - 1 / 2]]))


def test_only_the_forget_set_is_read_and_the_true_class_falls() -> None:
    task = tiny_task()
    steps = check_grammar(play("delete", task, epochs=8, lr=0.05, keep_statistics=True))
    assert len(steps) == 8 * 2  # 15 forget rows in batches of 8
    assert all(step.remain_loss is None for step in steps)
    first, last = steps[0].forget_loss, steps[-1].forget_loss
    assert first is not None
    assert last is not None
    assert last < first


@pytest.mark.parametrize("keep", [True, False])
def test_statistics_of_batch_norm_stay_only_where_they_shall(keep: bool) -> None:
    task = tiny_task()
    before = state(task.model)
    play("delete", task, epochs=1, keep_statistics=keep)
    assert torch.equal(before["bn1.running_mean"], state(task.model)["bn1.running_mean"]) == keep


def test_published_values() -> None:
    values = resolve("fashion-mnist-resnet", "delete", "published")
    wanted = {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.0, "lr": 1e-3, "epochs": 20, "batch_size": 128}
    assert {name: values[name] for name in wanted} == wanted
    assert (values["lr_schedule"], values["keep_statistics"]) == ("constant", False)
