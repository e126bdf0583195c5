"""The memory of a run: what it takes beyond what was there before, seen though it is given back before anybody asks."""

from __future__ import annotations

import gc
import time

import pytest
import torch

from sfr_core.ops.device import give_memory_back
from sfr_core.ops.memory import SAMPLED_EVERY, PeakMemory

CPU = torch.device("cpu")
MIB = 2**20


@pytest.fixture(autouse=True)
def tidy() -> None:
    """What earlier tests in this process left to be freed must not be freed while this one counts."""
    gc.collect()
    give_memory_back()


def test_what_is_given_back_within_a_step_is_seen_and_what_was_there_before_is_not_counted() -> None:
    before = torch.ones(64 * MIB)  # 256 MiB of somebody else
    with PeakMemory(CPU) as memory:
        held = torch.ones(32 * MIB)  # 128 MiB
        time.sleep(6 * SAMPLED_EVERY)
        del held
        time.sleep(2 * SAMPLED_EVERY)
    assert 100 * MIB < memory.bytes < 200 * MIB
    del before
    with PeakMemory(CPU) as small:
        time.sleep(2 * SAMPLED_EVERY)
    assert small.bytes < 30 * MIB


def test_a_run_that_gives_memory_back_took_none() -> None:
    held = torch.ones(64 * MIB)
    with PeakMemory(CPU) as memory:
        del held
        time.sleep(2 * SAMPLED_EVERY)
    assert 0 <= memory.bytes < 30 * MIB


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no NVIDIA GPU")
def test_a_gpu_counts_its_tensors_exactly() -> None:
    device = torch.device("cuda")
    earlier = torch.zeros(64 * MIB, dtype=torch.uint8, device=device)
    with PeakMemory(device) as memory:
        held = torch.zeros(16 * MIB, dtype=torch.uint8, device=device)
        del held
    assert memory.bytes == 16 * MIB
    assert earlier.nbytes == 64 * MIB
