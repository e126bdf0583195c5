"""The processes that `bench.page` and `bench.load` watch: servers that it starts, Chromium below it, and what each has cost so far."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psutil

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]


def cpu_seconds(pid: int) -> float:
    """What a process has taken of the cores so far; 0.0 where it is gone."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def browser_cpu(kind: str = "") -> dict[int, float]:
    """CPU seconds of each Chromium process below this one; playwright's own driver does not count.

    Args:
        kind: only processes of this type, such as "renderer"; empty: all.
    """
    used = {}
    for process in psutil.Process().children(recursive=True):
        try:
            name, command = process.name(), " ".join(process.cmdline())
        except psutil.Error:
            continue
        if name.startswith("chrom") and (not kind or f"--type={kind}" in command):
            used[process.pid] = cpu_seconds(process.pid)
    return used


def spent(before: dict[int, float], kind: str = "") -> float:
    """CPU seconds of Chromium since `browser_cpu(kind)` answered `before`."""
    return sum(used - before.get(pid, 0.0) for pid, used in browser_cpu(kind).items())


def cpu_name() -> str:
    """The processor, as Linux names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


class Served(Protocol):
    """Where a page is, and what its process has in memory."""

    @property
    def url(self) -> str: ...

    def memory(self) -> int:
        """Bytes."""
        ...


class Server:
    """`python -m bench.page --serve KIND` in a process of its own, ended with the block; `given` goes to its environment."""

    def __init__(self, kind: str, **given: str) -> None:
        command = [sys.executable, "-m", "bench.page", "--serve", kind]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **given}
        )
        self.url: str = self.wait_for("serving")["url"]

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def wait_for(self, what: str) -> dict[str, Any]:
        """Its next line of this kind; waits without asking."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                said: dict[str, Any] = json.loads(line)
                if said["what"] == what:
                    return said
        raise RuntimeError(f"the server ended before it said {what!r}")

    def cpu(self) -> float:
        """Its CPU seconds so far."""
        return cpu_seconds(self.process.pid)

    def memory(self) -> int:
        """Bytes that it has in memory now."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def share(self, seconds: float) -> float:
        """The share of a core that it takes while nobody asks anything for some seconds, 0 to 1 for each core."""
        before, begun = self.cpu(), time.perf_counter()
        time.sleep(seconds)
        return (self.cpu() - before) / (time.perf_counter() - begun)

    def settle(self, within: float = 120.0) -> None:
        """Waits until what a server does after its start (it imports and opens models) is over."""
        until = time.perf_counter() + within
        while self.share(3.0) > 0.25 and time.perf_counter() < until:
            pass


@contextmanager
def chromium(path: str) -> Iterator[Any]:
    """A Chromium that draws on the cores."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        yield browser
        browser.close()
