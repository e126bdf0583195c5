"""UCE: the closed form on matrices that can be solved by hand, and which weights it touches."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from sfr_core.cancel import CancelToken
from sfr_core.catalog.uce import UceConfig
from sfr_core.events import Step
from sfr_core.methods.uce import edited, uce
from tests.core.tiny import state
from tests.core.tiny_prompts import tiny_prompt_task

KEYS = "blocks.0.attn2.to_k"


def words(task: Any, label: int, tokens: str) -> Tensor:
    """States of a prompt's last word or of all places."""
    states, last = task.prompts(torch.tensor([label])), task.prompts.last[label]
    found: Tensor = states[0, last] if tokens == "last" else states[0]
    return found


def run(task: Any, **values: Any) -> list[Step]:
    events = uce(task, UceConfig.from_dict(values), rng=torch.Generator(), cancel=CancelToken())
    return [event for event in events if isinstance(event, Step)]


def test_two_by_two_by_hand() -> None:
    """W0 = I, c = (1, 0) shall be answered (0, 1), (0, 1) keeps its answer.

    left = [[0, 0], [1, 0]] + [[0, 0], [0, 1]] + lam I, right = (1 + lam) I: W = [[lam, 0], [1, 1 + lam]] / (1 + lam).
    """
    concept, wanted, kept = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 1.0]])
    found = edited(torch.eye(2), concept, wanted, kept, erase=1.0, preserve=1.0, lam=0.5)
    torch.testing.assert_close(found, torch.tensor([[1 / 3, 0.0], [2 / 3, 1.0]]))
    # Erased three times as hard: left = [[lam, 0], [3, 1 + lam]], right = diag(3 + lam, 1 + lam).
    found = edited(torch.eye(2), concept, wanted, kept, erase=3.0, preserve=1.0, lam=0.5)
    torch.testing.assert_close(found, torch.tensor([[0.5 / 3.5, 0.0], [3 / 3.5, 1.0]]))


def test_it_is_the_minimum_of_what_it_promises() -> None:
    rng = torch.Generator().manual_seed(0)
    old, concept, wanted, kept = (torch.randn(n, 4, generator=rng, dtype=torch.float64) for n in (3, 2, 2, 5))
    wanted = wanted[:, :3]
    w = edited(old, concept, wanted, kept, erase=2.0, preserve=0.5, lam=0.1).requires_grad_(True)
    loss = 2.0 * (concept @ w.T - wanted).square().sum() + 0.5 * (kept @ (w - old).T).square().sum()
    loss = loss + 0.1 * (w - old).square().sum()
    torch.autograd.backward(loss)
    assert w.grad is not None
    torch.testing.assert_close(w.grad, torch.zeros_like(w), atol=1e-10, rtol=0)


@pytest.mark.parametrize("tokens", ["last", "all"])
def test_the_concepts_words_are_answered_like_the_redirections(tokens: str) -> None:
    task = tiny_prompt_task()
    # Two prompts of three words in eight dimensions, so that all of them can be answered exactly.
    task.prompts.states = torch.randn((len(task.plan.texts), 3, 8), generator=torch.Generator().manual_seed(5))
    task.prompts.last.fill_(2)
    old = task.model.get_submodule(KEYS).weight.detach().clone()
    # Hardly anything is kept, so that the concept's words get exactly the answer to the redirection's.
    steps = run(task, tokens=tokens, preserve_scale=0.0, lam=1e-7)
    new = task.model.get_submodule(KEYS).weight
    for asked, target in zip(task.direct.tolist(), task.targets.tolist(), strict=True):
        concept, anchor = words(task, asked, tokens), words(task, target, tokens)
        torch.testing.assert_close(concept @ new.T, anchor @ old.T, atol=1e-4, rtol=0)
    assert max(step.forget_loss or 0.0 for step in steps) < 1e-6


def test_only_keys_and_values_of_the_text_move_one_step_a_layer() -> None:
    task = tiny_prompt_task()
    before = state(task.model)
    steps = run(task)
    after = state(task.model)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {f"blocks.{i}.attn2.to_{part}.weight" for i in (0, 1) for part in ("k", "v")}
    assert [(step.i, step.total, step.lr) for step in steps] == [(i, 4, 0.0) for i in (1, 2, 3, 4)]


def test_without_erasing_nothing_moves() -> None:
    task = tiny_prompt_task()
    before = state(task.model)
    run(task, erase_scale=0.0)
    for name, value in state(task.model).items():
        torch.testing.assert_close(value, before[name])


def test_every_prompt_is_answered_like_its_own_redirection() -> None:
    task = tiny_prompt_task()
    anchor = task.plan.anchor
    task.targets = torch.tensor([anchor, 5])
    old = task.model.get_submodule(KEYS).weight.detach().clone()
    run(task, tokens="last", preserve_scale=0.0, lam=1e-7)
    new = task.model.get_submodule(KEYS).weight
    for asked, target in ((0, anchor), (1, 5)):
        concept, wanted = words(task, asked, "last"), words(task, target, "last")
        torch.testing.assert_close(concept @ new.T, wanted @ old.T, atol=1e-4, rtol=0)
