"""The proxy of a retrained model: which weights it replaces, and by what."""

from __future__ import annotations

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.random_embedding import RandomEmbeddingConfig
from sfr_core.errors import InputError
from sfr_core.events import Step
from sfr_core.methods.random_embedding import random_embedding, random_rows
from tests.core.tasks.by_hand import by_hand
from tests.core.tiny import state
from tests.core.tiny_dit import ready_dit_task

CONFIG = RandomEmbeddingConfig(batch_size=8)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_only_the_rows_of_the_forgotten_classes_change_in_every_table() -> None:
    task = ready_dit_task("class:three,five")
    before = state(task.model)
    steps = [e for e in random_embedding(task, CONFIG, rng=rng(), cancel=CancelToken()) if isinstance(e, Step)]
    assert [e.i for e in steps] == [1, 2]
    assert all(e.lr == 0 and e.forget_loss is not None and e.forget_loss > 0 for e in steps)
    after = state(task.model)
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert changed == list(task.class_tables())
    assert len(changed) == 2
    for name in changed:
        rows = (before[name] != after[name]).any(1)
        assert rows.nonzero()[:, 0].tolist() == [3, 5]  # and not the null class, row 10


def test_random_rows_look_like_those_that_stay() -> None:
    kept = torch.tensor([[0.0, 10.0], [2.0, 10.0], [4.0, 10.0]])
    rows = random_rows(kept, 4000, 1.0, rng())
    assert torch.allclose(rows.mean(0), torch.tensor([2.0, 10.0]), atol=0.1)
    assert float(rows[:, 0].std()) == pytest.approx((8 / 3) ** 0.5, rel=0.05)
    assert (rows[:, 1] == 10).all()
    assert torch.equal(random_rows(kept, 2, 0.0, rng()), torch.tensor([[2.0, 10.0]] * 2))


def test_a_model_without_classes_in_tables_is_refused() -> None:
    with pytest.raises(InputError, match="no table of classes"):
        list(random_embedding(by_hand("dit").task, CONFIG, rng=rng(), cancel=CancelToken()))
