"""MUpHT, the unlearning pH test: a projection in closed form (Qian et al., CVPR 2026, "pH-Strips for Selective Forgetting").

Checked against the authors' code (Chengyao22/MUpHT, unlearn/MUpHT.py) for the plain variant: inputs of the last linear layer
in eval mode, uncentred, W - weight * W U_f U_f^T with U_f the first left singular vectors. The code has no retain-aware variant
and the paper's text could not be read, only its abstract (a generalised Rayleigh quotient over both sets). Built here: the
directions u that maximise the quotient u^T C_f u / u^T (C_r + rho I) u, with rho = `ridge` times the mean of C_r's diagonal, each of
length 1, for else the step would depend on the scale of the inputs, and each removed by the share min(1, quotient), one after the other:
they are not orthogonal, so a later one brings a little of an earlier one back. C is the mean of x x^T over a layer's inputs x; of a convolution x is a patch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from sfr_core.cancel import CancelToken
from sfr_core.catalog.mupht import MuphtConfig
from sfr_core.errors import Diverged, InputError
from sfr_core.events import Event, PhaseStarted, Step
from sfr_core.methods.common import finite, last_event, training_run
from sfr_core.ops.modes import kept_modes
from sfr_core.tasks.base import Part, Task

Layer = nn.Linear | nn.Conv2d


def mupht(task: Task, config: MuphtConfig, *, rng: torch.Generator, cancel: CancelToken) -> Iterator[Event]:
    """Reads the layers' inputs at the weights as they are, then takes one direction of one layer a Step.

    A step's forget loss is that of one forget batch in eval mode, only to be seen; its learning rate is 0.

    Raises:
        InputError: the model has no layer to change. Diverged: a layer's inputs or a loss are not finite.
    """
    layers = layers_of(task, config)
    counts = {name: min(config.directions, layer.weight[0].numel()) for name, layer in layers.items()}
    total, done = sum(counts.values()), 0
    yield PhaseStarted(phase="unlearn", total=total)
    with training_run(task.model), torch.no_grad():
        task.model.eval()
        forget = moments(task, layers, "forget", config, rng, cancel)
        remain = moments(task, layers, "remain", config, rng, cancel) if config.retain_aware else {}
        watched = next(task.batches("forget", config.batch_size, rng))
        for name, layer in layers.items():
            if cancel.cancelled:
                break
            directions, shares = chosen(forget[name], remain.get(name), counts[name], config.ridge)
            for u, share in zip(directions.T, shares.tolist(), strict=True):
                if cancel.cancelled:
                    break
                started = time.perf_counter()
                old = layer.weight.flatten(1).double()
                new = without(old, u, config.weight * share)
                layer.weight.copy_(new.view_as(layer.weight))
                done += 1
                loss = finite(task.losses(watched, rng).mean())
                yield Step(i=done, total=total, forget_loss=loss, lr=0.0, seconds=time.perf_counter() - started)
    yield last_event(done, cancel, stopped=done < total)


def layers_of(task: Task, config: MuphtConfig) -> dict[str, Layer]:
    """The layers that the config means, the task may change and the model uses when it is asked, in the order of the model.

    Raises:
        InputError: there are none.
    """
    mine = task.parameters()
    found = {
        name: module
        for name, module in task.model.named_modules()
        if f"{name}.weight" in mine
        # Attention of torch's own never calls its last layer, so that nobody sees what goes into it.
        and not isinstance(module, NonDynamicallyQuantizableLinear)
        and (isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1))
    }
    used = called(task, found, config.batch_size)
    found = {name: layer for name, layer in found.items() if name in used}
    if config.layers == "last":
        found = dict([(n, m) for n, m in found.items() if isinstance(m, nn.Linear)][-1:])
    if not found:
        raise InputError("This model has no linear layer.", hint="Choose another method.")
    return found


def called(task: Task, layers: dict[str, Layer], batch_size: int) -> set[str]:
    """Names of the layers that see something in evaluation mode; heads that only help training do not."""
    seen: set[str] = set()
    aside = torch.Generator()  # what a run draws stays what it was
    with watched(layers, lambda name, _: seen.add(name)), kept_modes(task.model), torch.no_grad():
        task.model.eval()
        task.losses(next(task.batches("forget", batch_size, aside)), aside)
    return seen


@contextmanager
def watched(layers: dict[str, Layer], see: Callable[[str, Tensor], object]) -> Iterator[None]:
    """Hands `see` the name and the input of each layer whenever the model asks it."""

    def watch(name: str, layer: Layer) -> torch.utils.hooks.RemovableHandle:
        def hook(_: nn.Module, given: tuple[Tensor, ...]) -> None:
            see(name, given[0])

        return layer.register_forward_pre_hook(hook)

    handles = [watch(name, layer) for name, layer in layers.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def moments(
    task: Task, layers: dict[str, Layer], part: Part, config: MuphtConfig, rng: torch.Generator, cancel: CancelToken
) -> dict[str, Tensor]:
    """C = mean of x x^T over the inputs x of each layer, [d, d] in double precision, by the layer's name.

    Raises:
        Diverged: an input is not finite.
    """
    sums: dict[str, Tensor] = {}
    seen = dict.fromkeys(layers, 0)

    def read(name: str, given: Tensor) -> None:
        x = inputs(layers[name], given).double()
        sums[name] = sums.get(name, 0) + x.T @ x
        seen[name] += len(x)

    with watched(layers, read):
        for batch in islice(task.batches(part, config.batch_size, rng), config.batches):
            if cancel.cancelled:
                break
            task.losses(batch, rng)
    if not all(bool(torch.isfinite(total).all()) for total in sums.values()):
        raise Diverged("The inputs of a layer are no longer finite.", hint="Check the model and the pictures.")
    return {name: total / seen[name] for name, total in sums.items()}


def inputs(layer: Layer, x: Tensor) -> Tensor:
    """What single outputs of a layer are made of, [n, d]: rows of a linear layer's input, patches of a convolution's."""
    if isinstance(layer, nn.Linear):
        return x.detach().float().flatten(0, -2)
    padded = F.pad(x.detach().float(), layer._reversed_padding_repeated_twice)
    patches = F.unfold(padded, layer.kernel_size, layer.dilation, stride=layer.stride)
    return patches.transpose(1, 2).flatten(0, 1)


def chosen(forget: Tensor, remain: Tensor | None, count: int, ridge: float) -> tuple[Tensor, Tensor]:
    """The first `count` directions [d, count], each of length 1, and the share [count] in which each is removed.

    Plain (no `remain`): eigenvectors of C_f, wholly removed. Retain-aware: u = L^-T q with C_r + ridge * mean(diag C_r) * I =
    L L^T and q an eigenvector of L^-1 C_f L^-T, its share min(1, u^T C_f u / u^T L L^T u).
    """
    if remain is None:
        return torch.linalg.eigh(forget).eigenvectors.flip(1)[:, :count], forget.new_ones(count)
    kept = remain + (ridge * remain.diagonal().mean() + 1e-12) * torch.eye(len(remain)).to(remain)
    lower = torch.linalg.cholesky(kept)
    half = torch.linalg.solve_triangular(lower, forget, upper=False)
    whitened = torch.linalg.solve_triangular(lower, half.T, upper=False)
    values, vectors = torch.linalg.eigh((whitened + whitened.T) / 2)
    quotients, q = values.flip(0)[:count], vectors.flip(1)[:, :count]
    u = torch.linalg.solve_triangular(lower.T, q, upper=True)
    return u / u.norm(dim=0), quotients.clamp(0.0, 1.0)


def without(weight: Tensor, u: Tensor, share: float) -> Tensor:
    """W - share * W u u^T, for W [out, d] and u [d] of length 1."""
    return weight - share * torch.outer(weight @ u, u)
