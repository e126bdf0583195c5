"""What this machine is, for the badge; and what a run uses, for the live view. Loads torch only where it already is."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from demos.text import live as live_text
from demos.text import unlearn as copy

GPUS = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True, slots=True)
class Hardware:
    """Kind of machine and its name for people."""

    kind: Literal["cpu", "cuda", "zerogpu"]
    name: str


def on_zerogpu() -> bool:
    """True inside a ZeroGPU Space."""
    return os.environ.get("SPACES_ZERO_GPU", "").casefold() in {"1", "true", "yes"}


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def detect() -> Hardware:
    """The machine, without importing torch: ZeroGPU, then an NVIDIA driver, then the CPU."""
    if on_zerogpu():
        return Hardware("zerogpu", copy.BADGE_ZERO)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None or visible.strip() not in {"", "-1"}:
        for info in sorted(GPUS.glob("*/information")):
            for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
                if line.startswith("Model:"):
                    return Hardware("cuda", line.partition(":")[2].strip())
    n = cores()
    return Hardware("cpu", copy.BADGE_CPU.format(n=n, cores=copy.BADGE_CORES[n != 1]))


def usage(session: object) -> str:
    """Device and memory of a run in one line; "" before it has a session."""
    if session is None or "sfr_core.ops.device" not in sys.modules:
        return ""
    from sfr_core.ops import device

    name, used = getattr(session, "device_name", ""), getattr(session, "device", None)
    if used is None or used.type != "cuda":
        return live_text.MACHINE_CPU.format(name=name, memory=copy.size(device.resident_bytes()))
    return live_text.MACHINE_GPU.format(name=name, memory=copy.size(device.used_bytes(used)))


def give_memory_back() -> None:
    """Returns to the machine what ended runs and freed weights took; without torch nothing has run here."""
    if "sfr_core.ops.device" in sys.modules:
        from sfr_core.ops import device

        device.give_memory_back()
