"""RT: fresh weights in place, then the recipe's schedule on the remain set."""

from __future__ import annotations

import math

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.configs import EpochConfig
from sfr_core.methods.finetune import finetune
from sfr_core.methods.retrain import one_cycle
from tests.core.grammar import check_grammar
from tests.core.tiny import play, same, state, tiny_task

PLAIN = {"nesterov": False, "lr_schedule": "cosine", "shift": 0}


def test_starting_weights_do_not_matter() -> None:
    first, second = tiny_task(seed=0), tiny_task(seed=1)
    second.model.bn1.running_mean.add_(5.0)
    play("retrain", first)
    play("retrain", second)
    assert same(state(first.model), state(second.model))


def test_is_fine_tuning_of_a_new_model() -> None:
    retrained, tuned = tiny_task(), tiny_task()
    play("retrain", retrained, lr=0.03, **PLAIN)
    rng = torch.Generator().manual_seed(0)
    tuned.model.load_state_dict(tuned.new_model(rng).state_dict())
    list(finetune(tuned, EpochConfig(epochs=2, batch_size=8, lr=0.03), rng=rng, cancel=CancelToken()))
    assert same(state(retrained.model), state(tuned.model))


def test_weights_are_replaced_in_place() -> None:
    task = tiny_task()
    model, parameters = task.model, list(task.model.parameters())
    play("retrain", task)
    assert task.model is model
    assert all(a is b for a, b in zip(parameters, task.model.parameters(), strict=True))
    assert int(task.model.bn1.num_batches_tracked) == 12


def test_one_cycle_by_hand() -> None:
    # 10 steps, a fifth of them rising: 1/3, 2/3, the peak, then the cosine of 1/8, 2/8 ... 7/8.
    wanted = [1 / 3, 2 / 3, 1.0] + [(1 + math.cos(math.pi * k / 8)) / 2 for k in range(1, 8)]
    assert [one_cycle(i, 10, 0.2) for i in range(10)] == pytest.approx(wanted, rel=1e-12)
    assert [one_cycle(i, 4, 0.0) for i in range(4)] == pytest.approx(
        [(1 + math.cos(math.pi * k / 4)) / 2 for k in range(4)], rel=1e-12
    )


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "constant"])
def test_schedule_of_the_run(schedule: str) -> None:
    steps = check_grammar(play("retrain", tiny_task(), lr=0.1, epochs=2, lr_schedule=schedule, warmup=0.25))
    wanted = {
        "one-cycle": [0.1 * one_cycle(i, 12, 0.25) for i in range(12)],
        "cosine": [0.1] * 6 + [0.05] * 6,
        "constant": [0.1] * 12,
    }[schedule]
    assert [s.lr for s in steps] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("field", [{"nesterov": False}, {"shift": 0}, {"shift_share": 0.5}])
def test_parts_of_the_recipe_matter(field: dict[str, float]) -> None:
    whole, other = tiny_task(), tiny_task()
    play("retrain", whole, shift=1, shift_share=1.0, nesterov=True)
    play("retrain", other, **{"shift": 1, "shift_share": 1.0, "nesterov": True, **field})
    assert not same(state(whole.model), state(other.model))


def test_learns() -> None:
    steps = check_grammar(play("retrain", tiny_task(), epochs=30, lr=0.1))
    losses = [s.remain_loss for s in steps if s.remain_loss is not None]
    assert losses[-1] < 0.5 * losses[0]


def test_nesterov_needs_momentum_and_does_without() -> None:
    check_grammar(play("retrain", tiny_task(), momentum=0.0, nesterov=True))
