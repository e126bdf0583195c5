"""Settings of SFR-on that must mean the same to the bit, on a tiny classifier."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from sfr_core.cancel import CancelToken
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.events import MaskReady
from sfr_core.methods.sfron import estimate_fisher, unlearn
from sfr_core.ops.stepwise import drained
from tests.core.tiny import SMALL, play, same, state, tiny_task


@pytest.mark.parametrize("scope", ["step", "outer"])
@pytest.mark.parametrize("count", [1, 4, 5])
def test_slow_beta_zero_stands_still(scope: str, count: int) -> None:
    task = tiny_task()
    before = {name: p.detach().clone() for name, p in task.parameters().items()}
    play("sfr-on", task, slow_beta=0.0, slow_scope=scope, steps=count, forget_every=2)
    assert all(torch.equal(before[name], p) for name, p in task.parameters().items())


def test_the_outer_cycle_averages_batch_statistics_and_the_published_step_does_not() -> None:
    found = {}
    for scope in ("step", "outer"):
        task = tiny_task()
        before = task.model.bn1.running_mean.clone()
        play("sfr-on", task, slow_beta=0.0, slow_scope=scope)
        found[scope] = torch.equal(before, task.model.bn1.running_mean)
    assert found == {"step": False, "outer": True}


def final(**settings: Any) -> dict[str, Tensor]:
    task = tiny_task()
    play("sfr-on", task, **settings)
    return state(task.model)


CLOSED = {"gamma": 1e6}
UNMASKED = {"mask": False}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({}, {"slow_beta": 1.0, "slow_scope": "step"}, True),
        ({}, {"slow_beta": 1.0, "slow_scope": "outer"}, True),
        ({}, {"slow_beta": 0.99}, False),
        (CLOSED, {**CLOSED, "alpha": 0.0}, True),  # it leaves only momentum and decay of the forget step
        (CLOSED, {"gamma": 0.0}, False),
        ({**UNMASKED, "lam": 0.0}, {**UNMASKED, "adaptive": False}, True),  # plain ascent
        ({**UNMASKED, "lam": 0.5}, {**UNMASKED, "adaptive": False}, False),
        ({}, {"fisher_last_batch": "drop"}, False),
        ({}, {"fisher_batches": 1}, False),
    ],
)
def test_settings_that_mean_the_same_to_the_bit_and_such_that_do_not(
    one: dict[str, Any], other: dict[str, Any], alike: bool
) -> None:
    assert same(final(**one), final(**other)) == alike


def test_a_mask_that_nothing_passes_is_empty() -> None:
    (event,) = [e for e in play("sfr-on", tiny_task(), **CLOSED) if isinstance(e, MaskReady)]
    assert event.density == 0.0


def test_gamma_zero_is_no_mask() -> None:
    masked = tiny_task()
    (event,) = [e for e in play("sfr-on", masked, seed=5, gamma=0.0) if isinstance(e, MaskReady)]
    assert event.density == 1.0
    plain, config = tiny_task(), SFRonConfig.from_dict(SMALL["sfr-on"])
    rng = torch.Generator().manual_seed(5)
    for part in ("forget", "remain"):
        drained(estimate_fisher(plain, part, config, rng=rng, cancel=CancelToken()))  # type: ignore[arg-type]
    list(unlearn(plain, config, None, rng=rng, cancel=CancelToken()))
    assert same(state(masked.model), state(plain.model))


def test_estimation_is_in_eval_mode_and_the_loop_in_train_mode() -> None:
    task = tiny_task()
    modes: list[bool] = []
    ask = task.losses

    def losses(batch: Any, rng: torch.Generator) -> Tensor:
        modes.append(task.model.training)
        return ask(batch, rng)

    task.losses = losses  # type: ignore[method-assign]
    play("sfr-on", task, steps=2, forget_every=1, weight_scope="forget-set")
    # 2 and 6 Fisher batches; then twice: two batches over D_f in eval mode, a forget and a remain batch in train mode.
    assert modes == [False] * 8 + [False, False, True, True] * 2
