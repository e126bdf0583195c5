"""SCRUB: passes away from the original, then passes near it."""

from __future__ import annotations

import math

import pytest
import torch

from sfr_core.methods.scrub import distillation
from tests.core.grammar import check_grammar
from tests.core.tiny import play, same, state, tiny_task


def test_without_its_parts_it_is_fine_tuning_to_the_bit() -> None:
    scrubbed, tuned = tiny_task(), tiny_task()
    play("scrub", scrubbed, forget_epochs=0, kl_weight=0.0, ce_weight=1.0, epochs=2, lr=0.01, seed=2)
    play("finetune", tuned, epochs=2, lr=0.01, seed=2)
    assert same(state(scrubbed.model), state(tuned.model))


def test_distillation_by_hand() -> None:
    # At T = 2 the student is (1/4, 3/4), the teacher (1/2, 1/2); summed over classes and multiplied by T**2 = 4.
    student, teacher = torch.tensor([[0.0, 2 * math.log(3.0)]]), torch.tensor([[1.0, 1.0]])
    wanted = 4 * (math.log(2) + math.log(2 / 3)) / 2
    assert float(distillation(student, teacher, 2.0)) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("forget_epochs", [0, 1, 2, 9])
def test_forget_passes_open_the_first_epochs(forget_epochs: int) -> None:
    steps = check_grammar(play("scrub", tiny_task(), epochs=3, forget_epochs=forget_epochs))
    pattern = "".join("f" if s.forget_loss is not None else "r" for s in steps)
    assert pattern == "".join(("ff" if e < forget_epochs else "") + "rrrrrr" for e in range(3))
    assert all((s.forget_loss is None) != (s.remain_loss is None) for s in steps)


def test_forget_passes_push_away_and_remain_passes_pull_back() -> None:
    def distance(**values: float) -> float:
        task = tiny_task()
        before = torch.from_numpy(task.predict("train"))
        play("scrub", task, optimizer="sgd", lr=0.01, weight_decay=0.0, ce_weight=0.0, epochs=3, **values)
        return float(distillation(torch.from_numpy(task.predict("train")), before, 1.0).mean())

    away = distance(forget_epochs=3, kl_weight=0.0)
    assert away > 2 * distance(forget_epochs=0, kl_weight=0.0)
    assert distance(forget_epochs=3, kl_weight=1.0) < away


def test_weights_of_the_remain_pass() -> None:
    first = [
        check_grammar(play("scrub", tiny_task(), lr=0.0, forget_epochs=0, ce_weight=ce, kl_weight=kl))[0].remain_loss
        for ce, kl in ((1.0, 0.0), (0.0, 1.0), (0.5, 3.0))
    ]
    ce, kl, both = (value for value in first if value is not None)
    assert both == pytest.approx(0.5 * ce + 3.0 * kl, rel=1e-5)
