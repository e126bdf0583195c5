"""What forgetting takes of memory, before anything is loaded.

Weights, gradients, optimiser states and masks are counted, by what the catalog says that a method holds; what autograd keeps of a
picture is measured. Drawing pictures is not counted: it keeps nothing for a backward pass.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfr_core.catalog.base import Cost

if TYPE_CHECKING:
    from torch import Tensor, UntypedStorage, nn

    Storages = dict[int, UntypedStorage]  # by address; held, so that no address is used twice

FLOAT, HALF = 4, 2
OPTIMISER = {"sgd": 4, "adam": 8, "adamw": 8, "adam8bit": 2, "adamw8bit": 2}
"""Bytes of state for one trained weight, by MethodConfig.optimizer."""
PICTURES = 2
"""In the pass that is measured: layers that norm over the batch refuse a single one."""
UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """Bytes on the device, at the moment of a run at which it holds most.

    Attributes:
        weights: of everything, trained or not, with all copies.
        training: gradient, optimiser states, masks and Fishers.
        activations: what autograd keeps of all passes of a step.
    """

    weights: int
    training: int = 0
    activations: int = 0

    @property
    def total(self) -> int:
        return self.weights + self.training + self.activations

    def sentence(self) -> str:
        """For people."""
        parts = (
            (self.weights, "weights"), (self.training, "gradients, optimiser and masks"), (self.activations, "a batch"),
        )  # fmt: skip
        listed = ", ".join(f"{in_words(size)} for {what}" for size, what in parts if size)
        return f"about {in_words(self.total)} of memory: {listed}"


def needed_memory(
    cost: Cost,
    *,
    trained: int,
    rest: int = 0,
    still: int,
    checker: int = 0,
    activations: int,
    optimizer: str = "",
    questions: int = 1,
    spare: bool = False,
    half: bool = False,
    on_gpu: bool = True,
) -> MemoryNeed:
    """Bytes that a run takes.

    Args:
        cost: of the method with its settings.
        trained: weights that move. rest: those of the same network that do not. still: of the other parts of the model.
        checker: weights that stay in single precision whatever is spared: a safety checker.
        activations: bytes that autograd keeps of one picture in one pass, see `kept_by_autograd`.
        optimizer: key of OPTIMISER. questions: how often a pass for a Fisher asks about each picture.
        spare: as RunConfig.memory "spare". half: passes in half precision.
        on_gpu: main memory, where the weights before and after the run lie, is another one.
    """
    held = HALF if spare and half else FLOAT
    network, others = trained * FLOAT + rest * held, still * held + checker * FLOAT
    # A pass in half precision copies the weights that are held in single precision, until its backward pass.
    copied = (trained if spare else trained + rest) * HALF if half else 0
    beside = 0 if on_gpu else 1

    def moment(networks: int, per_weight: int = 0, passes: int = 0, pictures: int = 0) -> MemoryNeed:
        return MemoryNeed(
            weights=(1 + networks) * network + others + passes * copied,
            training=trained * per_weight,
            activations=passes * pictures * activations,
        )

    moments = [moment(1 + 2 * beside)]  # in the end a copy with the weights before draws
    if cost.fishers:  # a gradient and a sum; on a GPU the first Fisher waits in main memory for the second
        waiting = beside * (cost.fishers - 1)
        moments.append(moment(beside, (2 + waiting) * FLOAT, 1, questions * cost.fisher_batch))
        moments.append(moment(beside, cost.fishers * FLOAT + cost.masks))
    if cost.trains:
        steps = (1 + cost.tensors) * FLOAT + cost.optimizers * OPTIMISER[optimizer] + cost.masks
        # When the activations are gone, Adam on a GPU takes the roots of all second moments at once.
        roots = FLOAT if on_gpu and optimizer in ("adam", "adamw") else 0
        moments.append(moment(beside + cost.networks, steps, cost.batches, cost.batch))
        moments.append(moment(beside + cost.networks, steps + cost.aside * FLOAT + roots))
    return max(moments, key=lambda need: need.total)


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes that autograd keeps of one picture for the backward pass.

    Attributes:
        plain: everything.
        spared: with blocks recomputed, what is kept between them and within the largest one.
    """

    plain: int
    spared: int


def kept_by_autograd(model: nn.Module, inputs: Callable[[int], tuple[Any, ...]], *, half: bool) -> Kept:
    """Measures one forward pass of tensors without contents, which take no memory, through the kernels' choice of a CPU.

    Args:
        model: whose weights may lie on the meta device; it is of no other use afterwards.
        inputs: its positional arguments for so many pictures.
        half: forward passes in half precision, with norms in single precision as autocast has them on a GPU.
    """
    import torch
    from torch import nn
    from torch._subclasses.fake_tensor import FakeTensorMode

    nn.Module.to(model.train(), "meta", torch.bfloat16 if half else torch.float32)  # diffusers' own `to` warns
    for norm in model.modules():
        if half and isinstance(norm, nn.GroupNorm | nn.LayerNorm):
            norm.float().register_forward_pre_hook(lambda _, given: (given[0].float(), *given[1:]))
    weights: set[int] = set()
    outside: Storages = {}
    entered: Storages = {}
    blocks: list[Storages] = []

    def note(tensor: Tensor, where: Storages) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            where[storage._cdata] = storage
        return tensor

    def noting(where: Storages) -> AbstractContextManager[Any]:
        return torch.autograd.graph.saved_tensors_hooks(lambda tensor: note(tensor, where), lambda tensor: tensor)

    def block(module: nn.Module, *given: Any) -> Any:
        """Stands in for torch's checkpoint, which keeps what a block is given instead of what it saves."""
        for tensor in given:
            if isinstance(tensor, torch.Tensor):
                note(tensor, entered)
        blocks.append({})
        with noting(blocks[-1]):
            return module(*given)

    recompute: Any = getattr(model, "enable_gradient_checkpointing", None)
    if recompute is not None:
        recompute(block)
    with FakeTensorMode(allow_non_fake_inputs=True):
        nn.Module.to_empty(model, device="cpu")
        weights |= {w.untyped_storage()._cdata for w in (*model.parameters(), *model.buffers())}
        with noting(outside), torch.autocast("cpu", torch.bfloat16, enabled=half):
            model(*inputs(PICTURES))
    plain = _bytes(ChainMap(outside, *blocks))
    spared = _bytes(outside | entered) + max(map(_bytes, blocks), default=0)
    return Kept(-(-plain // PICTURES), -(-spared // PICTURES))


def _bytes(storages: Mapping[int, UntypedStorage]) -> int:
    return sum(storage.nbytes() for storage in storages.values())


def in_words(size: int) -> str:
    """Bytes for people: 3.4 GB."""
    for unit, name in UNITS:
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"
