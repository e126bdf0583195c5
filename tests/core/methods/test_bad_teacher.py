"""BT: two teachers, one divergence."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch.nn import functional as F

from sfr_core.methods.bad_teacher import imitation
from tests.core.tiny import play, state, tiny_task


def test_divergence_by_hand() -> None:
    # Student q = (1/4, 3/4), teacher p = (1/2, 1/2): KL = (ln 2 + ln 2/3) / 2, averaged over 2 classes.
    student, teacher = torch.tensor([[0.0, math.log(3.0)]]), torch.tensor([[5.0, 5.0]])
    wanted = (math.log(2) + math.log(2 / 3)) / 2 / 2
    assert float(imitation(student, teacher, 1.0)) == pytest.approx(wanted, rel=1e-6)


def test_temperature_divides_the_logits_and_nothing_multiplies_back() -> None:
    student, teacher = torch.tensor([[0.0, 2 * math.log(3.0)]]), torch.tensor([[5.0, 5.0]])
    wanted = (math.log(2) + math.log(2 / 3)) / 2 / 2
    assert float(imitation(student, teacher, 2.0)) == pytest.approx(wanted, rel=1e-6)


def test_teacher_comes_first_in_the_divergence() -> None:
    a, b = torch.tensor([[0.0, math.log(3.0)]]), torch.tensor([[0.0, 0.0]])
    wanted = (0.25 * math.log(0.5) + 0.75 * math.log(1.5)) / 2  # p = (1/4, 3/4), q = (1/2, 1/2)
    assert float(imitation(b, a, 1.0)) == pytest.approx(wanted, rel=1e-5)


def test_temperature_reaches_the_run() -> None:
    cold, warm = tiny_task(), tiny_task()
    play("bad-teacher", cold, temperature=1.0)
    play("bad-teacher", warm, temperature=4.0)
    assert not torch.equal(cold.model.fc.weight, warm.model.fc.weight)


def test_equals_a_loop_written_out() -> None:
    task, hand = tiny_task(), tiny_task()
    play("bad-teacher", task, epochs=2, lr=0.05, temperature=2.0)
    rng = torch.Generator().manual_seed(0)
    original = copy.deepcopy(hand.model).eval()
    ignorant = hand.new_model(rng).eval()
    optimizer = torch.optim.SGD(hand.model.parameters(), 0.05, momentum=0.9, weight_decay=5e-4)
    for lr in (0.05, 0.025):
        optimizer.param_groups[0]["lr"] = lr
        hand.model.train()
        for batch in hand.union_batches(8, rng):
            with torch.no_grad():
                answers = [
                    (ignorant if f else original)(x[None]) for x, f in zip(batch.x, hand.is_forget(batch), strict=True)
                ]
                p = F.softmax(torch.cat(answers) / 2.0, 1)
            q = F.softmax(hand.model(batch.x) / 2.0, 1)
            optimizer.zero_grad()
            (p * (p.log() - q.log())).mean().backward()
            optimizer.step()
    ours, theirs = state(task.model), state(hand.model)
    assert all(torch.allclose(ours[name], theirs[name], rtol=0, atol=2e-6) for name in ours)
