"""Train and eval mode, put back where they were, and the pass of a classifier in either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def kept_modes(model: nn.Module) -> Iterator[None]:
    """Gives every module its train or eval mode back at the end of the block."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def logits_of(network: nn.Module, x: Tensor) -> Tensor:
    """Logits of a classifier on x [n, c, h, w] in its present mode: its own, where a network in train mode gives those of auxiliary heads too.

    One picture alone has no statistics of a batch: batch norm then takes those that it has learned, and learns none.
    """
    if len(x) > 1:
        return _own(network(x))
    with kept_modes(network):
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        return _own(network(x))


def _own(answer: Tensor | tuple[Tensor, ...]) -> Tensor:
    return answer if isinstance(answer, Tensor) else answer[0]
