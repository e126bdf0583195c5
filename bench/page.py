"""What an attached page costs: run time with a browser on the live view over run time of the command line.

    python -m bench.page [--rounds 3]

Both run the default preset on Sneaker. `seconds` is what the run says of itself (method only); `wall` includes the live looks.
Target: at most 1.10.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from demos.app_builder import build_app
from demos.jobs import Job, run_here
from sfr_core.events import Event

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
FORGET, MODEL = "class:Sneaker", "fashion-mnist-resnet"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command_line() -> dict[str, float]:
    """One run of `python -m sfr_core`: its own seconds, and wall seconds between its first and last event."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = ["run", "--model", MODEL, "--forget", FORGET, "--method", "sfr-on", "--out", str(out)]
        first = 0.0
        with subprocess.Popen(
            [sys.executable, "-m", "sfr_core", *command], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                name = json.loads(line)["event"]
                if name == "PhaseStarted" and not first:
                    first = time.perf_counter()
                if name == "PhaseStarted" and '"evaluate"' in line:
                    wall = time.perf_counter() - first
        seconds = float(json.loads((out / "result.json").read_text())["seconds"])
    return {"seconds": seconds, "wall": wall}


def on_page(jobs: list[Job], page: Page) -> dict[str, float]:
    """The same run by a click, with the live view on screen."""
    known = len(jobs)
    page.click("#unlearn")
    first, wall = 0.0, 0.0
    while True:
        page.wait_for_timeout(20)
        if len(jobs) == known:
            continue
        job = jobs[-1]
        if job.log and not first:
            first = time.perf_counter()
        if not wall and any(getattr(event, "phase", "") == "evaluate" for event in job.log[-12:]):
            wall = time.perf_counter() - first
        if not job.active:
            break
    if job.result is None:
        raise RuntimeError(f"the run on the page ended as {job.state}: {job.error}")
    return {"seconds": job.result.seconds, "wall": wall}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    args = parser.parse_args()
    jobs: list[Job] = []

    def noticed(job: Job) -> Iterator[Event]:
        jobs.append(job)
        yield from run_here(job)

    app = build_app(backend=noticed)
    _, address, _ = app.launch(prevent_thread_lock=True, server_port=free_port(), quiet=True)
    shown, plain = [], []
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=args.chromium, args=CHROMIUM)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.wait_for_selector("#unlearn:enabled")
        page.wait_for_timeout(5000)
        on_page(jobs, page)  # warms up: torch, the precision trial, the answers of the shipped models
        for number in range(args.rounds):
            plain.append(command_line())
            shown.append(on_page(jobs, page))
            print(f"round {number + 1}: command line {plain[-1]}, page {shown[-1]}", flush=True)
        browser.close()
    for key in ("seconds", "wall"):
        ratio = statistics.median(r[key] for r in shown) / statistics.median(r[key] for r in plain)
        print(f"{key}: page over command line {ratio:.3f} (medians of {args.rounds})")
    app.demo.close()


if __name__ == "__main__":
    main()
