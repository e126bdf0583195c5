"""RECE: which words are found, and that rounds shut them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.rece import ReceConfig
from sfr_core.catalog.uce import UceConfig
from sfr_core.events import Step
from sfr_core.methods.rece import derived, rece
from sfr_core.methods.uce import uce, words
from sfr_core.presets import resolve
from sfr_core.tasks.text_to_image_parts import key_value_layers
from tests.core.tiny import same, state
from tests.core.tiny_prompts import tiny_prompt_task


def run(task: Any, **values: Any) -> list[Step]:
    events = rece(task, ReceConfig.from_dict(values), rng=torch.Generator(), cancel=CancelToken())
    return [event for event in events if isinstance(event, Step)]


def test_found_words_by_hand() -> None:
    """W0 = I, W = diag(2, 1), c = (3, 4), pull 1: c' = (1 + 4, 1 + 1)^-1 (2 * 3, 1 * 4) = (6/5, 2)."""
    found = derived(torch.tensor([[3.0, 4.0]]), [torch.eye(2)], [torch.diag(torch.tensor([2.0, 1.0]))], 1.0)
    torch.testing.assert_close(found, torch.tensor([[1.2, 2.0]], dtype=torch.float64))


def test_found_words_bring_the_old_answer_back() -> None:
    rng = torch.Generator().manual_seed(0)
    old, new = (torch.randn(6, 4, generator=rng) for _ in range(2))
    concept = torch.randn(2, 4, generator=rng).double()
    answered = concept @ old.double().T
    found = derived(concept, [old], [new], 1e-9)
    again = torch.linalg.lstsq(new.double(), answered.T).solution.T  # an independent solver
    torch.testing.assert_close(found, again, atol=1e-6, rtol=1e-6)


def test_without_rounds_it_is_uce_to_the_bit() -> None:
    first, second = tiny_prompt_task(), tiny_prompt_task()
    run(first, rounds=0, lam=0.3)
    list(uce(second, UceConfig(lam=0.3), rng=torch.Generator(), cancel=CancelToken()))
    assert same(state(first.model), state(second.model))


@torch.no_grad()
def leak(task: Any, start: list[torch.Tensor]) -> float:
    """How near the found words' answers come to the concept's old ones: the mean squared distance to them, over the layers."""
    layers = list(key_value_layers(task.model).values())
    concept = words(task, task.direct, "all")
    found = derived(concept, start, [layer.weight.detach() for layer in layers], 1e-3)
    gaps = [
        (found @ layer.weight.double().T - concept @ old.double().T).square().mean()
        for layer, old in zip(layers, start, strict=True)
    ]
    return float(torch.stack(gaps).mean())


def test_rounds_make_the_found_words_weaker_one_step_an_edit() -> None:
    gaps = []
    for rounds in (0, 2):
        task = tiny_prompt_task()
        start = [layer.weight.detach().clone() for layer in key_value_layers(task.model).values()]
        steps = run(task, rounds=rounds, lam=0.1)
        assert [(step.i, step.total, step.lr) for step in steps] == [
            (i, 4 * (rounds + 1), 0.0) for i in range(1, 4 * (rounds + 1) + 1)
        ]
        gaps.append(leak(task, start))
    assert gaps[1] > gaps[0]


def test_published_values() -> None:
    values = resolve("emoji-sd", "rece", "published", forget="concept:cat")
    wanted = {"erase_scale": 1.0, "preserve_scale": 0.1, "lam": 0.1, "rounds": 5, "word_pull": 1e-3, "tokens": "all"}
    assert values == pytest.approx(wanted)
