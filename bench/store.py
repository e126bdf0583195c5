"""Result files of the benchmarks: several processes may fill one, and it is there whole or not at all."""

from __future__ import annotations

import fcntl
import json
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from sfr_core.ops.device import device_name


@contextmanager
def locked(results: Path) -> Iterator[None]:
    """Nobody else who asks for this lock reads or writes `results` meanwhile; makes its folder."""
    results.parent.mkdir(exist_ok=True)
    with (results.parent / f".{results.stem}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write(results: Path, value: Any) -> None:
    """Writes `value` as JSON, whole or not at all."""
    temporary = results.with_suffix(".new")
    temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    temporary.replace(results)


def machine(device: str = "cpu") -> str:
    """Where a cell was measured."""
    return f"{platform.machine()}, {device_name(torch.device(device))}, python {platform.python_version()}, torch {torch.__version__}"
