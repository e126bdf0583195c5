"""Which device and which precision a run uses, and what they cost; measured, never assumed."""

from __future__ import annotations

import copy
import ctypes
import gc
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from typing import Literal

import psutil
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sfr_core.configs import Device, Precision
from sfr_core.errors import InputError, OutOfMemory
from sfr_core.ops.modes import logits_of

UsedPrecision = Literal["fp32", "bf16"]


def has_gpu() -> bool:
    """Whether this machine has an NVIDIA GPU that torch can use."""
    return torch.cuda.is_available()


def pick_device(wanted: Device) -> torch.device:
    """The device for a run: the GPU where there is one, unless the CPU was asked for.

    Raises:
        InputError: `cuda` was asked for and there is none.
    """
    if wanted == "cuda" and not has_gpu():
        raise InputError("This machine has no usable NVIDIA GPU.", hint="Choose the device 'auto' or 'cpu'.")
    return torch.device("cuda" if wanted != "cpu" and has_gpu() else "cpu")


def is_out_of_memory(error: BaseException) -> bool:
    """A GPU has an exception of its own; torch's CPU allocator speaks of it in a RuntimeError."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)


@contextmanager
def memory_errors(what: str) -> Iterator[None]:
    """Says in one sentence that `what` does not fit into the device's memory.

    Raises:
        OutOfMemory: it ended.
    """
    try:
        yield
    except BaseException as error:
        if is_out_of_memory(error):
            raise OutOfMemory(
                f"The device has too little free memory {what}.", hint="Choose a smaller batch size or the CPU."
            ) from error
        raise


def autocast(device: torch.device, precision: UsedPrecision) -> AbstractContextManager[object]:
    """The context in which forward passes of this precision run."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


Loss = Callable[[nn.Module, Tensor], Tensor]
"""(model, x [n, c, h, w]) -> a scalar."""


def first_class(model: nn.Module, x: Tensor) -> Tensor:
    """Cross-entropy of a classifier that should call everything class 0."""
    return F.cross_entropy(logits_of(model, x).float(), torch.zeros(len(x), dtype=torch.long, device=x.device))


_measured: dict[str, UsedPrecision] = {}


PROBE = 8
"""An eighth of the pictures, but two (batch norm needs them), tells where half precision is hopeless."""


def pick_precision(wanted: Precision, model: nn.Module, x: Tensor, loss: Loss = first_class) -> UsedPrecision:
    """`auto`: bf16 autocast if forward-backward passes of this model on x [n, c, h, w], or the first of it, are faster with it."""
    if wanted != "auto":
        return wanted
    parameters = sum(p.numel() for p in model.parameters())
    key = f"{type(model).__name__}/{parameters}/{x.device.type}/{tuple(x.shape)}"
    if key not in _measured:
        with torch.random.fork_rng([x.device] if x.device.type == "cuda" else []):  # dropout draws from the global one
            _measured[key] = "bf16" if _half_is_faster(model, x, loss) else "fp32"
    return _measured[key]


def _half_is_faster(model: nn.Module, x: Tensor, loss: Loss) -> bool:
    """Where a CPU only imitates half precision, few pictures take longer than all do in single precision: more are not waited for."""
    plain = _pass_seconds(model, x, "fp32", loss)
    if _pass_seconds(model, x[: max(2, math.ceil(len(x) / PROBE))], "bf16", loss, passes=1) > plain:
        return False
    return _pass_seconds(model, x, "bf16", loss) < plain


def _pass_seconds(model: nn.Module, x: Tensor, precision: UsedPrecision, loss: Loss, *, passes: int = 3) -> float:
    """Fastest of some forward-backward passes on a copy, after one for warm-up, seconds."""
    one = trained(model, precision, loss)
    return min([timed(lambda: one(x), x.device) for _ in range(1 + passes)][1:])


def trained(model: nn.Module, precision: UsedPrecision, loss: Loss) -> Callable[[Tensor], None]:
    """A forward-backward pass of a copy of the model on x [n, c, h, w]."""
    trial = copy.deepcopy(model).train()

    def one(x: Tensor) -> None:
        with autocast(x.device, precision):
            value = loss(trial, x)
        torch.autograd.backward(value)

    return one


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that some work takes on a device; on the CPU at most those that this process computed, since the others are other programs'."""
    started, computed = time.perf_counter(), time.process_time()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter() - started
    return min(time.perf_counter() - started, time.process_time() - computed)


@lru_cache(maxsize=1)
def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def device_name(device: torch.device) -> str:
    """The device in words: the GPU's name, or "CPU, n cores"."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"CPU, {cores()} core{'s' if cores() != 1 else ''}"


def resident_bytes() -> int:
    """Resident memory of this process now, bytes."""
    return int(psutil.Process().memory_info().rss)


def peak_resident_bytes() -> int:
    """Largest resident memory of this process since it began, bytes: of a run only where the process made nothing else."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def used_bytes(device: torch.device) -> int:
    """Memory in use now: of the tensors on a GPU, or of this process on a CPU, bytes."""
    return int(torch.cuda.memory_allocated(device)) if device.type == "cuda" else resident_bytes()


def free_bytes(device: torch.device) -> int:
    """Memory that a run could still take: of the GPU, or of this machine, bytes."""
    if device.type == "cuda":
        # What torch keeps of an earlier run for the next one is free to this process, whatever the driver says.
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + int(kept)
    return int(psutil.virtual_memory().available)


def give_memory_back() -> None:
    """Returns to the machine what freed tensors took: torch's allocator and the C library's keep it for later."""
    gc.collect()
    torch.cuda.empty_cache()  # nothing where no GPU was used
    with suppress(OSError, AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def cpu_threads(wanted: int | None) -> Iterator[None]:
    """So many threads of the CPU while it is entered; None changes nothing. They decide the order of sums, and so the last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(wanted or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
