"""What a race costs over its runs alone, and how long clicks wait during it.

    python -m bench.racing [--methods ID ...] [--forget SPEC] [--table]

One server on this machine: first each method's run with its quick preset for itself, one after the other, then all of them as one race.
Meanwhile one visitor opens the page and chooses. Wanted: the race takes at most the sum of the runs and a fifth, and 95 of 100 choices
during it are answered within 0.3 s. Results go to bench/results/racing.json.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from bench.cells import FOLDER, load, today
from bench.load import look
from bench.page import MODEL
from bench.processes import Served, Server, cpu_name
from bench.tables import markdown
from bench.visitors import ACTIVE, API, Page, Times, Visitor, line_to, percentiles
from recipes.command import one_sentence, parser_of

RESULTS = FOLDER / "racing.json"
METHODS = ("sfr-on", "finetune", "random-label", "salun", "scrub")
MOST = {"of the sum": 1.2, "choose": 0.3}
THINKING = (0.5, 1.5)
"""Seconds between two choices of the visitor."""
VISITOR = "f" * 32


async def asked(client: httpx.AsyncClient, name: str, *data: Any) -> Any:
    """The answer of a public endpoint.

    Raises:
        RuntimeError: with the sentence of a refusal.
    """
    answer = (await client.post(f"{API}run/{name}", json={"data": list(data)})).json()
    if "data" not in answer:
        raise RuntimeError(str(answer.get("error", answer)))
    return answer["data"][0]


async def ended(client: httpx.AsyncClient, name: str, *data: Any) -> tuple[float, dict[str, Any]]:
    """Seconds until a run or race that was just begun ended, and the last answer about it."""
    begun = time.perf_counter()
    while (said := await asked(client, name, *data))["state"] in ACTIVE:
        await asyncio.sleep(0.5)
    return time.perf_counter() - begun, said


async def measured(server: Served, methods: Sequence[str], config: Mapping[str, Any]) -> dict[str, Any]:
    """The runs one by one, then the race, with a visitor who chooses all the time."""
    alone, chance = {}, random.Random(0)
    async with line_to(server.url) as client:
        page = Page((await client.get("config")).json())
        for method in methods:
            job = await asked(client, "submit_run", {**config, "method": method}, VISITOR)
            seconds, said = await ended(client, "run_events", job["job"], VISITOR, 0)
            alone[method] = {"state": said["state"], "seconds": round(seconds, 1)}
        times = Times()
        race = await asked(client, "submit_race", dict(config), list(methods), [0], VISITOR)
        visitor = Visitor(client, page, times)
        looking = asyncio.create_task(look(visitor, time.perf_counter() + 3600, chance, THINKING))
        seconds, said = await ended(client, "race", race["race"], VISITOR)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    together = sum(one["seconds"] for one in alone.values())
    waited = [second for what, found in times.seconds.items() if what.startswith("choose") for second in found]
    late = percentiles(waited)["p95"] if waited else None
    return {
        "alone": alone, "sum_seconds": round(together, 1), "race_seconds": round(seconds, 1), "state": said["state"],
        "of the sum": round(seconds / together, 3), "clicks": len(waited), "p95": late, "times": times.table(),
        "wrong": times.wrong,
        "met": {"of the sum": seconds <= MOST["of the sum"] * together, "choose": late is not None and late <= MOST["choose"]},
    }  # fmt: skip


def table(found: Mapping[str, Any]) -> str:
    """What was measured as Markdown."""
    rows = [[method, one["state"], f"{one['seconds']:.1f} s"] for method, one in found["alone"].items()]
    rows += [["all, one by one", "", f"{found['sum_seconds']:.1f} s"]]
    rows += [["as one race", found["state"], f"{found['race_seconds']:.1f} s ({100 * found['of the sum']:.0f} %)"]]
    rows += [[f"a choice during it, 95th percentile of {found['clicks']}", "", f"{found['p95']} s"]]
    return markdown("what | ended | seconds", rows)


def stored_table() -> str:
    """The newest measurement as Markdown."""
    found = load(RESULTS, {})
    return (
        f"{found['processor']}, {found['cores']} cores, {found['date']}.\n\n{table(found)}"
        if found
        else "Not measured yet."
    )


def main(argv: list[str] | None = None) -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), metavar="ID")
    parser.add_argument("--forget", default="class:Sneaker", metavar="SPEC")
    parser.add_argument("--table", action="store_true", help="print what is stored and end")
    args = parser.parse_args(argv)
    if args.table:
        print(stored_table())
        return 0
    with one_sentence(), Server("page", PLAYGROUND_PROXIES="1") as server:
        server.settle()
        before = os.getloadavg()[0]
        found = asyncio.run(measured(server, args.methods, {"model": MODEL, "forget": args.forget}))
    found |= {"load_before": before, "processor": cpu_name(), "cores": os.cpu_count(), "date": today()}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(found))
    return 0 if all(found["met"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
