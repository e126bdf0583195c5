"""SPEED: concept erasure in the null space of what is kept (Li et al., ICLR 2026, arXiv 2503.07392).

Checked: the authors' README (last subject token, anchor prompts, value projections); their code was not at hand, and the closed
form is that of notes on the paper. It was derived anew: it is the minimum of |(W + D) C1 - W C*|^2 + lam |D|^2 over all D
with D = D P and D C2 = 0, which the tests show. Left out: the paper's noised copies of kept prompts (directed prior augmentation).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from sfr_core.cancel import CancelToken
from sfr_core.catalog.speed import SpeedConfig
from sfr_core.errors import Diverged
from sfr_core.events import Event
from sfr_core.methods.uce import Edit, in_closed_form, words
from sfr_core.tasks.text_to_image import TextToImageTask
from sfr_core.tasks.text_to_image_parts import key_value_layers

CENTRES = 3
"""Of the empty prompt's tokens, which never change."""


@torch.no_grad()
def speed(task: TextToImageTask, config: SpeedConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """Solves for the text's new values, layer by layer; keys stay. Nothing is drawn, so `rng` decides nothing.

    Raises:
        Diverged: the equations have no finite solution, or the words are no numbers.
    """
    layers = [layer for name, layer in key_value_layers(task.model).items() if name.endswith("to_v")]
    concept, target, kept = (words(task, labels, config.tokens) for labels in (task.direct, task.targets, task.kept))
    if not all(bool(torch.isfinite(found).all()) for found in (concept, target, kept)):
        raise Diverged("What the model reads of the prompts is not finite.", hint="Check the model.")
    still = unchanged(task.prompts(torch.tensor([task.plan.null], device=concept.device))[0].double())

    def edits() -> Iterator[Edit]:
        for layer in layers:
            old = layer.weight.detach().clone()
            protected = endangered(old, concept, target, kept) if config.filtered else kept
            free = null_space(protected, config.null_threshold)
            yield layer, edited(old, concept, target, free, still, config.lam), target @ old.double().T

    yield from in_closed_form(edits(), concept, total=len(layers), cancel=cancel)


def unchanged(empty: Tensor) -> Tensor:
    """Of the states of the empty prompt [tokens, d]: that of the start, and CENTRES k-means centres of the others [k, d]."""
    start, others = empty[:1], empty[1:]
    count = min(CENTRES, len(others))
    if not count:
        return start
    centres = others[torch.linspace(0, len(others) - 1, count, device=empty.device).round().long()]
    for _ in range(10):
        nearest = torch.cdist(others, centres).argmin(1)
        centres = torch.stack(
            [others[nearest == i].mean(0) if (nearest == i).any() else centres[i] for i in range(count)]
        )
    return torch.cat([start, centres])


def endangered(old: Tensor, concept: Tensor, target: Tensor, kept: Tensor) -> Tensor:
    """The rows c of `kept` [m, d] that an edit without protection changes by more than the mean: |D_e c| above average.

    D_e = W (C* - C1) C1^T (I + C1 C1^T)^-1, with W `old` [out, d] and the rows of `target` and `concept` as columns.
    """
    plain = torch.eye(old.shape[1], dtype=torch.float64, device=old.device)
    change = edited(old, concept, target, plain, concept[:0], 1.0, exact=True) - old.double()
    lengths = (kept @ change.T).norm(dim=1)
    found = kept[lengths > lengths.mean()]
    return found if len(found) else kept


def null_space(kept: Tensor, threshold: float) -> Tensor:
    """P [d, d]: the projection on the eigenvectors of the mean of c c^T over the rows of `kept` [m, d] with values below `threshold`."""
    values, vectors = torch.linalg.eigh(kept.T @ kept / len(kept))
    free = vectors[:, values < threshold]
    projection: Tensor = free @ free.T
    return projection


def edited(
    old: Tensor, concept: Tensor, target: Tensor, free: Tensor, still: Tensor, lam: float, *, exact: bool = False
) -> Tensor:
    """W + W (C* - C1) C1^T P [I - M C2 (C2^T P M C2)^+ C2^T P] M, M = (C1 C1^T P + lam I)^-1.

    Args:
        old: W [out, d]. concept, target: columns of C1 and C* as rows [n, d]. free: P [d, d].
        still: columns of C2, which keep their answers, as rows [k, d].

    Returns:
        New weights of old's type, in double precision where they shall be `exact`.
    """
    start, c1, aim, c2 = old.double(), concept.double().T, target.double().T, still.double().T
    eye = torch.eye(len(c1), dtype=torch.float64, device=old.device)
    m = torch.linalg.inv(c1 @ c1.T @ free + lam * eye)
    q = eye - m @ c2 @ torch.linalg.pinv(c2.T @ free @ m @ c2, rtol=1e-10) @ c2.T @ free
    new: Tensor = start + start @ (aim - c1) @ c1.T @ free @ q @ m
    return new if exact else new.to(old.dtype)
