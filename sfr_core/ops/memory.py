"""The memory that a run takes: the largest in use while it goes on, minus what was in use before."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import torch

from sfr_core.ops.device import resident_bytes, used_bytes

SAMPLED_EVERY = 0.05
"""Seconds between two looks at the resident size. Looks at a run's events would miss the activations, which are freed within a step; one look
takes about 20 microseconds."""


class PeakMemory:
    """Measures while it is entered: a GPU counts the bytes of its tensors itself; of a CPU a thread samples the process's resident size.

    What the process held before counts as nothing: other visitors' models, and freed memory that it kept of earlier runs.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._before, self._largest = device, 0, 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._before = self._largest = used_bytes(self._device)
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        else:
            self._thread = threading.Thread(target=self._sample, name="peak-memory", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._look()

    @property
    def bytes(self) -> int:
        """The largest memory in use so far, beyond that before."""
        return max(0, self._largest - self._before)

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLED_EVERY):
            self._look()

    def _look(self) -> None:
        gpu = self._device.type == "cuda"
        now = int(torch.cuda.max_memory_allocated(self._device)) if gpu else resident_bytes()
        self._largest = max(self._largest, now)
