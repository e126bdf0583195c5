"""RL: fixed wrong labels on the forget set, everything trained together."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from sfr_core.tasks.classifier import ClassifierTask
from tests.core.grammar import check_grammar
from tests.core.tiny import play, tiny_task


def targets(task: ClassifierTask, seed: int) -> dict[int, int]:
    """By row: the label that redirect_losses descends to, found from the losses alone."""
    found = {}
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for batch in task.union_batches(8, rng):
            task.model.eval()
            logits = task.model(batch.x)
            every = torch.stack(
                [F.cross_entropy(logits, torch.full((len(logits),), c), reduction="none") for c in range(10)]
            )
            chosen = (every - task.redirect_losses(batch, rng)).abs().argmin(0)
            found.update(zip(batch.rows.tolist(), chosen.tolist(), strict=True))
    return found


def test_wrong_labels_are_spread_over_the_other_classes() -> None:
    task = tiny_task("random:0.9@0")
    wrong = [t for row, t in targets(task, 0).items() if row in set(task.split.forget.tolist())]
    assert len(set(wrong)) >= 8


def test_forget_rows_learn_the_wrong_label() -> None:
    task = tiny_task()
    play("random-label", task, epochs=60, lr=0.1)
    answers = torch.from_numpy(task.predict("train")).argmax(1)
    labels = task._labels["train"]
    forget, remain = torch.from_numpy(task.split.forget), torch.from_numpy(task.split.remain)
    assert float((answers[remain] == labels[remain]).float().mean()) > 0.8
    assert float((answers[forget] == labels[forget]).float().mean()) < 0.3
    wanted = targets(task, 0)
    assert sum(int(answers[row]) == wanted[int(row)] for row in forget) >= 10


def test_step_reports_either_part_of_the_one_batch() -> None:
    task, twin = tiny_task(), tiny_task()
    (first, *_) = check_grammar(play("random-label", task, lr=0.0))
    rng = torch.Generator().manual_seed(0)
    batch = next(twin.union_batches(8, rng))
    twin.model.train()
    losses = twin.redirect_losses(batch, rng).detach()
    forget = twin.is_forget(batch)
    assert forget.any()
    assert not forget.all()
    assert first.forget_loss == pytest.approx(float(losses[forget].mean()), rel=1e-6)
    assert first.remain_loss == pytest.approx(float(losses[~forget].mean()), rel=1e-6)
    assert first.forget_grad_norm == first.remain_grad_norm
