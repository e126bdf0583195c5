"""SA on two weights, every number written out; then what its Fisher costs and when it is taken again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from sfr_core.cancel import CancelToken
from sfr_core.catalog.selective_amnesia import SelectiveAmnesiaConfig
from sfr_core.errors import Diverged, InputError
from sfr_core.events import Cancelled, Event, PhaseProgress, PhaseStarted
from sfr_core.methods import selective_amnesia as module
from sfr_core.methods.selective_amnesia import KEPT, amnesia_fisher, elastic_penalty, selective_amnesia
from sfr_core.ops.saliency import Tensors
from sfr_core.ops.stepwise import drained
from tests.core.grammar import check_grammar
from tests.core.tiny import LinearTask, same, state
from tests.core.tiny_generator import SMALL_GENERATOR, tiny_generator_task

PICTURES = [[[1.0, 0.0], [1.0, 2.0]], [[-1.0, 0.0], [0.0, 3.0]]]
"""Two pictures at two timesteps: the gradients of their losses."""
FISHER = [625_000.0, 1_625_000.0]
"""Sums over the timesteps [2, 2] and [-1, 3], times 1000 / 2, squared: [1e6, 1e6] and [0.25e6, 2.25e6]; their mean."""


class LinearReplay(LinearTask):
    """Losses linear in the two weights, for everything that Selective Amnesia asks."""

    def __init__(self, w: tuple[float, float], pictures: list[list[list[float]]] = PICTURES) -> None:
        super().__init__(w, forget=[[[9.0, 9.0]]], remain=[[[9.0, 9.0]]])
        self.pictures = pictures
        self.modes: list[bool] = []

    def surrogate_losses(self, batch: Any, rng: torch.Generator) -> Tensor:
        self.asked.append(f"surrogate of {batch[0]}")
        return self._linear([[1.0, 0.0], [3.0, 0.0]])  # mean [2, 0]

    def replay_losses(self, batch: Any, rng: torch.Generator) -> Tensor:
        self.asked.append(f"replay of {batch[0]}")
        return self._linear([[0.0, 4.0]])

    def class_pictures(self, per_class: int, rng: torch.Generator) -> Iterator[int]:
        return iter(range(len(self.pictures)))

    def digest(self, batch: int) -> bytes:
        return str(self.pictures[batch]).encode()

    def stratified_losses(self, batch: int, strata: int, rng: torch.Generator) -> Tensor:
        self.asked.append(f"picture {batch}")
        self.modes.append(self.model.training)
        return self._linear(self.pictures[batch])[None]


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_kept", type(module._kept)())


def fisher_of(task: Any, **values: Any) -> tuple[Tensors | None, list[Event]]:
    events: list[Event] = []
    return drained(amnesia_fisher(task, SelectiveAmnesiaConfig(**values), cancel=CancelToken()), events.append), events


def run(task: Any, cancel: CancelToken | None = None, **values: Any) -> list[Event]:
    plain: dict[str, Any] = {"optimizer": "sgd", "momentum": 0.0, "lr": 0.1, "steps": 1, "batch_size": 1, "clip": None}
    config = SelectiveAmnesiaConfig(**{**plain, **values})
    return list(selective_amnesia(task, config, rng=torch.Generator(), cancel=cancel or CancelToken()))


def test_fisher_by_hand() -> None:
    task = LinearReplay((1.0, 1.0))
    task.model.train()
    fisher, events = fisher_of(task)
    assert fisher is not None
    assert fisher["w"].tolist() == pytest.approx(FISHER)
    assert not any(task.modes)
    assert task.model.training
    assert events == [PhaseStarted(phase="fisher", total=1), PhaseProgress(phase="fisher", done=1, total=1)]


def test_penalty_by_hand() -> None:
    w = {"a": torch.nn.Parameter(torch.tensor([1.0, 2.0])), "b": torch.nn.Parameter(torch.tensor([[3.0]]))}
    old = {"a": torch.tensor([1.5, 1.0]), "b": torch.tensor([[1.0]])}
    fisher = {"a": torch.tensor([4.0, 2.0]), "b": torch.tensor([[0.5]])}
    penalty = elastic_penalty(w, old, fisher)
    assert penalty.item() == 4 * 0.25 + 2 * 1 + 0.5 * 4
    penalty.backward()
    assert w["a"].grad is not None
    assert w["a"].grad.tolist() == [2 * 4 * -0.5, 2 * 2 * 1.0]


def test_two_steps_by_hand() -> None:
    # Gradient without penalty: [2, 0] + 0.5 * [0, 4] = [2, 2], so the first step moves both by -0.2. In the second the
    # penalty adds 2 * 1e-7 * F * -0.2 = [-0.025, -0.065].
    task = LinearReplay((1.0, 1.0))
    steps = check_grammar(run(task, steps=2, ewc_weight=1e-7, replay_weight=0.5))
    assert task.model.w.tolist() == pytest.approx([1 - 0.2 - 0.1975, 1 - 0.2 - 0.1935], abs=1e-6)
    assert [s.forget_loss for s in steps] == pytest.approx([2.0, 1.6])
    assert [s.remain_loss for s in steps] == pytest.approx([4.0, 3.2])
    assert steps[1].forget_grad_norm == pytest.approx((1.975**2 + 1.935**2) ** 0.5)


def test_noise_takes_the_place_of_forget_pictures_only() -> None:
    task = LinearReplay((1.0, 1.0))
    run(task, steps=2)
    assert task.asked == ["picture 0", "picture 1"] + ["surrogate of forget", "replay of remain"] * 2


def test_without_penalty_and_replay_only_noise_is_taught() -> None:
    task = LinearReplay((1.0, 1.0))
    run(task, steps=1, ewc_weight=0.0, replay_weight=0.0)
    assert task.model.w.tolist() == pytest.approx([0.8, 1.0])


def test_penalty_holds_the_weights() -> None:
    def moved(weight: float) -> float:
        task = tiny_generator_task()
        before = state(task.model)
        values = {**SMALL_GENERATOR["selective-amnesia"], "ewc_weight": weight, "steps": 30}
        run(task, **{**values, "optimizer": "adam", "lr": 1e-3})
        return sum(float((p - before[name]).square().sum()) for name, p in task.model.state_dict().items())

    assert moved(10.0) < 0.1 * moved(0.0)


def test_known_fisher_is_taken_again_and_changes_nothing() -> None:
    first, second = tiny_generator_task(), counting()
    values = {**SMALL_GENERATOR["selective-amnesia"], "optimizer": "adam", "lr": 1e-3}
    a, b = run(first, **values), run(second, **values)
    assert second.asked == 1  # the first picture names the pictures
    assert same(state(first.model), state(second.model))
    assert [type(e) for e in a] == [type(e) for e in b]
    assert [e for e in a if isinstance(e, PhaseProgress)] == [
        PhaseProgress(phase="fisher", done=i, total=2) for i in (1, 2)
    ]


def counting(seed: int = 0, *, share: float = 1.0) -> Any:
    """A task that counts the pictures that it was asked about, each `share` as bright."""
    task: Any = tiny_generator_task(seed=seed)
    ask, pictures, task.asked = task.stratified_losses, task.class_pictures, 0

    def count(*arguments: Any) -> Tensor:
        task.asked += 1
        found: Tensor = ask(*arguments)
        return found

    task.stratified_losses = count
    task.class_pictures = lambda *arguments: (replace(batch, x=batch.x * share) for batch in pictures(*arguments))
    return task


def test_other_weights_pictures_or_settings_have_another_fisher() -> None:
    small = {"fisher_images": 2, "fisher_timesteps": 4}
    fisher_of(counting(), **small)
    for other, values in (
        (counting(seed=1), small),
        (counting(), {**small, "fisher_timesteps": 5}),
        (counting(), {**small, "fisher_images": 1}),
        (counting(share=0.5), small),
    ):
        module._kept.clear()
        fisher_of(counting(), **small)
        fisher_of(other, **values)
        assert other.asked == 10 * values["fisher_images"]
    again = counting()
    fisher_of(again, **small)
    assert again.asked == 1


def test_sets_that_share_their_first_picture_have_their_own_fisher() -> None:
    # The second picture of the other set is [4, 0] in both timesteps: (1000 / 2 * 8)^2 = 16e6 beside the first one's 1e6.
    shared, other = LinearReplay((1.0, 1.0)), LinearReplay((1.0, 1.0), [PICTURES[0], [[4.0, 0.0], [4.0, 0.0]]])
    first, _ = fisher_of(shared)
    second, _ = fisher_of(other)
    assert first is not None
    assert second is not None
    assert first["w"].tolist() == pytest.approx(FISHER)
    assert second["w"].tolist() == pytest.approx([8_500_000.0, 500_000.0])


def test_few_fishers_are_kept() -> None:
    for seed in range(KEPT + 2):
        fisher_of(tiny_generator_task(seed=seed), fisher_images=1, fisher_timesteps=1)
    assert len(module._kept) == KEPT


def test_stop_within_the_fisher_keeps_nothing() -> None:
    task, token, events = tiny_generator_task(), CancelToken(), []
    before = state(task.model)
    config = SelectiveAmnesiaConfig(**SMALL_GENERATOR["selective-amnesia"])
    for event in selective_amnesia(task, config, rng=torch.Generator(), cancel=token):
        events.append(event)
        if isinstance(event, PhaseProgress):
            token.cancel()
    assert check_grammar(events) == []
    assert events[-1] == Cancelled(steps=0)
    assert same(before, state(task.model))
    assert not module._kept


def test_bad_tasks_are_refused_with_a_word() -> None:
    with pytest.raises(InputError, match="nothing to estimate the Fisher on"):
        run(LinearReplay((1.0, 1.0), pictures=[]))
    with pytest.raises(Diverged):
        run(LinearReplay((1.0, 1.0), pictures=[[[float("inf"), 0.0]]]))
    assert not module._kept
