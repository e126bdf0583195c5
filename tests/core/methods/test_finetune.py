"""FT: plain training on the remain set."""

from __future__ import annotations

import math

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.configs import EpochConfig
from sfr_core.methods.finetune import finetune
from tests.core.grammar import check_grammar
from tests.core.tiny import REMAIN, LinearTask, play, relabelled, same, state, tiny_dataset, tiny_task


@pytest.mark.parametrize(
    ("method", "unread"), [("finetune", "forget"), ("retrain", "forget"), ("gradient-ascent", "remain")]
)
def test_methods_of_one_set_read_no_row_of_the_other(method: str, unread: str) -> None:
    plain = tiny_task()
    other = tiny_task(dataset=relabelled(tiny_dataset(), getattr(plain.split, unread)))
    play(method, plain)
    play(method, other)
    assert same(state(plain.model), state(other.model))


def test_two_steps_by_hand() -> None:
    # Gradients [1, 0] and [0, 2]; lr 0.1, momentum 0.5, decay 0.1, w = (1, 2):
    # v = [1.1, 0.2], w = (0.89, 1.98); then v = 0.5 v + [0.089, 2 + 0.198], w = (0.89 - 0.0639, 1.98 - 0.2298).
    task = LinearTask((1.0, 2.0), forget=[[[9.0, 9.0]]], remain=[[[1.0, 0.0]], [[0.0, 2.0]]])
    config = EpochConfig(epochs=1, lr=0.1, momentum=0.5, weight_decay=0.1, batch_size=1)
    events = list(finetune(task, config, rng=torch.Generator(), cancel=CancelToken()))
    steps = check_grammar(events)
    assert torch.allclose(task.model.w, torch.tensor([0.8261, 1.7502]), atol=1e-6)
    assert [s.remain_loss for s in steps] == pytest.approx([1.0, 3.96])
    assert [s.remain_grad_norm for s in steps] == pytest.approx([1.0, 2.0])


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_learning_rate_changes_between_epochs_only(schedule: str) -> None:
    steps = check_grammar(play("finetune", tiny_task(), epochs=4, lr=0.1, lr_schedule=schedule))
    per_epoch = math.ceil(REMAIN / 8)
    wanted = [0.1, 0.1 * (2 + math.sqrt(2)) / 4, 0.05, 0.1 * (2 - math.sqrt(2)) / 4]
    if schedule == "constant":
        wanted = [0.1] * 4
    assert [s.lr for s in steps] == pytest.approx([lr for lr in wanted for _ in range(per_epoch)], rel=1e-12)


def test_says_nothing_of_the_forget_set() -> None:
    steps = check_grammar(play("finetune", tiny_task()))
    assert all(s.forget_loss is None and s.forget_grad_norm is None and s.alpha is None for s in steps)
