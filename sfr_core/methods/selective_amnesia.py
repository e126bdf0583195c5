"""Selective Amnesia (SA): continual learning turned round (Heng and Soh, NeurIPS 2023, arXiv 2305.10120).

Loss of a step (docs/reference.md, section 3.2): L(noise, c_f) + replay_weight * L(remain) + ewc_weight * sum_k F_k (w_k - w0_k)^2.

Deviations from the published DDPM recipe. For the sake of time the Fisher is estimated on 50 pictures of each class at 20
stratified timesteps instead of 500 at all 1000, so the noise of its estimate is larger. Fisher and replay see the pictures
that the task holds: real ones, or samples of the model where the task works without data (published: samples). They enter
the Fisher in [-1, 1], as in training; the published code feeds them in [0, 1]. No moving average of the weights is kept
(published: 0.9999).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping

import torch
from torch import Tensor

from sfr_core.cancel import CancelToken
from sfr_core.catalog.selective_amnesia import SelectiveAmnesiaConfig
from sfr_core.errors import InputError
from sfr_core.events import Event, PhaseProgress, PhaseStarted
from sfr_core.methods.common import (
    Objective,
    Parameters,
    batch_count,
    cycle,
    finite,
    last_event,
    train_steps,
    training_run,
)
from sfr_core.ops.saliency import Tensors, add_squares, batch_gradients, zeros_like_parameters
from sfr_core.tasks.diffusion import DiffusionTask

TIMESTEPS = 1000
"""The published Fisher sums the loss over so many timesteps; a stratified sum is scaled to it."""
FISHER_SEED = 0
"""Pictures and noise of the Fisher do not depend on the run's seed: it belongs to the model."""
PICTURES_PER_EVENT = 10
KEPT = 2
"""Fishers kept in this process: the same starting weights need theirs only once."""

_kept: dict[str, Tensors] = {}
_lock = threading.Lock()


def selective_amnesia(
    task: DiffusionTask, config: SelectiveAmnesiaConfig, *, rng: torch.Generator, cancel: CancelToken
) -> Iterator[Event]:
    """Estimates the Fisher of the old model, then trains: noise for the forgotten classes, replay, and the penalty.

    Raises:
        Diverged: a loss or gradient is no longer finite. InputError: there is no picture for the Fisher.
    """
    fisher = yield from amnesia_fisher(task, config, cancel=cancel)
    if fisher is None:
        yield last_event(0, cancel, stopped=True)
        return
    parameters = task.parameters()
    old = {name: p.detach().clone() for name, p in parameters.items()}
    forget = cycle(lambda: task.batches("forget", config.batch_size, rng))
    remain = cycle(lambda: task.batches("remain", config.batch_size, rng))

    def objective(_: int) -> Objective:
        noise = task.surrogate_losses(next(forget), rng).mean()
        replay = task.replay_losses(next(remain), rng).mean()
        penalty = elastic_penalty(parameters, old, fisher)
        total = noise + config.replay_weight * replay + config.ewc_weight * penalty
        return Objective(total, forget=noise, remain=replay)

    yield from train_steps(task, config, objective, cancel=cancel)


def elastic_penalty(parameters: Parameters, old: Mapping[str, Tensor], fisher: Mapping[str, Tensor]) -> Tensor:
    """sum_k F_k * (w_k - w0_k)^2 over every entry of every tensor, a scalar (no factor 1/2, as published)."""
    return torch.stack([(fisher[name] * (p - old[name]).square()).sum() for name, p in parameters.items()]).sum()


def amnesia_fisher(
    task: DiffusionTask, config: SelectiveAmnesiaConfig, *, cancel: CancelToken
) -> Generator[Event, None, Tensors | None]:
    """F = mean over pictures of (gradient of the loss summed over the timesteps)^2, in eval mode at the present weights.

    The Fisher that was computed for the same weights and pictures in this process is taken again; its progress is said
    all the same.

    Returns:
        The diagonal by parameter name, or None if it was cancelled.
    """
    rng = torch.Generator().manual_seed(FISHER_SEED)
    parameters = task.parameters()
    pictures = list(task.class_pictures(config.fisher_images, rng))
    if not pictures:
        raise InputError("There is nothing to estimate the Fisher on.", hint="Choose a larger set.")
    total = batch_count(len(pictures), PICTURES_PER_EVENT)
    yield PhaseStarted(phase="fisher", total=total)
    fisher, key, known = zeros_like_parameters(parameters), "", None
    with training_run(task.model):
        for number, picture in enumerate(pictures, 1):
            if cancel.cancelled:
                return None
            if known is None:
                task.model.eval()
                losses = task.stratified_losses(picture, config.fisher_timesteps, rng)
                summed = losses.sum() * (TIMESTEPS / losses.shape[1])
                finite(summed)
                if number == 1:
                    key = _name(parameters, config, losses, map(task.digest, pictures))
                    known = _kept.get(key)
                if known is None:
                    add_squares(fisher, batch_gradients(parameters, summed))
            if number % PICTURES_PER_EVENT == 0 or number == len(pictures):
                yield PhaseProgress(phase="fisher", done=batch_count(number, PICTURES_PER_EVENT), total=total)
    if known is None:
        known = {name: squares.div_(len(pictures)).cpu() for name, squares in fisher.items()}
    _keep(key, known)
    return {name: known[name].to(p.device) for name, p in parameters.items()}


def _keep(key: str, fisher: Tensors) -> None:
    """Keeps a Fisher as the one that was used last."""
    with _lock:
        _kept.pop(key, None)
        _kept[key] = fisher
        while len(_kept) > KEPT:
            del _kept[next(iter(_kept))]


def _name(parameters: Parameters, config: SelectiveAmnesiaConfig, losses: Tensor, pictures: Iterable[bytes]) -> str:
    """Names weights and pictures: a hash of the weights, the settings, every picture and the losses of the first.

    The losses tell tasks apart that ask the same weights otherwise, for example in another precision.
    """
    digest = hashlib.sha256(f"{config.fisher_images} {config.fisher_timesteps} {losses.tolist()}".encode())
    for picture in pictures:
        digest.update(hashlib.sha256(picture).digest())  # of equal length each, so that no two lists read alike
    for name, p in parameters.items():
        digest.update(name.encode())
        digest.update(p.detach().cpu().numpy().tobytes())  # in row order, whatever the layout in memory
    return digest.hexdigest()
