"""What the page costs, in parts: its start, its server's answers, an idle server, and a run that somebody watches.

    python -m bench.page [--part start server idle run learn] [--rounds N] [--out bench/results/page.json] [--table]

start   CPU seconds of the renderers (and of all of Chromium, and of the renderers until three seconds later) until *Unlearn*
        can be pressed, over those until an empty Gradio page is there: both pages in turn in one Chromium, each time in a
        new profile. Target: at most 2.5.
server  components and listeners of the page's config and its bytes; server CPU for `GET /` and for the choice of a method
        (less what it takes anyway, and with it); which answers are compressed.
        Targets: 250, 90, 300,000, 30 ms each, all.
idle    the share of a core that a server without visitors takes over 60 s. Target: at most 0.02.
run     the default preset on Sneaker with a browser on the live view, over the same run from the command line. `seconds`
        is what the run says of itself (the method only), `wall` also holds the live evaluations, `cpu` is processor time
        of everything that belongs to the product: the run's process and the browser. Target: `seconds` and `wall` at most 1.10.
learn   milliseconds until a step of the tab Learn is drawn: the first one (from the click on the tab, and from the arrival of its
        script) and each of the seven (from the click, layout included); medians. Target: at most 100 each.

Each server is a process of its own that nobody else asks; a part replaces its own entry in the results and no other.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.processes import Server, browser_cpu, chromium, cpu_name, cpu_seconds, spent
from bench.tables import markdown
from recipes.command import parser_of

FORGET, MODEL = "class:Sneaker", "fashion-mnist-resnet"
RESULT = Path(__file__).parent / "results" / "page.json"
VIEW = {"width": 1280, "height": 800}
READY = {"page": "#unlearn:enabled", "empty": "#nothing p"}
ASSET = "theme.css"


def empty_page() -> Any:
    """A Gradio page with one line of text."""
    import gradio as gr

    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Markdown("Nothing", elem_id="nothing")
    return demo


def our_page() -> Any:
    """The page; prints one line when a run begins, when its evaluation begins, and at its end."""
    from demos.app_builder import build_app
    from demos.jobs.book import Job, run_here
    from sfr_core.events import Event, Finished, PhaseStarted

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

    return build_app(backend=noticed)


def say(what: str, **values: Any) -> None:
    """A line for `Server.wait_for`."""
    print(json.dumps({"what": what, **values}), flush=True)


def opened(browser: Any, url: str, ready: str) -> dict[str, float]:
    """One visit of a new visitor.

    Returns:
        Until `ready` is on the page: CPU seconds of the renderers ("renderer"), of all of Chromium ("chromium") and by the
        clock ("wall"); CPU seconds of the renderers until three seconds later ("settled").
    """
    context = browser.new_context(viewport=VIEW)
    page = context.new_page()
    page.wait_for_timeout(500)
    renderers, everything, begun = browser_cpu("renderer"), browser_cpu(), time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector(ready, timeout=120_000)
    wall = time.perf_counter() - begun
    found = {"renderer": spent(renderers, "renderer"), "chromium": spent(everything), "wall": wall}
    page.wait_for_timeout(3000)
    found["settled"] = spent(renderers, "renderer")
    context.close()
    return {name: round(value, 2) for name, value in found.items()}


def in_turn(rounds: int, measures: dict[str, Callable[[], dict[str, float]]]) -> dict[str, list[dict[str, float]]]:
    """Measures two things so many times, in every other round the second one first: what drifts on the machine meets both."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in measures}
    for number in range(rounds):
        for name in sorted(measures, reverse=number % 2 == 1):
            found[name].append(measures[name]())
        print(f"round {number + 1}:", {name: each[-1] for name, each in found.items()}, flush=True)
    return found


def start(rounds: int, path: str) -> dict[str, Any]:
    """Our page and an empty one in turn."""
    with Server("page") as ours, Server("empty") as empty, chromium(path) as browser:
        ours.settle()
        measures = {
            "page": lambda: opened(browser, ours.url, READY["page"]),
            "empty": lambda: opened(browser, empty.url, READY["empty"]),
        }
        for visit in measures.values():  # warms up Chromium and the servers
            visit()
        found = in_turn(rounds, measures)
    return {
        "what": "CPU seconds until Unlearn can be pressed, over an empty Gradio page's; ratio of medians",
        "ratio": ratios(found["page"], found["empty"], ("renderer", "chromium", "settled")),
        **found,
    }


def ratios(a: list[dict[str, float]], b: list[dict[str, float]], keys: tuple[str, ...]) -> dict[str, float]:
    """The median of `a` over that of `b` for each key."""
    return {key: round(statistics.median(r[key] for r in a) / statistics.median(r[key] for r in b), 3) for key in keys}


def answer(url: str) -> tuple[bytes, str]:
    """The body of an answer, unpacked, and how it came packed ("" where it did not)."""
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=60) as found:
        packed = str(found.headers.get("Content-Encoding") or "")
        body: bytes = found.read()
    return (gzip.decompress(body) if packed == "gzip" else body), packed


def config_numbers(url: str) -> dict[str, Any]:
    """Components, listeners and bytes of the page's config, and which answers are packed."""
    body, packed = answer(f"{url}config")
    config = json.loads(body)
    return {
        "components": len(config["components"]),
        "listeners": len(config["dependencies"]),
        "config_bytes": len(body),
        "compressed": {"/": answer(url)[1], "/config": packed, f"/{ASSET}": answer(f"{url}{ASSET}")[1]},
    }


def milliseconds(server: Server, times: int, ask: Callable[[int], Any]) -> dict[str, float]:
    """Server CPU milliseconds of one `ask`, the mean over several: less what it takes when nobody asks, and with it."""
    share, before, begun = server.share(5.0), server.cpu(), time.perf_counter()
    for number in range(times):
        ask(number)
    used, took = server.cpu() - before, time.perf_counter() - begun
    return {"ms": round((used - share * took) / times * 1e3, 1), "ms_with_idle": round(used / times * 1e3, 1)}


def chooser(page: Any) -> Callable[[int], None]:
    """Chooses one method after the other, and waits until the form says so."""

    def choose(number: int) -> None:
        note, select = page.locator("#method-note"), page.locator("#set-method select")
        text, methods = note.inner_text(), select.locator("option")
        select.select_option(index=(number + 1) % methods.count())
        page.wait_for_function("was => document.querySelector('#method-note').innerText !== was", arg=text)
        page.wait_for_timeout(300)

    return choose


def server_costs(rounds: int, path: str) -> dict[str, Any]:
    """What the server sends and what its answers cost."""
    with Server("page") as server, chromium(path) as browser:
        server.settle()
        numbers = config_numbers(server.url)
        got = milliseconds(server, 4 * rounds, lambda _: answer(server.url))
        page = browser.new_page(viewport=VIEW)
        page.goto(server.url)
        page.wait_for_selector(READY["page"])
        choose = chooser(page)
        choose(0)
        chosen = milliseconds(server, 2 * rounds, lambda number: choose(number + 1))
    return {**numbers, "GET /": got, "choose a method": chosen}


DRAWN = """() => [...document.querySelectorAll('.learn ol button')].map((button) => {
    const began = performance.now();
    button.click();
    document.querySelector('.learn').getBoundingClientRect();
    return performance.now() - began;
})"""


OPENED = """() => new Promise((told) => {
    const began = performance.now();
    const drawn = new MutationObserver(() => {
        if (!document.querySelector('.learn h3')?.textContent) return;
        drawn.disconnect();
        document.querySelector('.learn').getBoundingClientRect();
        told(performance.now() - began);
    });
    drawn.observe(document.body, { subtree: true, childList: true, characterData: true });
    document.getElementById('tab-learn-button').click();
})"""
SETTLED = 3000
"""Milliseconds after which a page has nothing left to load."""


def lesson(rounds: int, path: str) -> dict[str, Any]:
    """The tab Learn, opened by a link and by a click, each time by a new visitor."""
    found = []
    with Server("page") as server, chromium(path) as browser:
        server.settle()
        for number in range(rounds):
            page = browser.new_context(viewport=VIEW).new_page()
            page.goto(f"{server.url}?tab=learn&step={number % 7 + 1}")
            page.wait_for_selector(READY["page"], state="attached")
            page.wait_for_selector(".learn h3:not(:empty)")
            page.wait_for_timeout(1000)
            times = {"script (ms)": page.evaluate("() => performance.getEntriesByName('learn-first')[0].duration")}
            times |= {f"step {k + 1} (ms)": ms for k, ms in enumerate(page.evaluate(DRAWN))}
            page.context.close()
            page = browser.new_context(viewport=VIEW).new_page()
            page.goto(server.url)
            page.wait_for_selector(READY["page"])
            page.wait_for_timeout(SETTLED)
            found.append({"tab (ms)": page.evaluate(OPENED), **times})
            page.context.close()
    middle = {name: round(statistics.median(each[name] for each in found), 1) for name in found[0]}
    return {"what": "milliseconds until a step of the tab Learn is drawn, medians", "rounds": rounds, **middle}


def idle(seconds: float) -> dict[str, Any]:
    """A server that nobody visits."""
    with Server("page") as server:
        server.settle()
        return {"share": round(server.share(seconds), 4), "over_seconds": seconds}


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
                    begun = time.perf_counter(), cpu_seconds(process.pid)
                if event["event"] == "PhaseStarted" and event["phase"] == "evaluate" and begun is not None:
                    wall, cpu = time.perf_counter() - begun[0], cpu_seconds(process.pid) - begun[1]
        seconds = float(json.loads((out / "result.json").read_text())["seconds"])
    return {"seconds": seconds, "wall": wall, "cpu": cpu}


def on_page(server: Server, page: Any) -> dict[str, float]:
    """The same run by a click, with the live view on screen."""
    page.click("#unlearn")
    server.wait_for("begun")
    before = browser_cpu()
    told = server.wait_for("evaluate")
    browser = spent(before)
    seconds = float(server.wait_for("finished")["seconds"])
    page.wait_for_selector(READY["page"], timeout=120_000)
    return {"seconds": seconds, "wall": told["wall"], "cpu": told["cpu"] + browser, "browser_cpu": browser}


def watched_run(rounds: int, path: str) -> dict[str, Any]:
    """Command line and page in turn."""
    with Server("page") as server, chromium(path) as browser:
        page = browser.new_page(viewport=VIEW)
        page.goto(server.url)
        page.wait_for_selector(READY["page"])
        page.wait_for_timeout(5000)
        on_page(server, page)  # warms up: torch, the precision trial, the answers of the shipped models
        found = in_turn(rounds, {"command_line": command_line, "page": lambda: on_page(server, page)})
    return {
        "what": "default preset on Sneaker; page over command line, ratio of medians",
        "ratio": ratios(found["page"], found["command_line"], ("seconds", "wall", "cpu")),
        **found,
    }


# What measures each part, and how often by default (for "idle": seconds).
PARTS: dict[str, tuple[Callable[[int, str], dict[str, Any]], int]] = {
    "start": (start, 5),
    "server": (server_costs, 5),
    "idle": (lambda seconds, _: idle(seconds), 60),
    "run": (watched_run, 3),
    "learn": (lesson, 7),
}


def table(results: dict[str, Any]) -> str:
    """Parts as Markdown, one line a number."""
    rows = []
    for part, found in results.items():
        over = {"start": "an empty Gradio page", "run": "the command line"}.get(part)
        visits = {kind: found[kind] for kind in ("page", "empty") if part == "start"}
        rows += [(f"{key}, page over {over}", f"{value:.3f}") for key, value in found.get("ratio", {}).items()]
        for kind, each in visits.items():
            rows += [(f"{key} seconds, {kind}", f"{statistics.median(v[key] for v in each):.2f}") for key in each[0]]
        rows += [(f"{path} comes", packed or "unpacked") for path, packed in found.get("compressed", {}).items()]
        for asked in ("GET /", "choose a method"):
            rows += [(f"{asked}: server CPU {name}", f"{value}") for name, value in found.get(asked, {}).items()]
        rows += [(name, f"{value:,}") for name, value in found.items() if isinstance(value, int | float)]
    return markdown("what | measured", rows)


def stored_table() -> str:
    """All stored parts."""
    return table(json.loads(RESULT.read_text()))


def surroundings(load: float) -> dict[str, Any]:
    """When and on what a part was measured.

    Args:
        load: the machine's load average before it.
    """
    packages = ("torch", "gradio", "plotly", "playwright")
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": {
            "cpu": cpu_name(),
            "cores": len(os.sched_getaffinity(0)),
            "load": round(load, 2),
            "nice": os.nice(0),
        },
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
    }


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rounds", type=int, help="how often (idle: seconds) instead of the part's default")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--table", action="store_true", help="print what is stored and end")
    parser.add_argument("--serve", choices=READY, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        served = our_page() if args.serve == "page" else empty_page()
        # Without a port Gradio takes the first free one.
        _, url, _ = served.launch(prevent_thread_lock=True, server_port=None, quiet=True, ssr_mode=False)
        say("serving", url=url)
        sys.stdin.read()  # until the parent goes
        return
    if args.table:
        print(stored_table())
        return
    results = json.loads(args.out.read_text()) if args.out.exists() else {}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    for part in args.part:
        measure, times = PARTS[part]
        rounds, load = args.rounds or times, os.getloadavg()[0]
        command = f"python -m bench.page --part {part} --rounds {rounds}"
        results[part] = {"command": command, **surroundings(load), **measure(rounds, args.chromium)}
        args.out.write_text(json.dumps(results, indent=1) + "\n")
    print(table({part: results[part] for part in args.part}))


if __name__ == "__main__":
    main()
