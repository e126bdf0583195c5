"""UCE: unified concept editing in closed form (Gandikota et al., WACV 2024, arXiv 2308.14761)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.catalog.uce import UceConfig
from sfr_core.errors import Diverged
from sfr_core.events import Event, PhaseStarted, Step
from sfr_core.methods.common import last_event
from sfr_core.tasks.text_to_image import TextToImageTask
from sfr_core.tasks.text_to_image_parts import key_value_layers

Edit = tuple[nn.Linear, Tensor, Tensor]
"""A layer, its new weights [out, in], and what it shall answer to the concept's words [n, out]."""


@torch.no_grad()
def uce(task: TextToImageTask, config: UceConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """Solves for new keys and values of the text, layer by layer; one Step a layer, which has no gradient.

    Nothing is drawn, so `rng` decides nothing. Each layer shall answer the concept as it answered the redirection.

    Raises:
        Diverged: the equations have no finite solution.
    """
    layers = key_value_layers(task.model)
    # Each of the concept's words shall be answered like the redirection's word beside it.
    concept, target, kept = (words(task, labels, config.tokens) for labels in (task.direct, task.targets, task.kept))

    def edits() -> Iterator[Edit]:
        for layer in layers.values():
            old = layer.weight.detach().clone()
            wanted = target @ old.double().T
            yield layer, solved(old, concept, wanted, kept, config), wanted

    yield from in_closed_form(edits(), concept, total=len(layers), cancel=cancel)


def in_closed_form(edits: Iterator[Edit], concept: Tensor, *, total: int, cancel: CancelToken) -> Iterator[Event]:
    """Puts `total` edits into their layers, one Step each; an edit is asked for only after the one before it is made.

    The step's forget loss is the mean squared distance of what the layer now answers to `concept` [n, in] from what is wanted.

    Raises:
        Diverged: the equations have no finite solution.
    """
    yield PhaseStarted(phase="unlearn", total=total)
    done = 0
    while done < total and not cancel.cancelled:
        started = time.perf_counter()
        layer, new, wanted = next(edits)
        if not torch.isfinite(new).all():
            raise Diverged(
                "The equations of the edit have no finite solution.", hint="Raise the pull to the old weights."
            )
        with torch.no_grad():
            layer.weight.copy_(new)
        done += 1
        gap = concept @ new.double().T - wanted
        yield Step(
            i=done,
            total=total,
            forget_loss=float(gap.square().mean()),
            lr=0.0,
            seconds=time.perf_counter() - started,
        )
    yield last_event(done, cancel, stopped=done < total)


def solved(old: Tensor, concept: Tensor, wanted: Tensor, kept: Tensor, config: UceConfig) -> Tensor:
    """`edited` with a config's weights."""
    return edited(old, concept, wanted, kept, erase=config.erase_scale, preserve=config.preserve_scale, lam=config.lam)


def edited(
    old: Tensor, concept: Tensor, wanted: Tensor, kept: Tensor, *, erase: float, preserve: float, lam: float
) -> Tensor:
    """W = (sum_i a v_i* c_i^T + sum_j b W0 c_j c_j^T + lambda W0) (sum_i a c_i c_i^T + sum_j b c_j c_j^T + lambda I)^-1.

    The minimum of sum_i a |W c_i - v_i*|^2 + sum_j b |W c_j - W0 c_j|^2 + lambda |W - W0|^2 (paper, equation 7, with the
    last term as in the published code).

    Args:
        old: W0 [out, in].
        concept: states c_i of the concept's words [n, in]. wanted: what they shall be answered, v_i* [n, out].
        kept: states c_j that keep their answer [m, in].
        erase, preserve, lam: a, b and lambda.

    Returns:
        W [out, in], of old's type; solved in double precision.
    """
    start, c, k = old.double(), concept.double(), kept.double()
    left = erase * wanted.double().T @ c + preserve * (start @ k.T) @ k + lam * start
    right = (
        erase * c.T @ c + preserve * k.T @ k + lam * torch.eye(start.shape[1], dtype=torch.float64, device=old.device)
    )
    solved: Tensor = torch.linalg.solve(right, left, left=False)
    return solved.to(old.dtype)


def words(task: TextToImageTask, labels: Tensor, tokens: Literal["all", "last"]) -> Tensor:
    """States of the last word of each prompt [n, d], or of every place of it [n * tokens, d]."""
    states = task.prompts(labels)
    if tokens == "last":
        return states[torch.arange(len(states), device=states.device), task.prompts.last[labels]].double()
    return states.flatten(0, 1).double()
