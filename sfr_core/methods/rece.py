"""RECE: reliable and efficient concept erasure (Gong et al., ECCV 2024, arXiv 2407.12383).

Checked against the authors' code (CharlesGong12/RECE: train_object.py, close_form_emb_regzero and edit_model_adversarial):
it begins with UCE; a round's words c' come from all keys and values together; the edit pulls to the *present* weights, asks
for the present answers to the redirection, and reads every place of a prompt. The authors keep the empty prompt alone; here
the prompts that UCE keeps, which do not include it. Their first stage is a file of UCE's with its own weights; here it has
those of the rounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from sfr_core.cancel import CancelToken
from sfr_core.catalog.rece import ReceConfig
from sfr_core.events import Event
from sfr_core.methods.uce import Edit, in_closed_form, solved, words
from sfr_core.tasks.text_to_image import TextToImageTask
from sfr_core.tasks.text_to_image_parts import key_value_layers


@torch.no_grad()
def rece(task: TextToImageTask, config: ReceConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """UCE on every layer, then `rounds` times the same for the words that bring the concept back; one Step an edit.

    Nothing is drawn, so `rng` decides nothing.

    Raises:
        Diverged: the equations have no finite solution.
    """
    layers = list(key_value_layers(task.model).values())
    concept, target, kept = (words(task, labels, config.tokens) for labels in (task.direct, task.targets, task.kept))
    start = [layer.weight.detach().clone() for layer in layers]

    def edits() -> Iterator[Edit]:
        for done in range(config.rounds + 1):
            found = concept
            if done:
                found = derived(concept, start, [layer.weight.detach() for layer in layers], config.word_pull)
            for layer in layers:
                old = layer.weight.detach().clone()
                wanted = target @ old.double().T
                yield layer, solved(old, found, wanted, kept, config), wanted

    yield from in_closed_form(edits(), concept, total=len(layers) * (config.rounds + 1), cancel=cancel)


def derived(concept: Tensor, start: Sequence[Tensor], now: Sequence[Tensor], pull: float) -> Tensor:
    """c' = (pull I + sum_i W_i^T W_i)^-1 (sum_i W_i^T W0_i) c for each row c of `concept` [n, d]; W0 `start`, W `now` [out, d].

    The minimum over c' of sum_i |W_i c' - W0_i c|^2 + pull |c'|^2: what the layers now answer as they answered c before.
    """
    size = concept.shape[1]
    left = pull * torch.eye(size, dtype=torch.float64, device=concept.device)
    right = torch.zeros_like(left)
    for old, new in zip(start, now, strict=True):
        left += new.double().T @ new.double()
        right += new.double().T @ old.double()
    found: Tensor = torch.linalg.solve(left, right @ concept.double().T)
    return found.T
