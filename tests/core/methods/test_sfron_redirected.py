"""What SFR-on redirected adds to SFR-on's loop, on two weights, every number written out."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sfr_core.catalog.sfron import ConceptSFRonConfig, SFRonConfig
from sfr_core.catalog.sfron_redirected import RedirectedConfig
from sfr_core.configs.renamed import SWITCHED_OFF
from sfr_core.errors import InputError
from sfr_core.events import Event
from tests.core.tiny import same, state
from tests.core.two_weights import Watched, steps, two, weights
from tests.core.two_weights import go as go_with


def go(task: Any, **changes: Any) -> list[Event]:
    return go_with(task, RedirectedConfig, **changes)


def test_without_what_is_ours_it_is_sfron() -> None:
    added = {s.name: s.default for s in RedirectedConfig.settings() if s not in SFRonConfig.settings()}
    assert added == {**SWITCHED_OFF, "forget_loss": "ascent"}
    one, other = two(), two()
    numbers = [
        [(s.forget_loss, s.remain_loss) for s in steps(events)]
        for events in (go(one, steps=5, forget_every=2), go_with(other, steps=5, forget_every=2))
    ]
    assert numbers[0] == numbers[1]
    assert same(state(one.model), state(other.model))


def test_the_loop_reads_sfrons_settings_with_ours_switched_off() -> None:
    asked = ConceptSFRonConfig(steps=7, forget_loss="redirect", adaptive=False, trainable="keys-values")
    assert RedirectedConfig.of(asked) == RedirectedConfig(steps=7, forget_loss="redirect", adaptive=False)
    ours = RedirectedConfig(remain_loss="recall")
    assert RedirectedConfig.of(ours) is ours


class Gapped(Watched):
    """Says these gaps in turn, one for each forgetting step that is due."""

    gaps = (0.1, 0.5, 0.7, 0.49)

    def label_gap(self, batch: Any, rng: torch.Generator) -> float:
        self.asked.append("gap")
        return self.gaps[self.asked.count("gap") - 1]


def test_forgetting_pauses_while_the_label_misleads_enough() -> None:
    task = two(Gapped)
    found = steps(go(task, steps=8, forget_every=2, forget_until=0.5))
    assert [s.forget_loss is not None for s in found] == [True, False, False, False, False, False, True, False]
    assert [s.alpha for s in found if s.forget_loss is None] == [None] * 6
    # Without such an end nobody asks, and a joint step that leaves forgetting out is a remain step.
    free = two(Gapped)
    assert all(s.forget_loss is not None for s in steps(go(free, steps=3)))
    assert "gap" not in free.asked
    joint = two(Gapped)
    joint.gaps = (0.5,)
    go(joint, alternate=False, forget_until=0.5)
    assert weights(joint) == pytest.approx([1.0 - 0.1 * 2.0, 2.0 - 0.1 * 0.5])


def test_the_first_steps_forget_and_the_others_only_repair() -> None:
    found = steps(go(two(), steps=6, forget_every=2, forget_steps=3))
    assert [s.forget_loss is not None for s in found] == [True, False, True, False, False, False]
    one = two()
    assert all(s.forget_loss is None for s in steps(go(one, steps=3, forget_steps=1))[1:])


class Approaching(Watched):
    """Says what share of the way is left."""

    shares = (1.0, 0.5, 0.4, 0.3, 0.2, 0.1, 9.0)

    def recall_losses(self, batch: Any, before: nn.Module, rng: torch.Generator, weights: str) -> Tensor:
        return (self.model.w**2).sum()[None]

    def relative_losses(self, batch: Any, before: nn.Module, rng: torch.Generator, other: str) -> Tensor:
        self.asked.append("share")
        return self.shares[self.asked.count("share") - 1] + 0.0 * self.model.w[:1]


def test_a_run_that_has_come_near_enough_only_repairs() -> None:
    # Means of five: 0.48 after the fifth, 0.3 after the sixth, which is near enough for good: the seventh is never asked.
    relative = {"forget_loss": "relative", "adaptive": False, "mask": False}
    task = two(Approaching)
    found = steps(go(task, steps=9, forget_down_to=0.31, **relative))
    assert [s.forget_loss is not None for s in found] == [True] * 6 + [False] * 3
    early = steps(go(two(Approaching), steps=6, forget_down_to=0.9, **relative))
    assert [s.forget_loss is not None for s in early] == [True] * 5 + [False]


class Recalled(Watched):
    """Answers w; recalls the distance of both weights from those before, and half of what is left on the way to 3."""

    def recall_losses(self, batch: Any, before: nn.Module, rng: torch.Generator, weights: str) -> Tensor:
        assert not any(p.requires_grad for p in before.parameters())
        self.asked.append(f"recall {weights}")
        return ((self.model.w - before.w) ** 2).sum()[None]

    def relative_losses(self, batch: Any, before: nn.Module, rng: torch.Generator, other: str) -> Tensor:
        self.asked.append(f"relative {other}")
        return ((self.model.w - 3.0) ** 2 / (before.w - 3.0) ** 2)[:1]


def test_repair_towards_what_the_model_said_before() -> None:
    task = two(Recalled)
    (step,) = steps(go(task, mask=False, remain_loss="recall", momentum=0.0))
    # Ascent as before: 3 * (2/3, 1/3) * 0.1 = (0.2, 0.1) up; then 2 * (0.2, 0.1) * 0.1 down again.
    assert step.remain_loss == pytest.approx(0.2**2 + 0.1**2)
    assert weights(task) == pytest.approx([1.2 - 0.04, 2.1 - 0.02])
    assert "remain" not in task.asked
    assert "recall equal" in task.asked
    steps(go(task, mask=False, remain_loss="recall", recall_weights="noise"))
    assert task.asked[-1] == "recall noise"


def test_a_share_of_the_way_is_descended() -> None:
    task = two(Recalled)
    (step,) = steps(go(task, mask=False, forget_loss="relative", adaptive=False, remain_loss="recall", momentum=0.0))
    # (1 - 3)**2 / (1 - 3)**2 = 1 with slope 2 * (1 - 3) / 4 = -1; alpha 3, lr 0.1: up by 0.3, and 2 * 0.3 * 0.1 back.
    assert step.forget_loss == pytest.approx(1.0)
    assert weights(task) == pytest.approx([1.3 - 0.06, 2.0])


@pytest.mark.parametrize(
    ("changes", "have", "sentence", "hint"),
    [
        ({"remain_loss": "recall"}, {"Redirectable"}, "earlier predictions can be recalled", "'data'"),
        ({"forget_loss": "relative"}, {"Redirectable"}, "earlier predictions can be recalled", "'ascent'"),
        ({"forget_until": 0.5}, {"Redirectable"}, "without a label", "none"),
        ({"forget_down_to": 0.1}, {"Denoising", "Redirectable"}, "Only the relative forget loss", "'relative'"),
    ],
)
def test_what_a_kind_of_model_cannot_do_is_refused(
    changes: dict[str, Any], have: set[str], sentence: str, hint: str
) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        RedirectedConfig(**changes).check_abilities(have)
    assert hint in caught.value.hint
    RedirectedConfig().check_abilities(have)


def test_the_rate_warms_up_within_its_schedule() -> None:
    rates = [step.lr for step in steps(go(two(), steps=4, lr_schedule="cosine", lr_warmup=2))]
    assert rates == pytest.approx([0.1 / 2, 0.1 * (1 + 2**-0.5) / 2, 0.1 / 2, 0.1 * (1 - 2**-0.5) / 2])
