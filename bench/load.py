"""Many visitors at once on one server: how long who looks must wait while others' runs compute, and what sessions cost.

    python -m bench.load [--part crowd sessions] [--minutes 4] [--lookers 30] [--runners 20] [--ray] [--out bench/results/load.json] [--table]

crowd     lookers open the page and choose something every few seconds, and come again; runners run the classifier's default, follow it and
          look at its result. Targets at the 95th percentile: `GET /` 1.5 s, every choice 1 s; every run that had its turn ends or says why not;
          memory 200 MB above that of the first finished run; of the places that waiting runs are told 95 % are right within one, and of the
          times until they begin 90 % within a factor of two (bench/waiting.py).
sessions  500 pages are opened and left; what they cost a minute later. Target: 50 MB.

The server is a process of its own, reached over loopback alone, on as many cores as this process may use. With --ray its runs are computed by a
Ray cluster that it starts on this machine, with a worker for each core; the crowd then stands in the file as "crowd on Ray".
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import httpx

from bench.page import MODEL, surroundings
from bench.processes import Served, Server
from bench.tables import markdown
from bench.visitors import Page, Times, Visitor, line_to
from bench.waiting import honest, truth
from recipes.command import parser_of

RESULT = Path(__file__).parent / "results" / "load.json"
CHOICES = (("model-picker", "input"), ("class-picker", "input"), ("settings", "input"), ("forget-kind", "change"))
THINKING = (2.0, 6.0)
"""Seconds between two choices of a looker."""
STAYS = 4
"""Choices of a looker before he opens the page anew."""
TARGETS = {"GET /": 1.5, "choose": 1.0}
GROWTH, SESSIONS = 200e6, 50e6
OPENED = 500
RAY = {"PLAYGROUND_RAY": "auto", "PLAYGROUND_RAY_CORES": "1"}


async def look(visitor: Visitor, until: float, chance: random.Random, thinking: tuple[float, float]) -> None:
    """Opens the page and chooses, again and again."""
    while time.perf_counter() < until:
        try:
            async with visitor.opened():
                for _ in range(STAYS):
                    await asyncio.sleep(chance.uniform(*thinking))
                    if time.perf_counter() < until:
                        await visitor.choose(*chance.choice(CHOICES))
        except httpx.HTTPError as error:
            visitor.times.wrong.append(repr(error))
        visitor = Visitor(visitor.client, visitor.page, visitor.times, visitor.address)


async def run(visitor: Visitor, until: float, ended: list[dict[str, Any]]) -> None:
    """Runs until the time is over; a run that has had its turn by then goes on to its end."""
    async with visitor.opened():
        while time.perf_counter() < until:
            try:
                value = await visitor.run(MODEL, until)
                ended.append({key: value.get(key) for key in ("state", "line", "waited", "took", "queue")})
            except RuntimeError as error:  # a refusal: the queue is full
                ended.append({"state": "refused", "line": str(error)})
                await asyncio.sleep(5.0)


async def crowd(
    server: Served,
    lookers: int,
    runners: int,
    minutes: float,
    *,
    last: float = 300.0,
    settle: float = 10.0,
    thinking: tuple[float, float] = THINKING,
) -> dict[str, Any]:
    """All of them at once.

    Args:
        last: seconds for which the run that computes at the end is waited for. settle: seconds after it before memory is read once more.
        thinking: seconds between two choices of a looker, at least and at most.
    """
    times, following = Times(), Times()
    ended: list[dict[str, Any]] = []
    memory: list[tuple[int, int]] = []
    until = time.perf_counter() + 60 * minutes
    async with line_to(server.url) as client:
        page = Page((await client.get("config")).json())

        async def watch() -> None:
            while True:
                memory.append((len([one for one in ended if one["state"] == "finished"]), server.memory()))
                await asyncio.sleep(1.0)

        watching = asyncio.create_task(watch())
        visits = [
            asyncio.create_task(
                look(Visitor(client, page, times, f"203.0.113.{n + 1}"), until, random.Random(n), thinking)
            )
            for n in range(lookers)
        ]
        runs = [
            asyncio.create_task(run(Visitor(client, page, following, f"198.51.100.{n + 1}"), until, ended))
            for n in range(runners)
        ]
        await asyncio.gather(*visits)
        _, waiting = await asyncio.wait(runs, timeout=last)
        for task in waiting:
            task.cancel()
        broken = [task.exception() for task in runs if task.done() and not task.cancelled()]
        following.wrong += [repr(error) for error in broken if error is not None]
        await asyncio.sleep(settle)  # what a run takes while it computes is not what it leaves
        watching.cancel()
    warm = next((used for finished, used in memory if finished), memory[0][1])
    states = [one["state"] for one in ended]
    queue = truth([one["queue"] for one in ended if "queue" in one])
    return {
        "what": f"{lookers} looking, {runners} running, {minutes:g} minutes",
        "looking": times.table(),
        "running": following.table(),
        "wrong": times.wrong + following.wrong,
        "runs": {state: states.count(state) for state in sorted(set(states))},
        "lost": len(waiting),
        "failed": [one["line"] for one in ended if one["state"] in ("failed", "refused")][:20],
        "memory": {
            "start": memory[0][1],
            "first_run": warm,
            "most": max(used for _, used in memory),
            "end": memory[-1][1],
        },
        "queue": queue,
        "met": {**met(times, states, len(waiting), memory[-1][1] - warm), "queue": honest(queue)},
    }


def met(times: Times, states: list[str], waiting: int, growth: float) -> dict[str, bool]:
    """Which targets were met."""
    found = {what: numbers["p95"] for what, numbers in times.table().items()}
    choices = [seconds for what, seconds in found.items() if what.startswith("choose")]
    return {
        "GET /": found["GET /"] < TARGETS["GET /"],
        "choices": max(choices, default=0.0) < TARGETS["choose"],
        "runs end": "failed" not in states and not waiting,
        "memory": growth < GROWTH,
    }


async def sessions(server: Served, number: int = OPENED, wait: float = 60.0) -> dict[str, Any]:
    """Pages that are opened and left, eight at a time."""
    async with line_to(server.url) as client:
        page = Page((await client.get("config")).json())
        times, gate = Times(), asyncio.Semaphore(8)

        async def visit() -> None:
            visitor = Visitor(client, page, times)
            async with gate, visitor.opened():
                await visitor.choose("model-picker", "input")

        async def visits(n: int) -> None:
            await asyncio.gather(*(visit() for _ in range(n)))

        await visits(16)  # what the first ones load is no session's
        before = server.memory()
        await visits(number)
        left = server.memory()
        await asyncio.sleep(wait)
        after = server.memory()
    return {
        "what": f"{number} pages opened and left",
        "bytes_when_left": left - before,
        "bytes_later": after - before,
        "met": {"memory": after - before < SESSIONS},
        "wrong": times.wrong,
    }


def table(results: dict[str, Any]) -> str:
    """Parts as Markdown."""
    rows = []
    for part, found in results.items():
        for group in ("looking", "running"):
            for what, numbers in found.get(group, {}).items():
                rows.append(
                    (
                        f"{group}: {what}",
                        f"{numbers['n']}",
                        f"{numbers['p50']}",
                        f"{numbers['p95']}",
                        f"{numbers['max']}",
                    )
                )
        rows += [
            (f"{part}: {name}", "", "", f"{value}", "")
            for name, value in {**found.get("runs", {}), **found.get("queue", {}), **found["met"]}.items()
        ]
    return markdown("what | n | median, s | 95th percentile, s | most, s", rows)


def main() -> None:
    parser = parser_of(__doc__)
    parts = ("crowd", "sessions")
    parser.add_argument("--part", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--lookers", type=int, default=30)
    parser.add_argument("--runners", type=int, default=20)
    parser.add_argument("--ray", action="store_true", help="let a Ray cluster on this machine compute the runs")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--table", action="store_true", help="print what is stored and end")
    args = parser.parse_args()
    results = json.loads(args.out.read_text()) if args.out.exists() else {}
    if args.table:
        print(table(results))
        return
    variables = {"PLAYGROUND_PROXIES": "1", **(RAY if args.ray else {})}
    named = {part: f"{part} on Ray" if args.ray else part for part in args.part}
    for part in args.part:
        load = os.getloadavg()[0]
        with Server("page", **variables) as server:
            server.settle()
            going = sessions(server) if part == "sessions" else crowd(server, args.lookers, args.runners, args.minutes)
            found = asyncio.run(going)
        command = f"python -m bench.load --part {part}" + (f" --minutes {args.minutes:g}" if part == "crowd" else "")
        results[named[part]] = {"command": command + " --ray" * args.ray, **surroundings(load), **found}
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(results, indent=1) + "\n")
    print(table({name: results[name] for name in named.values()}))


if __name__ == "__main__":
    main()
