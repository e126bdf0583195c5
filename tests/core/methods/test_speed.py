"""SPEED: the edit in the null space, by hand and as the minimum that it promises."""

from __future__ import annotations

from typing import Any

import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.speed import SpeedConfig
from sfr_core.events import Step
from sfr_core.methods.speed import edited, endangered, null_space, speed, unchanged
from sfr_core.presets import resolve
from tests.core.tiny import state
from tests.core.tiny_prompts import tiny_prompt_task

E = torch.eye(3, dtype=torch.float64)


def run(task: Any, **values: Any) -> list[Step]:
    events = speed(task, SpeedConfig.from_dict(values), rng=torch.Generator(), cancel=CancelToken())
    return [event for event in events if isinstance(event, Step)]


def test_an_edit_by_hand() -> None:
    """W = I, e1 shall be answered like e2, e3 is kept: D = (e2 - e1) e1^T / (1 + lam)."""
    free = null_space(E[2:], 0.1)
    torch.testing.assert_close(free, torch.diag(torch.tensor([1.0, 1.0, 0.0])).double())
    new = edited(E, E[:1], E[1:2], free, E[2:], 1.0)
    torch.testing.assert_close(new, torch.tensor([[0.5, 0, 0], [0.5, 1, 0], [0, 0, 1]], dtype=torch.float64))
    # e1 + e2 keeps its answer: only the part of e1 that is at right angles to it, (e1 - e2) / 2, may be answered anew.
    new = edited(E, E[:1], E[1:2], free, (E[0] + E[1])[None], 1.0)
    torch.testing.assert_close(new @ (E[0] + E[1]), E[0] + E[1])
    torch.testing.assert_close(new @ E[0], torch.tensor([1 - 1 / 3, 1 / 3, 0], dtype=torch.float64))


def test_it_is_the_minimum_over_what_it_may_change() -> None:
    rng = torch.Generator().manual_seed(2)
    old, concept, target, kept, still = (
        torch.randn(*shape, generator=rng, dtype=torch.float64) for shape in ((5, 8), (2, 8), (2, 8), (3, 8), (2, 8))
    )
    free = null_space(kept, 1e-9)
    change = edited(old, concept, target, free, still, 0.3) - old
    for rows in (kept, still):
        torch.testing.assert_close(change @ rows.T, torch.zeros(5, len(rows), dtype=torch.float64), atol=1e-10, rtol=0)
    slope = ((old + change) @ concept.T - old @ target.T) @ concept + 0.3 * change
    # Directions in which a row of D may move: orthogonal to what is kept and to what stands still.
    allowed = torch.linalg.svd(torch.cat([kept, still])).Vh[5:]
    torch.testing.assert_close(slope @ allowed.T, torch.zeros(5, 3, dtype=torch.float64), atol=1e-10, rtol=0)
    assert float(change.abs().max()) > 0.01


def test_only_the_endangered_are_protected_by_hand() -> None:
    # The plain edit is (e2 - e1) e1^T / 2: it moves 2 e1 by sqrt 2, e1 by half of that and e3 not at all; the mean is sqrt(2) / 2.
    kept = torch.stack([2 * E[0], E[0], E[2]])
    torch.testing.assert_close(endangered(E, E[:1], E[1:2], kept), 2 * E[:1])
    torch.testing.assert_close(endangered(E, E[:1], E[1:2], E[2:]), E[2:])  # nobody is in danger: all stay


def test_what_stands_still_of_the_empty_prompt_by_hand() -> None:
    empty = torch.tensor([[9.0, 9.0], [0.0, 0.0], [0.0, 1.0], [5.0, 0.0], [5.0, 1.0], [0.0, 8.0]], dtype=torch.float64)
    found = unchanged(empty)
    assert found[0].tolist() == [9.0, 9.0]
    assert sorted(found[1:].tolist()) == [[0.0, 0.5], [0.0, 8.0], [5.0, 0.5]]
    assert len(unchanged(empty[:1])) == 1
    assert len(unchanged(empty[:3])) == 3


def test_only_values_of_the_text_move_one_step_a_layer() -> None:
    task = tiny_prompt_task()
    before = state(task.model)
    steps = run(task, null_threshold=1e6)
    after = state(task.model)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {f"blocks.{i}.attn2.to_v.weight" for i in (0, 1)}
    assert [(step.i, step.total, step.lr) for step in steps] == [(i, 2, 0.0) for i in (1, 2)]


def test_without_a_null_space_nothing_moves() -> None:
    task = tiny_prompt_task()
    before = state(task.model)
    run(task, null_threshold=0.0, filtered=False)
    for name, value in state(task.model).items():
        torch.testing.assert_close(value, before[name])


def test_published_values() -> None:
    values = resolve("emoji-sd", "speed", "published", forget="concept:cat")
    assert values == {"null_threshold": 0.1, "lam": 1.0, "filtered": True, "tokens": "last"}
