"""Device and precision: what is said of them is true of this machine."""

from __future__ import annotations

import os
import platform
import resource
import time

import pytest
import torch
from torch import nn

from sfr_core.errors import InputError
from sfr_core.ops import device
from sfr_core.ops.device import (
    autocast,
    cores,
    cpu_threads,
    device_name,
    give_memory_back,
    peak_resident_bytes,
    pick_device,
    pick_precision,
    resident_bytes,
    used_bytes,
)
from tests.core.tiny import same, state, tiny_net

CPU = torch.device("cpu")


def test_cpu_is_given_where_it_is_asked_for() -> None:
    assert pick_device("cpu") == CPU


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_auto_is_the_cpu_and_cuda_is_refused() -> None:
    assert pick_device("auto") == CPU
    with pytest.raises(InputError, match="no usable NVIDIA GPU") as caught:
        pick_device("cuda")
    assert caught.value.exit_code == 2
    assert caught.value.hint


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no NVIDIA GPU")
def test_with_a_gpu_auto_is_the_gpu() -> None:
    gpu = pick_device("auto")
    assert gpu.type == "cuda"
    assert device_name(gpu) == torch.cuda.get_device_name()
    before = used_bytes(gpu)
    held = torch.zeros(2**20, device=gpu)
    assert used_bytes(gpu) - before >= held.nbytes


def test_cores_are_those_that_the_process_may_use() -> None:
    assert cores() == len(os.sched_getaffinity(0))
    assert device_name(CPU).startswith(f"CPU, {cores()} core")


def test_memory_is_counted_in_bytes() -> None:
    before = resident_bytes()
    held = torch.ones(64 * 2**20)  # 256 MiB, written: too large for the allocator to serve from freed memory
    grown = resident_bytes() - before
    assert 0.5 * held.nbytes < grown < 2 * held.nbytes
    assert used_bytes(CPU) == pytest.approx(resident_bytes(), rel=0.2)
    assert peak_resident_bytes() == pytest.approx(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, rel=0.2)
    assert peak_resident_bytes() >= 0.99 * resident_bytes()


def test_autocast_computes_in_the_precision_of_its_name() -> None:
    layer, x = nn.Linear(2, 2), torch.ones(1, 2)
    with autocast(CPU, "bf16"):
        assert layer(x).dtype == torch.bfloat16
    with autocast(CPU, "fp32"):
        assert layer(x).dtype == torch.float32
    assert layer(x).dtype == torch.float32


def test_a_named_precision_is_taken_without_measuring() -> None:
    def never(_: torch.Tensor) -> torch.Tensor:
        raise AssertionError("asked")

    model = nn.Identity()
    model.forward = never  # type: ignore[method-assign]
    assert pick_precision("bf16", model, torch.ones(1, 1)) == "bf16"
    assert pick_precision("fp32", model, torch.ones(1, 1)) == "fp32"


def test_measuring_leaves_the_model_as_it_was_and_is_done_once() -> None:
    model = tiny_net().eval()
    before, x = state(model), torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    first = pick_precision("auto", model, x)
    assert first in ("fp32", "bf16")
    assert same(before, state(model))
    assert not any(m.training for m in model.modules())
    assert all(p.grad is None for p in model.parameters())
    assert {pick_precision("auto", model, x) for _ in range(20)} == {first}


def test_half_precision_that_is_hopeless_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def seconds_of_a_cpu_that_imitates(_: nn.Module, x: torch.Tensor, precision: str, *__: object, **___: int) -> float:
        asked.append((precision, len(x)))
        return len(x) * (0.01 if precision == "fp32" else 0.1)

    monkeypatch.setattr(device, "_pass_seconds", seconds_of_a_cpu_that_imitates)
    assert pick_precision("auto", nn.Linear(3, 5), torch.ones(64, 3)) == "fp32"
    assert asked == [("fp32", 64), ("bf16", 8)]
    asked.clear()

    def seconds_where_it_is_built_in(_: nn.Module, x: torch.Tensor, precision: str, *__: object, **___: int) -> float:
        asked.append((precision, len(x)))
        return len(x) * (0.01 if precision == "fp32" else 0.006)

    monkeypatch.setattr(device, "_pass_seconds", seconds_where_it_is_built_in)
    assert pick_precision("auto", nn.Linear(3, 6), torch.ones(64, 3)) == "bf16"
    assert asked == [("fp32", 64), ("bf16", 8), ("bf16", 64)]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked")
def test_memory_that_was_freed_goes_back_to_the_machine() -> None:
    """Blocks below the size that the C library maps singly stay with it when they are freed below one that is in use."""
    blocks = [bytearray(os.urandom(64) * 1000) for _ in range(3000)]  # 183 MiB
    pin = bytearray(os.urandom(64) * 1000)
    del blocks
    kept = resident_bytes()
    give_memory_back()
    assert resident_bytes() < kept - 150 * 2**20
    assert pin


def test_threads_are_put_back() -> None:
    before = torch.get_num_threads()
    with cpu_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    with cpu_threads(None):
        assert torch.get_num_threads() == before
    assert torch.get_num_threads() == before


def test_time_in_which_other_programs_compute_is_not_the_works_own() -> None:
    def busy() -> None:
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass
        time.sleep(0.5)  # as while another program has the core

    assert 0.05 <= device.timed(busy, torch.device("cpu")) < 0.5
