"""What autograd keeps of one forward pass, counted without computing it: the network runs on torch's meta device."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


UNITS = ("resnets", "transformer_blocks")
"""Lists of modules that diffusers recomputes one at a time."""


@dataclass(frozen=True, slots=True)
class Activations:
    """Bytes for one picture.

    Attributes:
        plain: everything that the backward pass needs.
        spared: with UNITS recomputed: what is kept between them, and the largest one's own.
    """

    plain: int
    spared: int

    def of_batch(self, size: int, *, spare: bool) -> int:
        """Bytes for a batch."""
        return size * (self.spared if spare else self.plain)


def count_activations(
    make: Callable[[], nn.Module], inputs: Callable[[torch.dtype], tuple[Any, ...]], *, half: bool
) -> Activations:
    """Builds a network on the meta device and looks at what one forward pass saves for the backward pass.

    Args:
        make: builds the network; a diffusers model, so that it can recompute its blocks, or any other.
        inputs: its positional arguments for one picture, floating ones of the dtype that it is given.
        half: forward passes in half precision.
    """
    import torch
    from torch import nn

    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        dtype = torch.bfloat16 if half else torch.float32
        model = nn.Module.to(make().train(), dtype)  # diffusers' own `to` warns of a use that is not ours
        arguments = inputs(dtype)
        plain, largest = _saved(model, arguments)
        if not hasattr(model, "enable_gradient_checkpointing"):
            return Activations(plain, plain)
        recompute: Any = model.enable_gradient_checkpointing
        recompute()
        return Activations(plain, _saved(model, arguments)[0] + largest)


def _saved(model: nn.Module, arguments: tuple[Any, ...]) -> tuple[int, int]:
    """Bytes saved in all, and within the unit that saves most; weights do not count, nothing counts twice."""
    import torch

    weights = {p.untyped_storage()._cdata for p in model.parameters()}
    kept: dict[int, Any] = {}  # the storages themselves, so that no address is used twice
    by_block: dict[str, int] = {}
    inside = [""]

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights and storage._cdata not in kept:
            kept[storage._cdata] = storage
            by_block[inside[-1]] = by_block.get(inside[-1], 0) + storage.nbytes()
        return tensor

    hooks = []
    for name, module in model.named_modules():
        if name.rpartition(".")[0].rpartition(".")[2] in UNITS:
            hooks.append(module.register_forward_pre_hook(lambda *_, name=name: inside.append(name)))
            hooks.append(module.register_forward_hook(lambda *_: inside.pop() and None))
    try:
        with _fused_attention(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            model(*arguments)
    finally:
        for hook in hooks:
            hook.remove()
    blocks = [size for name, size in by_block.items() if name]
    return sum(by_block.values()), max(blocks, default=0)


def _fused_attention() -> AbstractContextManager[Any]:
    """Attention keeps what the kernels of a GPU and of a CPU keep: its inputs, its answer and one number a query.

    The meta device has no such kernel and would keep the whole matrix of queries by keys, twice: three quarters of what a
    Stable Diffusion 1.x then seemed to need. Holds for the calling thread alone.
    """
    import torch
    from torch.nn import functional as F
    from torch.overrides import TorchFunctionMode

    class Fused(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            answer = query.new_empty((*query.shape[:-1], value.shape[-1]))
            ctx.save_for_backward(query, key, value, answer, query.new_empty(query.shape[:-1], dtype=torch.float32))
            return answer

    class Mode(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is F.scaled_dot_product_attention:
                named = dict(zip(("query", "key", "value"), args, strict=False)) | (kwargs or {})
                return Fused.apply(named["query"], named["key"], named["value"])
            return func(*args, **(kwargs or {}))

    return Mode()
