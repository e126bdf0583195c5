"""A model of two weights whose every step can be worked out by hand, and how SFR-on runs on it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sfr_core.cancel import CancelToken
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.events import Event, PhaseStarted, Step
from sfr_core.methods.sfron import sfron
from tests.core.grammar import check_grammar
from tests.core.tiny import LinearTask

FORGET = [[[1.0, 0.0], [0.0, 1.0]]]
"""One batch of two rows: losses w0 and w1."""
REMAIN = [[[2.0, 0.5]]]
"""One batch of one row: loss 2 w0 + w1 / 2."""
PLAIN: dict[str, Any] = {
    "lr": 0.1, "momentum": 0.9, "weight_decay": 0.0, "lam": 1.0, "alpha": 3.0, "lr_schedule": "constant",
    "alpha_schedule": "constant", "clip_forget": None, "fisher_batch_size": 2, "batch_size": 2, "steps": 1,
}  # fmt: skip


class Watched(LinearTask):
    """Notes the weights at every question, so that the half-way point of a step is seen."""

    def __init__(self, w: tuple[float, float], **batches: Any) -> None:
        super().__init__(w, **batches)
        self.weights: list[tuple[str, list[float]]] = []

    def _linear(self, rows: list[list[float]]) -> Tensor:
        self.weights.append((self.asked[-1], self.model.w.tolist()))
        return super()._linear(rows)

    @property
    def after_forgetting(self) -> list[list[float]]:
        """The weights between the forgetting and the remain step of every pair."""
        return [w for (before, _), (now, w) in zip(self.weights, self.weights[1:], strict=False)
                if (before, now) in {("forget", "remain"), ("redirect", "remain")}]  # fmt: skip


def two(kind: type[Watched] = Watched, **batches: Any) -> Any:
    return kind((1.0, 2.0), **{"forget": FORGET, "remain": REMAIN, **batches})


def go(task: Any, kind: type[SFRonConfig] = SFRonConfig, **changes: Any) -> list[Event]:
    config = kind(**{**PLAIN, **changes})
    events = []
    for event in sfron(task, config, rng=torch.Generator(), cancel=CancelToken()):
        events.append(event)
        if isinstance(event, PhaseStarted) and event.phase == "unlearn" and isinstance(task, Watched):
            task.weights.clear()  # what the mask phase asked is not a step
    check_grammar(events)
    return events


def steps(events: list[Event]) -> list[Step]:
    return [e for e in events if isinstance(e, Step)]


def weights(task: LinearTask) -> list[float]:
    return task.model.w.tolist()
