"""What an attached page costs: a run with a browser on the live view over the same run from the command line.

    python -m bench.page [--rounds 3] [--out bench/results/page.json]

Both run the default preset on Sneaker, in turn, each in a process of its own that nobody asks anything: the page's run is
started by a click in Chromium without a GPU (it draws on the cores that compute), and then this program only waits for the
line that the server prints at its end. `seconds` is what the run says of itself (the method only), `wall` also holds the
live evaluations, `cpu` is processor time of everything that belongs to the product: the run's process and the browser.
Target: `seconds` and `wall` at most 1.10.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
FORGET, MODEL = "class:Sneaker", "fashion-mnist-resnet"
KEYS = ("seconds", "wall", "cpu")
RESULT = Path(__file__).parent / "results" / "page.json"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stat(pid: int) -> tuple[int, float]:
    """Parent and CPU seconds of a process; (0, 0.0) where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, 0.0
    return int(fields[1]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def browser_cpu() -> dict[int, float]:
    """CPU seconds of each Chromium process below this one; playwright's own driver does not count."""
    parents = {int(p.name): stat(int(p.name)) for p in Path("/proc").iterdir() if p.name.isdigit()}
    mine = {os.getpid()}
    while True:
        more = {pid for pid, (parent, _) in parents.items() if parent in mine} - mine
        if not more:
            break
        mine |= more
    used = {}
    for pid in mine:
        try:
            name = Path(f"/proc/{pid}/comm").read_text()
        except OSError:
            continue
        if name.startswith("chrom"):
            used[pid] = parents[pid][1]
    return used


def command_line() -> dict[str, float]:
    """One run of `python -m sfr_core`, from its first event to the evaluation at its end."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = ["run", "--model", MODEL, "--forget", FORGET, "--method", "sfr-on", "--out", str(out)]
        with subprocess.Popen(
            [sys.executable, "-m", "sfr_core", *command], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            begun: tuple[float, float] | None = None
            for line in process.stdout:
                event = json.loads(line)
                if event["event"] == "PhaseStarted" and begun is None:
                    begun = time.perf_counter(), stat(process.pid)[1]
                if event["event"] == "PhaseStarted" and event["phase"] == "evaluate" and begun is not None:
                    wall, cpu = time.perf_counter() - begun[0], stat(process.pid)[1] - begun[1]
        seconds = float(json.loads((out / "result.json").read_text())["seconds"])
    return {"seconds": seconds, "wall": wall, "cpu": cpu}


def serve(port: int) -> None:
    """The page in this process; prints one line when a run begins, when its evaluation begins, and at its end."""
    from demos.app_builder import build_app
    from demos.jobs import Job, run_here
    from sfr_core.events import Event, Finished, PhaseStarted

    def say(what: str, **values: float) -> None:
        print(json.dumps({"what": what, **values}), flush=True)

    def noticed(job: Job) -> Iterator[Event]:
        begun: tuple[float, float] | None = None
        for event in run_here(job):
            if isinstance(event, PhaseStarted) and begun is None:
                begun = time.perf_counter(), time.process_time()
                say("begun")
            if isinstance(event, PhaseStarted) and event.phase == "evaluate" and begun is not None:
                say("evaluate", wall=time.perf_counter() - begun[0], cpu=time.process_time() - begun[1])
            yield event
            if isinstance(event, Finished) and event.result is not None:
                say("finished", seconds=event.result.seconds)

    app = build_app(backend=noticed)
    app.launch(prevent_thread_lock=True, server_port=port, quiet=True)
    say("serving")
    sys.stdin.read()  # until the parent goes


class Server:
    """`serve` in a process of its own."""

    def __init__(self, port: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.page", "--serve", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, what: str) -> dict[str, Any]:
        """Its next line of this kind; waits without asking."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                said: dict[str, Any] = json.loads(line)
                if said["what"] == what:
                    return said
        raise RuntimeError(f"the server ended before it said {what!r}")


def on_page(server: Server, page: Any) -> dict[str, float]:
    """The same run by a click, with the live view on screen."""
    page.click("#unlearn")
    server.wait_for("begun")
    before = browser_cpu()
    told = server.wait_for("evaluate")
    browser = sum(used - before.get(pid, 0.0) for pid, used in browser_cpu().items())
    seconds = float(server.wait_for("finished")["seconds"])
    page.wait_for_selector("#unlearn:enabled", timeout=120_000)
    return {"seconds": seconds, "wall": told["wall"], "cpu": told["cpu"] + browser, "browser_cpu": browser}


def cpu_name() -> str:
    """The processor, as Linux names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def measure(rounds: int, chromium: str) -> dict[str, Any]:
    """Command line and page in turn."""
    from playwright.sync_api import sync_playwright

    port = free_port()
    server = Server(port)
    server.wait_for("serving")
    shown: list[dict[str, float]] = []
    plain: list[dict[str, float]] = []
    loads: list[float] = []
    try:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path=chromium, args=CHROMIUM)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_selector("#unlearn:enabled")
            page.wait_for_timeout(5000)
            on_page(server, page)  # warms up: torch, the precision trial, the answers of the shipped models
            for number in range(rounds):
                loads.append(os.getloadavg()[0])
                # First one, then the other: what drifts on the machine meets both.
                for kind in ("plain", "shown") if number % 2 == 0 else ("shown", "plain"):
                    if kind == "plain":
                        plain.append(command_line())
                    else:
                        shown.append(on_page(server, page))
                print(f"round {number + 1}: command line {plain[-1]}, page {shown[-1]}", flush=True)
            chromium_version = browser.version
            browser.close()
    finally:
        server.process.terminate()
        server.process.wait(20)
    middle = {key: statistics.median(r[key] for r in shown) / statistics.median(r[key] for r in plain) for key in KEYS}
    return {
        "command": f"python -m bench.page --rounds {rounds}",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {
            "cpu": cpu_name(),
            "cores": len(os.sched_getaffinity(0)),
            "load_before_rounds": loads,
            "nice": os.nice(0),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "gradio", "plotly", "playwright")},
            "chromium": chromium_version,
        },
        "what": "default preset on Sneaker; page over command line, ratio of medians",
        "ratio": {key: round(value, 3) for key, value in middle.items()},
        "command_line": plain,
        "page": shown,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve)
        return
    result = measure(args.rounds, args.chromium)
    for key, ratio in result["ratio"].items():
        print(f"{key}: page over command line {ratio:.3f} (medians of {args.rounds})")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
