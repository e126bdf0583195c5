"""SSD: selective synaptic dampening in closed form (Foster et al., AAAI 2024, arXiv 2308.07707).

Checked against the authors' code (if-loops/selective-synaptic-dampening, ssd.py): selection F_f > alpha F_D, dampening by
min(lambda F_D / F_f, 1), and Fishers that are means of squared *batch-mean* gradients. F_D is that of all training pictures,
forget set included, as in paper and code; here it is put together from those of both sets by their sizes. So F_f / F_D is at
most N / N_f, which is 10 for a tenth of the data: the published alpha of 10 then chooses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
from torch import Tensor

from sfr_core.cancel import CancelToken
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.catalog.ssd import SsdConfig
from sfr_core.events import Event, PhaseStarted, Step
from sfr_core.methods.common import finite, last_event, training_run
from sfr_core.methods.sfron import estimate_fisher
from sfr_core.ops.saliency import THRESHOLDS, Tensors, describe_mask
from sfr_core.tasks.classifier import ClassifierTask


def ssd(task: ClassifierTask, config: SsdConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """Both Fishers, the choice of weights, then one Step for each tensor of weights; no gradient moves anything.

    A step's forget loss is that of one forget batch in eval mode, only to be seen; its learning rate is 0.

    Raises:
        Diverged: a gradient or a loss is not finite.
    """
    sampling = SFRonConfig(fisher_batches=config.fisher_batches, fisher_batch_size=config.fisher_batch_size)
    forget = yield from estimate_fisher(task, "forget", sampling, rng=rng, cancel=cancel)
    remain = None if forget is None else (yield from estimate_fisher(task, "remain", sampling, rng=rng, cancel=cancel))
    if forget is None or remain is None:
        yield last_event(0, cancel, stopped=True)
        return
    whole = of_all(forget, remain, task.count("forget"), task.count("remain"))
    del remain
    yield PhaseStarted(phase="mask", total=0)
    chosen = {name: fisher > config.alpha * whole[name] for name, fisher in forget.items()}
    ratios = {name: (fisher / whole[name]).nan_to_num_(nan=0.0, posinf=torch.inf) for name, fisher in forget.items()}
    yield describe_mask(chosen, config.alpha, ratios, THRESHOLDS)
    del ratios
    parameters = task.parameters()
    yield PhaseStarted(phase="unlearn", total=len(parameters))
    watched = next(task.batches("forget", config.fisher_batch_size, rng))
    done = 0
    with training_run(task.model), torch.no_grad():
        task.model.eval()
        for name, weight in parameters.items():
            if cancel.cancelled:
                break
            started = time.perf_counter()
            weight.mul_(dampening(forget[name], whole[name], chosen[name], config.lam).to(weight.dtype))
            done += 1
            yield Step(
                i=done,
                total=len(parameters),
                forget_loss=finite(task.losses(watched, rng).mean()),
                lr=0.0,
                seconds=time.perf_counter() - started,
            )
    yield last_event(done, cancel, stopped=done < len(parameters))


def of_all(forget: Tensors, remain: Tensors, n_forget: int, n_remain: int) -> Tensors:
    """F_D = (N_f F_f + N_r F_r) / N, by name."""
    share = n_forget / (n_forget + n_remain)
    return {name: share * fisher + (1 - share) * remain[name] for name, fisher in forget.items()}


def dampening(forget: Tensor, whole: Tensor, chosen: Tensor, lam: float) -> Tensor:
    """min(lam F_D / F_f, 1) where `chosen`, else 1: the factors of a tensor of weights."""
    return torch.where(chosen, (lam * whole / forget).clamp(max=1.0), torch.ones_like(forget))
