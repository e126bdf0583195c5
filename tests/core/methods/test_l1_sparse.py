"""L1-sparse: fine-tuning plus a fading pull to zero."""

from __future__ import annotations

import pytest
import torch

from sfr_core.catalog.l1_sparse import L1SparseConfig
from sfr_core.methods.l1_sparse import pull
from sfr_core.presets import resolve
from tests.core.grammar import check_grammar
from tests.core.tiny import LinearTask, play, same, state, tiny_task


@pytest.mark.parametrize(
    ("plain", "wanted"),
    [(0, [0.4, 0.3, 0.2, 0.1]), (2, [0.4, 0.2, 0.0, 0.0]), (4, [0.0, 0.0, 0.0, 0.0]), (9, [0.0, 0.0, 0.0, 0.0])],
)
def test_the_pull_fades_by_hand(plain: int, wanted: list[float]) -> None:
    config = L1SparseConfig(epochs=4, l1=0.4, plain_epochs=plain)
    assert [pull(config, e) for e in range(4)] == pytest.approx(wanted)


def test_two_steps_by_hand() -> None:
    """w = (1, -1), remain gradient (2, 0), rate 0.1, pull 0.5 then 0.25, no momentum and no decay.

    w0: 1 - 0.1 (2 + 0.5) = 0.75, then 0.75 - 0.1 (2 + 0.25) = 0.525. w1: -1 + 0.05 = -0.95, then -0.95 + 0.025 = -0.925.
    """
    task = LinearTask((1.0, -1.0), forget=[[[0.0, 0.0]]], remain=[[[2.0, 0.0]]])
    plain = {"momentum": 0.0, "weight_decay": 0.0, "lr": 0.1, "lr_schedule": "constant"}
    steps = check_grammar(play("l1-sparse", task, epochs=2, l1=0.5, **plain))
    torch.testing.assert_close(task.model.w.detach(), torch.tensor([0.525, -0.925]))
    # The reported loss is that of the data alone: 2 w0.
    assert [step.remain_loss for step in steps] == pytest.approx([2.0, 1.5])
    assert [step.alpha for step in steps] == [0.5, 0.25]


def test_without_pull_it_is_fine_tuning_to_the_bit() -> None:
    sparse, tuned = tiny_task(), tiny_task()
    play("l1-sparse", sparse, l1=0.0, lr=0.01, seed=2)
    play("finetune", tuned, lr=0.01, seed=2)
    assert same(state(sparse.model), state(tuned.model))


def test_published_values() -> None:
    values = resolve("fashion-mnist-resnet", "l1-sparse", "published")
    wanted = {"lr": 0.01, "epochs": 10, "l1": 1e-4, "momentum": 0.9, "weight_decay": 5e-4, "plain_epochs": 0}
    assert {name: values[name] for name in wanted} == pytest.approx(wanted)
    assert values["lr_schedule"] == "constant"
